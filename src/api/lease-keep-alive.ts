/**
 * LeaseKeepAlive: each message of the client renews one lease and is answered with one message, in order.
 * An answer has the revision from before the renewal, and a time to live of 0 when there is no such lease.
 *
 * On the leader the answer is nearly always there at once. Where it is not (an expired lease that is being
 * revoked, a checkpoint to clear, leadership to confirm, a leader to ask), or where the client does not read, the stream stops taking
 * messages, and those that came in the meantime wait: what fits into one window of the stream.
 *
 * Source: etcd server/etcdserver/api/v3rpc/lease.go (leaseKeepAlive; 3.5).
 */
import { GrpcCode } from "../errors/codes.ts";
import { checkLeaseChange } from "../apply/authorization.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import type { RenewalWaiter } from "../member/ready.ts";
import { assert } from "../stdx/assert.ts";
import {
  createLeaseKeepAliveResponse,
  decodeLeaseKeepAliveRequest,
  encodeLeaseKeepAliveResponse,
} from "../wire/gen/rpc.ts";
import { headerAt, type LeaseContext } from "./context.ts";
import { KEEP_ALIVES_WAITING_MAX } from "./limits.ts";
import { decodeStreamed, fail } from "./status.ts";

/** `waitingMax`: renewals that may wait in all streams together; beyond that streams end. */
export function keepAliveMethod(
  context: LeaseContext,
  waitingMax: number = KEEP_ALIVES_WAITING_MAX,
): GrpcMethodHandler {
  const room = { left: waitingMax };
  return {
    kind: "stream",
    onCall(call) {
      call.context = new KeepAliveStream(context, call, room);
    },
    onMessage(call, bytes) {
      const request = decodeStreamed(call, bytes, decodeLeaseKeepAliveRequest);
      if (request === undefined) {
        context.rpcs.streamFailed("lease-keepalive");
        streamOf(call).end();
      } else streamOf(call).renew(request.id);
    },
    onHalfClose(call) {
      streamOf(call).halfClose();
    },
    onCancel(call) {
      streamOf(call).end();
    },
    onWritable(call) {
      streamOf(call).goOn();
    },
  };
}

function streamOf({ context }: GrpcServerCall): KeepAliveStream {
  assert(context instanceof KeepAliveStream, "A keep-alive call has its stream");
  return context;
}

class KeepAliveStream implements RenewalWaiter {
  readonly #context: LeaseContext;
  readonly #call: GrpcServerCall;
  /** How many renewals may still wait, in all streams. */
  readonly #room: { left: number };
  /** Ids whose turn has not come; from `#next` on. */
  #waiting: bigint[] = [];
  #next = 0;
  /** The lease that is being renewed, and the revision when that began. */
  #id = 0n;
  #revision = 0;
  #isRenewing = false;
  /** Whether `#begin` is running: what is answered meanwhile is not a reason to begin the next. */
  #isBeginning = false;
  #isFull = false;
  #isHalfClosed = false;

  constructor(context: LeaseContext, call: GrpcServerCall, room: { left: number }) {
    this.#context = context;
    this.#call = call;
    this.#room = room;
  }

  renew(id: bigint): void {
    if (!this.#isHeld) {
      this.#begin(id);
      if (this.#isHeld) this.#call.setReceiving(false);
    } else if (this.#room.left > 0) {
      this.#room.left--;
      this.#waiting.push(id);
    } else {
      this.onFailed(Errors.TooManyRequests);
    }
  }

  /** The call is over: nothing waits any more. */
  end(): void {
    this.#room.left += this.#waiting.length - this.#next;
    this.#waiting = [];
    this.#next = 0;
  }

  halfClose(): void {
    this.#isHalfClosed = true;
    if (!this.#isHeld) this.#call.sendStatus(GrpcCode.OK, "");
  }

  /** There is room for answers again. */
  goOn(): void {
    this.#isFull = false;
    this.#runWaiting();
  }

  onRenewed(ttlSeconds: number): void {
    this.#isRenewing = false;
    const header = headerAt(this.#context, this.#revision);
    const response = createLeaseKeepAliveResponse({ header, id: this.#id, ttl: ttlSeconds });
    this.#isFull = !this.#call.sendMessage(encodeLeaseKeepAliveResponse(response));
    if (!this.#isBeginning) this.#runWaiting();
  }

  isGone(): boolean {
    return !this.#call.open;
  }

  onFailed(error: EtcdError): void {
    if (error === Errors.NotPrimaryLessor) {
      this.#context.leases.renewElsewhere(this.#id, this);
      return;
    }
    this.#isRenewing = false;
    this.end();
    fail(this.#call, error);
  }

  get #isHeld(): boolean {
    return this.#isRenewing || this.#isFull;
  }

  #begin(id: bigint): void {
    const { member, leases } = this.#context;
    const refused = this.#refusal(id);
    if (refused !== undefined) {
      this.onFailed(refused);
      return;
    }
    this.#id = id;
    this.#revision = member.applier.store.revision;
    this.#isRenewing = true;
    this.#isBeginning = true;
    leases.renew(id, this);
    this.#isBeginning = false;
  }

  /** Why its caller may not renew a lease. */
  #refusal(id: bigint): EtcdError | undefined {
    const { applier } = this.#context.member;
    if (!applier.auth.enabled) return undefined;
    const caller = this.#context.callers.identityOf(this.#call);
    if (caller === undefined) return Errors.UserEmpty;
    return caller instanceof EtcdError ? caller : checkLeaseChange(applier, caller, id);
  }

  #runWaiting(): void {
    while (!this.#isHeld && this.#next < this.#waiting.length) {
      this.#room.left++;
      this.#begin(this.#waiting[this.#next++]);
    }
    if (this.#isHeld) return;
    this.end();
    if (this.#isHalfClosed) this.#call.sendStatus(GrpcCode.OK, "");
    else this.#call.setReceiving(true);
  }
}
