/**
 * What calls are refused with for who makes them, where no key is concerned: keys are checked where entries are
 * applied and reads are answered.
 *
 * Source: etcd server/etcdserver/v3_server.go (requireAuthInfo), api/v3rpc/maintenance.go, auth.go (3.5).
 */
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcMethodHandler } from "../http2/grpc-server-types.ts";
import type { Member } from "../member/member.ts";
import type { Callers, Identifiable } from "./context.ts";
import { fail } from "./status.ts";

/** What is asked about callers. */
export interface CallerContext {
  readonly callers: Callers;
  readonly member: { readonly applier: Pick<Member["applier"], "auth"> };
}

/** For calls that anybody may make who is somebody. Errors: UserEmpty, InvalidAuthToken. */
export function strangerRefusal(
  { callers, member }: CallerContext,
  call: Identifiable,
): EtcdError | undefined {
  if (!member.applier.auth.enabled) return undefined;
  const caller = callers.identityOf(call);
  if (caller === undefined) return Errors.UserEmpty;
  return caller instanceof EtcdError ? caller : undefined;
}

/** For calls that need the role root. Errors: those of `AuthStore.checkAdmin`, InvalidAuthToken. */
export function adminRefusal(
  { callers, member }: CallerContext,
  call: Identifiable,
): EtcdError | undefined {
  const { auth } = member.applier;
  if (!auth.enabled) return undefined;
  const caller = callers.identityOf(call);
  return caller instanceof EtcdError ? caller : auth.checkAdmin(caller);
}

/** `handler`, for those with the role root. */
export function forAdmins(context: CallerContext, handler: GrpcMethodHandler): GrpcMethodHandler {
  return new ForAdmins(context, handler, (error) => error);
}

/** The same for the maintenance calls of 3.5 whose refusals have texts and codes of their own. */
export function forAdminsInOtherWords(
  context: CallerContext,
  handler: GrpcMethodHandler,
): GrpcMethodHandler {
  return new ForAdmins(context, handler, (error) => OTHER_WORDS.get(error) ?? error);
}

const OTHER_WORDS: ReadonlyMap<EtcdError, EtcdError> = new Map([
  [Errors.PermissionDenied, Errors.MaintenancePermissionDenied],
  [Errors.UserEmpty, Errors.MaintenanceUserEmpty],
  [Errors.UserNotFound, Errors.MaintenanceUserNotFound],
  [Errors.InvalidAuthToken, Errors.MaintenanceInvalidAuthToken],
  [Errors.AuthOldRevision, Errors.MaintenanceAuthOldRevision],
]);

class ForAdmins implements GrpcMethodHandler {
  readonly kind: GrpcMethodHandler["kind"];
  readonly #context: CallerContext;
  readonly #handler: GrpcMethodHandler;
  readonly #worded: (error: EtcdError) => EtcdError;

  constructor(
    context: CallerContext,
    handler: GrpcMethodHandler,
    worded: (error: EtcdError) => EtcdError,
  ) {
    this.kind = handler.kind;
    this.#context = context;
    this.#handler = handler;
    this.#worded = worded;
  }

  onMessage(...[call, message]: Parameters<GrpcMethodHandler["onMessage"]>): void {
    const refused = adminRefusal(this.#context, call);
    if (refused === undefined) this.#handler.onMessage(call, message);
    else fail(call, this.#worded(refused));
  }

  onHalfClose(...[call]: Parameters<GrpcMethodHandler["onHalfClose"]>): void {
    this.#handler.onHalfClose(call);
  }

  onCancel(...[call]: Parameters<GrpcMethodHandler["onCancel"]>): void {
    this.#handler.onCancel(call);
  }

  onWritable(...[call]: Parameters<GrpcMethodHandler["onCancel"]>): void {
    this.#handler.onWritable?.(call);
  }
}
