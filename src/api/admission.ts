/**
 * Which calls this member answers: a learner answers few of them, and a call that requires a leader
 * (metadata `hasleader: true`) is refused while none is known. Streams that require one are ended when there
 * has been none for long.
 *
 * Costs two looks at the member for a call, and the metadata are read only while there is no leader, or where
 * a stream is opened.
 *
 * Source: etcd server/etcdserver/api/v3rpc/interceptor.go, util.go (isRPCSupportedForLearner; 3.5).
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import type { Member } from "../member/member.ts";
import { decodeRangeRequest } from "../wire/gen/rpc.ts";
import { WireError } from "../wire/wire-error.ts";
import { REQUIRING_STREAMS_SWEEP_MIN } from "./limits.ts";
import { fail } from "./status.ts";

const RANGE = "/etcdserverpb.KV/Range";

/** What a learner answers, whatever is asked. */
const FOR_LEARNERS: ReadonlySet<string> = new Set([
  "/etcdserverpb.Maintenance/Status",
  "/etcdserverpb.Maintenance/Snapshot",
]);

/** What admission asks of a member. */
export interface AdmissionContext {
  readonly member: Pick<Member, "leader" | "isLearner" | "leaderAbsence">;
}

/** One for all methods of a server. */
export class Admission {
  readonly #member: AdmissionContext["member"];
  /** Open streams that require a leader, and how each is ended. May hold some that are over. */
  readonly #requiring = new Map<GrpcServerCall, GrpcMethodHandler>();
  #sweepAt = REQUIRING_STREAMS_SWEEP_MIN;

  constructor({ member }: AdmissionContext) {
    this.#member = member;
    member.leaderAbsence.onLong(() => this.#endRequiring());
  }

  /** Puts the rules in front of a method. */
  guard(path: string, handler: GrpcMethodHandler): GrpcMethodHandler {
    return handler.kind === "unary"
      ? new GuardedUnary(this, path, handler)
      : new GuardedStream(this, path, handler);
  }

  /** Why a call is refused; `request` is that of a unary call. */
  refusal(path: string, call: GrpcServerCall, request?: Uint8Array): EtcdError | undefined {
    const { leader, isLearner } = this.#member;
    if (isLearner && !isForLearners(path, request)) return Errors.NotSupportedForLearner;
    return leader === 0n && requiresLeader(call) ? Errors.NoLeader : undefined;
  }

  /** Notes a stream that was let through. */
  opened(call: GrpcServerCall, handler: GrpcMethodHandler): void {
    if (!requiresLeader(call)) return;
    if (this.#requiring.size >= this.#sweepAt) this.#sweep();
    this.#requiring.set(call, handler);
  }

  #endRequiring(): void {
    const ending = [...this.#requiring];
    this.#requiring.clear();
    for (const [call, handler] of ending) {
      if (!call.open) continue;
      fail(call, Errors.NoLeader);
      handler.onCancel(call);
    }
  }

  /** Forgets streams that are over; done when as many have come as there were. */
  #sweep(): void {
    for (const call of this.#requiring.keys()) if (!call.open) this.#requiring.delete(call);
    this.#sweepAt = Math.max(REQUIRING_STREAMS_SWEEP_MIN, 2 * this.#requiring.size);
  }
}

function requiresLeader(call: GrpcServerCall): boolean {
  return call.get("hasleader") === "true";
}

function isForLearners(path: string, request: Uint8Array | undefined): boolean {
  if (FOR_LEARNERS.has(path)) return true;
  if (path !== RANGE || request === undefined) return false;
  try {
    return decodeRangeRequest(request).serializable;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    // The method itself says what is wrong with it.
    return true;
  }
}

/** What is handed on to a method unchanged once a call was let through. */
abstract class Guarded {
  protected readonly admission: Admission;
  protected readonly path: string;
  protected readonly handler: GrpcMethodHandler;

  constructor(admission: Admission, path: string, handler: GrpcMethodHandler) {
    this.admission = admission;
    this.path = path;
    this.handler = handler;
  }

  onHalfClose(call: GrpcServerCall): void {
    this.handler.onHalfClose(call);
  }

  onCancel(call: GrpcServerCall): void {
    this.handler.onCancel(call);
  }

  onWritable(call: GrpcServerCall): void {
    this.handler.onWritable?.(call);
  }
}

class GuardedUnary extends Guarded implements GrpcMethodHandler {
  readonly kind = "unary";

  get isEndless(): boolean {
    return this.handler.isEndless === true;
  }

  onMessage(call: GrpcServerCall, message: Uint8Array): void {
    const refused = this.admission.refusal(this.path, call, message);
    if (refused === undefined) this.handler.onMessage(call, message);
    else fail(call, refused);
  }
}

class GuardedStream extends Guarded implements GrpcMethodHandler {
  readonly kind = "stream";

  onCall(call: GrpcServerCall): void {
    const refused = this.admission.refusal(this.path, call);
    if (refused !== undefined) {
      fail(call, refused);
      return;
    }
    this.admission.opened(call, this.handler);
    this.handler.onCall?.(call);
  }

  onMessage(call: GrpcServerCall, message: Uint8Array): void {
    this.handler.onMessage(call, message);
  }
}
