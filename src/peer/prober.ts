/**
 * Asks a peer every few seconds whether it is there, how long that takes and what time it is, and says in the
 * log when something is wrong.
 *
 * Source: etcd server/etcdserver/api/rafthttp (probing_status.go); xiang90/probing, which it uses.
 */
import type { Timer } from "../ports/clock.ts";
import type { HttpExchange } from "../ports/http.ts";
import { formatGoDuration, goDurationOfMs } from "../stdx/go-duration.ts";
import { JsonError, type JsonValue, parseJson } from "../stdx/json.ts";
import { utf8FromBytes } from "../stdx/bytes.ts";
import type { Histogram } from "../stdx/metrics/histogram.ts";
import { type CollectedResponse, ResponseCollector } from "./collected-response.ts";
import {
  CLOCK_DIFFERENCE_MS_MAX,
  PROBE_ALARM_INTERVAL_MS,
  PROBE_INTERVAL_MS,
  PROBE_REPORT_INTERVAL_MS,
  SHORT_RESPONSE_BYTES_MAX,
} from "./limits.ts";
import { formatId } from "./member-id.ts";
import type { PeerOptions } from "./options.ts";

/** Of the smoothed round trip time, how much each new one counts. */
const SMOOTHING = 0.125;

/** Which connections are probed: kept ones, as messages and snapshots use, or fresh ones, as streams do. */
export type ProbeKind = "kept" | "fresh";

const ROUND_TRIPPERS: Readonly<Record<ProbeKind, string>> = {
  kept: "ROUND_TRIPPER_SNAPSHOT",
  fresh: "ROUND_TRIPPER_RAFT_MESSAGE",
};

export class Prober {
  readonly #kind: ProbeKind;
  readonly #peerId: bigint;
  readonly #urls: readonly string[];
  readonly #options: PeerOptions;
  readonly #roundTrips: Histogram;
  #pinned = 0;
  #exchange: HttpExchange | undefined;
  #probeTimer: Timer | undefined;
  #reportTimer: Timer | undefined;
  #isHealthy = false;
  #error = "";
  #roundTripMs = 0;
  #clockDifferenceMs = 0;

  constructor(kind: ProbeKind, peerId: bigint, urls: readonly string[], options: PeerOptions) {
    this.#kind = kind;
    this.#peerId = peerId;
    this.#urls = urls;
    this.#options = options;
    this.#roundTrips = options.metrics.roundTripSeconds.child(formatId(peerId));
    if (urls.length === 0) return;
    this.#probeLater();
    this.#reportAfter(PROBE_ALARM_INTERVAL_MS);
  }

  stop(): void {
    this.#probeTimer?.cancel();
    this.#reportTimer?.cancel();
    this.#exchange?.abort();
  }

  #probeLater(): void {
    this.#probeTimer = this.#options.clock.after(PROBE_INTERVAL_MS, () => {
      this.#probeLater();
      this.#exchange?.abort();
      this.#probe();
    });
  }

  #probe(): void {
    const { http, clock, dialTimeoutMs, readTimeoutMs } = this.#options;
    const sentMs = clock.nowMs();
    const url = `${this.#urls[this.#pinned].replace(/\/$/, "")}/raft/probing`;
    this.#exchange = http.request(
      {
        method: "GET",
        url,
        headers: {},
        body: new Uint8Array(0),
        connectTimeoutMs: dialTimeoutMs,
        stallTimeoutMs: readTimeoutMs,
        reuse: this.#kind === "kept",
      },
      new ResponseCollector(SHORT_RESPONSE_BYTES_MAX, (response) => {
        this.#exchange = undefined;
        const wallMs = response instanceof Error ? response : readProbe(response, url);
        if (wallMs instanceof Error) this.#failed(wallMs);
        else this.#answered(clock.nowMs() - sentMs, wallMs);
      }),
    );
  }

  #answered(roundTripMs: number, peerWallMs: number): void {
    const before = this.#roundTripMs === 0 ? roundTripMs : this.#roundTripMs;
    this.#roundTripMs = (1 - SMOOTHING) * before + SMOOTHING * roundTripMs;
    this.#clockDifferenceMs = this.#options.clock.wallMs() - peerWallMs - this.#roundTripMs / 2;
    this.#isHealthy = true;
    this.#error = "";
  }

  #failed(reason: Error): void {
    this.#isHealthy = false;
    this.#error = reason.message;
    this.#pinned = (this.#pinned + 1) % this.#urls.length;
  }

  #reportAfter(delayMs: number): void {
    this.#reportTimer = this.#options.clock.after(delayMs, () => {
      this.#report();
      this.#reportAfter(this.#isHealthy ? PROBE_REPORT_INTERVAL_MS : PROBE_ALARM_INTERVAL_MS);
    });
  }

  #report(): void {
    const { log } = this.#options;
    const who = {
      "round-tripper-name": ROUND_TRIPPERS[this.#kind],
      "remote-peer-id": formatId(this.#peerId),
    };
    const rtt = goDurationOfMs(this.#roundTripMs);
    this.#roundTrips.observe(this.#roundTripMs / 1000);
    const error: { readonly error?: string } = this.#error === "" ? {} : { error: this.#error };
    if (!this.#isHealthy) log.warn("prober detected unhealthy status", { ...who, rtt, ...error });
    if (Math.abs(this.#clockDifferenceMs) <= CLOCK_DIFFERENCE_MS_MAX) return;
    log.warn("prober found high clock drift", {
      ...who,
      "clock-drift": formatGoDuration(BigInt(Math.round(this.#clockDifferenceMs * 1_000_000))),
      rtt,
      ...error,
    });
  }
}

/** The wall clock of whoever answered a probe, in milliseconds since the epoch. */
function readProbe({ status, body }: CollectedResponse, url: string): number | Error {
  if (status !== 200) {
    return new Error(`got unexpected HTTP status code ${status} from ${url}`);
  }
  try {
    const answer = parseJson(utf8FromBytes(body));
    const [ok, now] = isObject(answer) ? [answer["OK"], answer["Now"]] : [];
    // RFC 3339, down to nanoseconds.
    const wallMs = typeof now === "string" ? Date.parse(now) : Number.NaN;
    if (ok === true && !Number.isNaN(wallMs)) return wallMs;
    return new Error(`the answer of ${url} is not that of a member`);
  } catch (error) {
    if (error instanceof JsonError) return error;
    throw error;
  }
}

function isObject(value: JsonValue): value is { readonly [name: string]: JsonValue } {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
