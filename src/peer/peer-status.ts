/**
 * Whether a peer can be spoken with, as the log and those who give leadership away see it.
 *
 * Source: etcd server/etcdserver/api/rafthttp (peer_status.go).
 */
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { formatId } from "./member-id.ts";

export class PeerStatus {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #id: bigint;
  #activeSinceMs: number | undefined;

  constructor(id: bigint, clock: Clock, log: Log) {
    this.#id = id;
    this.#clock = clock;
    this.#log = log;
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
    this.#log.info("peer became active", { "peer-id": formatId(this.#id) });
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
    this.#log.warn("peer became inactive (message send to peer failed)", { "peer-id": id, error });
  }
}
