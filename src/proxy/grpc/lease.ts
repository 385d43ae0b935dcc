/**
 * The Lease service. Renewals of one lease that come close together, from however many clients, are one on the
 * servers.
 *
 * Source: etcd server/proxy/grpcproxy/lease.go.
 */
import { Canceller } from "../../client/cancel-signal.ts";
import type { CallStream } from "../../client/call-stream.ts";
import { GrpcCode } from "../../errors/codes.ts";
import { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../../http2/grpc-server-types.ts";
import type { Clock } from "../../ports/clock.ts";
import { decodeStreamed } from "../../api/status.ts";
import {
  decodeLeaseKeepAliveRequest,
  decodeLeaseRevokeRequest,
  decodeLeaseTimeToLiveResponse,
  encodeLeaseKeepAliveResponse,
  encodeLeaseTimeToLiveResponse,
  type LeaseKeepAliveRequest,
  type LeaseKeepAliveResponse,
} from "../../wire/gen/rpc.ts";
import { WireError } from "../../wire/wire-error.ts";
import { LeaseService } from "../../wire/gen/services.ts";
import { RENEWAL_RETRY_MS, RENEWAL_REUSE_MS, RENEWALS_WAITING_MAX } from "../limits.ts";
import { tokenOf } from "./callers.ts";
import type { Namespace } from "./namespace.ts";
import { unaryPassThrough } from "./pass-through.ts";
import { changed, finish, type Upstream } from "./upstream.ts";

export interface LeaseParts {
  readonly upstream: Upstream;
  readonly namespace: Namespace;
  readonly clock: Clock;
}

export function leaseMethods(parts: LeaseParts): [string, GrpcMethodHandler][] {
  const { upstream, namespace } = parts;
  const renewals = new RenewalMethod(parts);
  return [
    ["/etcdserverpb.Lease/LeaseGrant", unaryPassThrough(upstream, "once")],
    ["/etcdserverpb.Lease/LeaseRevoke", revoking(upstream, renewals)],
    ["/etcdserverpb.Lease/LeaseKeepAlive", renewals],
    ["/etcdserverpb.Lease/LeaseTimeToLive", timeToLive(upstream, namespace)],
    ["/etcdserverpb.Lease/LeaseLeases", unaryPassThrough(upstream, "repeatable")],
  ];
}

function revoking(upstream: Upstream, renewals: RenewalMethod): GrpcMethodHandler {
  return unaryPassThrough(upstream, "once", (message) => {
    try {
      renewals.revoked(decodeLeaseRevokeRequest(message).id);
    } catch (error) {
      // The server says what is wrong with it.
      if (!(error instanceof WireError)) throw error;
    }
  });
}

function timeToLive(upstream: Upstream, namespace: Namespace): GrpcMethodHandler {
  if (namespace.isEmpty) return unaryPassThrough(upstream, "repeatable");
  return {
    kind: "unary",
    onMessage(call, message) {
      void upstream.forward(call, message.slice(), "repeatable").then((answer) => {
        const outside = changed(answer, (body) => {
          const response = decodeLeaseTimeToLiveResponse(body);
          response.keys = response.keys.map((key) => namespace.outside(key));
          return encodeLeaseTimeToLiveResponse(response);
        });
        finish(call, outside);
      });
    },
    onHalfClose() {},
    onCancel: (call) => upstream.cancel(call),
  };
}

/** Renewals of all clients. */
class RenewalMethod implements GrpcMethodHandler {
  readonly kind = "stream";
  readonly #parts: LeaseParts;
  readonly #callers = new Map<string, CallerRenewals>();

  constructor(parts: LeaseParts) {
    this.#parts = parts;
  }

  onMessage(call: GrpcServerCall, message: Uint8Array): void {
    const request = decodeStreamed(call, message, decodeLeaseKeepAliveRequest);
    if (request === undefined) return;
    const token = tokenOf(call);
    let caller = this.#callers.get(token);
    if (caller === undefined) {
      caller = new CallerRenewals(this.#parts, token, () => this.#callers.delete(token));
      this.#callers.set(token, caller);
    }
    call.context = caller;
    caller.renew(call, request.id);
  }

  onHalfClose(call: GrpcServerCall): void {
    if (call.context instanceof CallerRenewals) call.context.finish(call);
    else call.sendStatus(GrpcCode.OK, "");
  }

  onCancel(call: GrpcServerCall): void {
    if (call.context instanceof CallerRenewals) call.context.forget(call);
  }

  revoked(id: bigint): void {
    for (const caller of this.#callers.values()) caller.revoked(id);
  }
}

/** What is known of a lease, and who waits to know it. */
interface Renewal {
  /** How many answers each stream waits for. */
  readonly waiting: Map<GrpcServerCall, number>;
  answer: LeaseKeepAliveResponse | undefined;
  answeredMs: number;
}

type RenewalStream = CallStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse>;

/** Renewals in the name of one caller, on one stream to the servers. */
class CallerRenewals {
  readonly #parts: LeaseParts;
  readonly #token: string;
  readonly #onIdle: () => void;
  readonly #renewals = new Map<bigint, Renewal>();
  readonly #streams = new Set<GrpcServerCall>();
  /** Of these, those whose clients will ask no more. */
  readonly #finishing = new Set<GrpcServerCall>();
  #canceller = new Canceller();
  #stream: RenewalStream | undefined;
  #isRunning = false;
  #waiting = 0;

  constructor(parts: LeaseParts, token: string, onIdle: () => void) {
    this.#parts = parts;
    this.#token = token;
    this.#onIdle = onIdle;
  }

  renew(call: GrpcServerCall, id: bigint): void {
    this.#streams.add(call);
    const known = this.#renewals.get(id);
    const age = this.#parts.clock.nowMs() - (known?.answeredMs ?? Number.NEGATIVE_INFINITY);
    if (known?.answer !== undefined && age < RENEWAL_REUSE_MS) {
      call.sendMessage(encodeLeaseKeepAliveResponse(known.answer));
      return;
    }
    if (this.#waiting >= RENEWALS_WAITING_MAX) {
      const { code, message } = Errors.TooManyRequests;
      this.forget(call);
      call.sendStatus(code, message);
      return;
    }
    this.#waiting++;
    const renewal = known ?? {
      waiting: new Map<GrpcServerCall, number>(),
      answer: undefined,
      answeredMs: 0,
    };
    renewal.answer = undefined;
    const isAsked = renewal.waiting.size > 0;
    renewal.waiting.set(call, (renewal.waiting.get(call) ?? 0) + 1);
    this.#renewals.set(id, renewal);
    if (!isAsked) this.#stream?.send({ id });
    if (!this.#isRunning) void this.#run();
  }

  revoked(id: bigint): void {
    const renewal = this.#renewals.get(id);
    if (renewal !== undefined) renewal.answer = undefined;
  }

  /** The client asks no more; what it waits for is still answered. */
  finish(call: GrpcServerCall): void {
    const isWaiting = [...this.#renewals.values()].some(({ waiting }) => waiting.has(call));
    if (isWaiting) {
      this.#finishing.add(call);
      return;
    }
    this.forget(call);
    call.sendStatus(GrpcCode.OK, "");
  }

  /** The stream of a client is over. */
  forget(call: GrpcServerCall): void {
    this.#streams.delete(call);
    this.#finishing.delete(call);
    for (const [id, { waiting }] of this.#renewals) {
      this.#waiting -= waiting.get(call) ?? 0;
      waiting.delete(call);
      if (waiting.size === 0) this.#renewals.delete(id);
    }
    if (this.#streams.size > 0) return;
    this.#canceller.abort();
    this.#onIdle();
  }

  async #run(): Promise<void> {
    const { upstream, clock } = this.#parts;
    this.#isRunning = true;
    while (this.#streams.size > 0) {
      const canceller = new Canceller();
      this.#canceller = canceller;
      try {
        const metadata = upstream.metadataOf(this.#token);
        const options = { signal: canceller, metadata };
        const stream = await upstream.channel.openStream(LeaseService.leaseKeepAlive, options);
        this.#stream = stream;
        for (const [id, { waiting }] of this.#renewals) if (waiting.size > 0) stream.send({ id });
        for await (const response of stream) this.#answered(response);
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error;
        if (!canceller.aborted && error.code !== GrpcCode.Unavailable) this.#fail(error);
      }
      this.#stream = undefined;
      if (this.#streams.size === 0) break;
      await new Promise<void>((resolve) => {
        clock.after(RENEWAL_RETRY_MS, resolve);
      });
    }
    this.#isRunning = false;
  }

  #answered(response: LeaseKeepAliveResponse): void {
    const renewal = this.#renewals.get(response.id);
    if (renewal === undefined) return;
    const bytes = encodeLeaseKeepAliveResponse(response);
    for (const [call, count] of renewal.waiting) {
      for (let left = count; left > 0; left--) call.sendMessage(bytes);
      this.#waiting -= count;
    }
    renewal.waiting.clear();
    // A lease that is gone may be granted again under the same id.
    renewal.answer = response.ttl > 0 ? response : undefined;
    renewal.answeredMs = this.#parts.clock.nowMs();
    if (response.ttl <= 0) this.#renewals.delete(response.id);
    for (const call of [...this.#finishing]) this.finish(call);
  }

  #fail({ code, message }: EtcdError): void {
    for (const call of [...this.#streams]) {
      this.forget(call);
      call.sendStatus(code, message);
    }
  }
}
