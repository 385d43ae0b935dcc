/**
 * Whether a peer can be spoken with, as the log and those who give leadership away see it.
 *
 * Source: etcd server/etcdserver/api/rafthttp (peer_status.go).
 */
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Gauge } from "../stdx/metrics/gauge.ts";
import { formatId } from "./member-id.ts";
import type { PeerMetrics } from "./metrics.ts";
import type { PeerOptions } from "./options.ts";

export type StatusOptions = Pick<PeerOptions, "clock" | "log" | "metrics">;

export class PeerStatus {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #id: bigint;
  readonly #metrics: PeerMetrics;
  readonly #labels: readonly string[];
  readonly #active: Gauge;
  #activeSinceMs: number | undefined;

  constructor(localId: bigint, id: bigint, options: StatusOptions) {
    const { clock, log, metrics } = options;
    this.#id = id;
    this.#clock = clock;
    this.#log = log;
    this.#labels = [formatId(localId), formatId(id)];
    this.#active = metrics.active.child(...this.#labels);
    this.#metrics = metrics;
  }

  /** When it became active, on the monotonic clock. */
  get activeSinceMs(): number | undefined {
    return this.#activeSinceMs;
  }

  get isActive(): boolean {
    return this.#activeSinceMs !== undefined;
  }

  activate(): void {
    if (this.#activeSinceMs !== undefined) return;
    this.#activeSinceMs = this.#clock.nowMs();
    this.#active.inc();
    this.#log.info("peer became active", { "peer-id": formatId(this.#id) });
  }

  /** The peer is given up, for good. */
  stop(): void {
    if (this.#activeSinceMs !== undefined) this.#active.dec();
    this.#activeSinceMs = undefined;
  }

  /** `action` on `source` failed, such as "dial" on "stream Message". */
  deactivate(source: string, action: string, reason: string): void {
    const id = formatId(this.#id);
    const error = `failed to ${action} ${id} on ${source} (${reason})`;
    if (this.#activeSinceMs === undefined) {
      this.#log.debug("peer deactivated again", { "peer-id": id, error });
      return;
    }
    this.#activeSinceMs = undefined;
    this.#active.dec();
    this.#metrics.disconnected.child(...this.#labels).inc();
    this.#log.warn("peer became inactive (message send to peer failed)", { "peer-id": id, error });
  }
}
