/** At level debug each unary call has a line in the log that tells how long it took and what it was. */
import type { CallObservation, CallObserver } from "../../api/observe/call-observer.ts";
import type { GrpcServerCall } from "../../http2/grpc-server-types.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { EMPTY_BYTES } from "../../stdx/bytes.ts";
import { METHODS } from "../../wire/gen/services.ts";
import { requestStats } from "./request-stats.ts";

const UNARY: ReadonlySet<string> = new Set(
  METHODS.filter((method) => !method.clientStreaming && !method.serverStreaming).map(
    ({ path }) => path,
  ),
);

export class RequestStatsObserver implements CallObserver {
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  begin(path: string, call: GrpcServerCall): CallObservation | undefined {
    // The level may have been raised since the start.
    if (!this.#log.enabled("debug") || !UNARY.has(path)) return undefined;
    const clock = this.#clock;
    const log = this.#log;
    const startMs = clock.nowMs();
    const startWallMs = clock.wallMs();
    const remote = call.peer.address;
    let request = EMPTY_BYTES;
    let response = EMPTY_BYTES;
    return {
      received(message) {
        request = message.slice();
      },
      sent(message) {
        response = message;
      },
      ended() {
        const tookMs = clock.nowMs() - startMs;
        const finished = { path, remote, startWallMs, tookMs, request, response };
        log.debug("request stats", requestStats(finished));
      },
    };
  }
}
