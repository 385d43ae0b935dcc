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
import type { Callers } from "./context.ts";
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
  readonly member: Pick<Member, "leader" | "isLearner" | "leaderAbsence" | "whenReadable">;
  readonly callers: Pick<Callers, "mustWait">;
}

/** One for all methods of a server. */
export class Admission {
  readonly #member: AdmissionContext["member"];
  readonly #callers: AdmissionContext["callers"];
  /** Open streams that require a leader, and how each is ended. May hold some that are over. */
  readonly #requiring = new Map<GrpcServerCall, GrpcMethodHandler>();
  #sweepAt = REQUIRING_STREAMS_SWEEP_MIN;

  constructor({ member, callers }: AdmissionContext) {
    this.#member = member;
    this.#callers = callers;
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

  /**
   * Whether this member must apply more of the log to know who makes the call: another has handed out its token
   * a moment ago. The call waits then, until this one is as far as the cluster was when it came.
   *
   * Differs from etcd: a token that names an entry of the future is refused after that; there the call waits
   * for as long as it may take.
   */
  mustWait(call: GrpcServerCall): boolean {
    return this.#callers.mustWait(call);
  }

  /** Calls `goOn` when that is so, and fails the call when it cannot be. */
  whenKnown(call: GrpcServerCall, goOn: () => void): void {
    this.#member.whenReadable({
      onReadable: () => {
        if (call.open) goOn();
      },
      onFailed: (error) => fail(call, error),
    });
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
    if (refused !== undefined) fail(call, refused);
    else if (this.admission.mustWait(call)) this.#hold(call, message.slice());
    else this.handler.onMessage(call, message);
  }

  #hold(call: GrpcServerCall, message: Uint8Array): void {
    this.admission.whenKnown(call, () => this.handler.onMessage(call, message));
  }
}

/** What came on a stream that waits. */
interface HeldStream {
  readonly messages: Uint8Array[];
  isHalfClosed: boolean;
}

class GuardedStream extends Guarded implements GrpcMethodHandler {
  readonly kind = "stream";
  readonly #held = new Map<GrpcServerCall, HeldStream>();

  onCall(call: GrpcServerCall): void {
    const refused = this.admission.refusal(this.path, call);
    if (refused !== undefined) {
      fail(call, refused);
    } else if (this.admission.mustWait(call)) {
      this.#hold(call);
    } else {
      this.#begin(call);
    }
  }

  onMessage(call: GrpcServerCall, message: Uint8Array): void {
    const held = this.#held.get(call);
    if (held === undefined) this.handler.onMessage(call, message);
    else held.messages.push(message.slice());
  }

  override onHalfClose(call: GrpcServerCall): void {
    const held = this.#held.get(call);
    if (held === undefined) this.handler.onHalfClose(call);
    else held.isHalfClosed = true;
  }

  override onCancel(call: GrpcServerCall): void {
    if (!this.#held.delete(call)) this.handler.onCancel(call);
  }

  #begin(call: GrpcServerCall): void {
    this.admission.opened(call, this.handler);
    this.handler.onCall?.(call);
  }

  /** Takes no more than fits into one window until it is known who calls. */
  #hold(call: GrpcServerCall): void {
    const held: HeldStream = { messages: [], isHalfClosed: false };
    this.#held.set(call, held);
    call.setReceiving(false);
    this.admission.whenKnown(call, () => {
      this.#held.delete(call);
      call.setReceiving(true);
      this.#begin(call);
      for (const message of held.messages) if (call.open) this.handler.onMessage(call, message);
      if (held.isHalfClosed && call.open) this.handler.onHalfClose(call);
    });
  }
}
