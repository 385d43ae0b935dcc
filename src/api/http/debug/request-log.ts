/**
 * Calls of lately and of now, for `/debug/requests`, and those that failed, for `/debug/events`: by family, which
 * is the name of the service, and by how long they took. Payloads are not kept.
 *
 * Source: golang.org/x/net/trace; grpc-go (trace.go, methodFamily) for the names.
 */
import type { GrpcServerCall } from "../../../http2/grpc-server-types.ts";
import type { Clock } from "../../../ports/clock.ts";
import { TRACED_ACTIVE_MAX, TRACED_EVENTS_MAX, TRACES_PER_BUCKET } from "../../limits.ts";
import type { CallObservation, CallObserver } from "../../observe/call-observer.ts";

/** Least seconds of a call in each bucket; a family has one more, of calls that failed. */
export const BUCKET_SECONDS = [0, 0.05, 0.1, 0.2, 0.5, 1, 10, 100] as const;

/** One call. */
export class TracedCall implements CallObservation {
  readonly path: string;
  readonly peer: string;
  readonly startMs: number;
  readonly startWallMs: number;
  /** Seconds from beginning to end; negative while it goes on. */
  seconds = -1;
  requests = 0;
  requestBytes = 0;
  responses = 0;
  responseBytes = 0;
  code = 0;
  message = "";
  readonly #family: CallFamily;

  constructor(family: CallFamily, path: string, call: GrpcServerCall, clock: Clock) {
    this.#family = family;
    this.path = path;
    this.peer = call.peer.address;
    this.startMs = clock.nowMs();
    this.startWallMs = clock.wallMs();
  }

  received(message: Uint8Array): void {
    this.requests++;
    this.requestBytes += message.length;
  }

  sent(message: Uint8Array): void {
    this.responses++;
    this.responseBytes += message.length;
  }

  ended(code: number, message: string): void {
    this.code = code;
    this.message = message;
    this.#family.ended(this);
  }
}

/** The calls of one service. */
export class CallFamily {
  readonly name: string;
  readonly active = new Set<TracedCall>();
  /** The newest last. */
  readonly buckets: TracedCall[][] = Array.from({ length: BUCKET_SECONDS.length + 1 }, () => []);
  readonly #log: RequestLog;

  constructor(name: string, log: RequestLog) {
    this.name = name;
    this.#log = log;
  }

  /** Calls that failed. */
  get failed(): readonly TracedCall[] {
    return this.buckets[BUCKET_SECONDS.length];
  }

  ended(call: TracedCall): void {
    this.active.delete(call);
    call.seconds = (this.#log.clock.nowMs() - call.startMs) / 1000;
    if (call.code !== 0) {
      push(this.buckets[BUCKET_SECONDS.length], call, TRACES_PER_BUCKET);
      push(this.#log.failures, call, TRACED_EVENTS_MAX);
    }
    for (const [at, seconds] of BUCKET_SECONDS.entries()) {
      if (call.seconds >= seconds) push(this.buckets[at], call, TRACES_PER_BUCKET);
    }
  }
}

export class RequestLog implements CallObserver {
  readonly clock: Clock;
  readonly families = new Map<string, CallFamily>();
  /** The newest last. */
  readonly failures: TracedCall[] = [];
  #calls = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Calls so far. */
  get calls(): number {
    return this.#calls;
  }

  begin(path: string, call: GrpcServerCall): CallObservation | undefined {
    this.#calls++;
    const family = this.#familyOf(path);
    if (family.active.size >= TRACED_ACTIVE_MAX) return undefined;
    const traced = new TracedCall(family, path, call, this.clock);
    family.active.add(traced);
    return traced;
  }

  /** Paths are those of methods that exist, so there are few families. */
  #familyOf(path: string): CallFamily {
    const service = path.slice(1, path.lastIndexOf("/"));
    const name = `grpc.Recv.${service.slice(service.lastIndexOf(".") + 1)}`;
    let family = this.families.get(name);
    if (family === undefined) {
      family = new CallFamily(name, this);
      this.families.set(name, family);
    }
    return family;
  }
}

function push(calls: TracedCall[], call: TracedCall, max: number): void {
  calls.push(call);
  if (calls.length > max) calls.shift();
}
