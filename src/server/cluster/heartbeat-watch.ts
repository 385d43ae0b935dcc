/**
 * Notices that a leader sends its heartbeats late: its followers may soon take it for dead.
 *
 * Source: etcd server/etcdserver/raft.go (processMessages), pkg/contention (3.5).
 */
import { formatId } from "../../membership/member-info.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import type { Counter } from "../../stdx/metrics/counter.ts";
import { type Message, MessageType } from "../../wire/gen/raft.ts";
import { LATE_HEARTBEAT_INTERVALS } from "../limits.ts";

export class HeartbeatWatch {
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #log: Log;
  readonly #intervalMs: number;
  readonly #failures: Counter;
  /** When the last one was sent, by follower. */
  readonly #sentMs = new Map<bigint, number>();

  constructor(clock: Pick<Clock, "nowMs">, log: Log, intervalMs: number, failures: Counter) {
    this.#failures = failures;
    this.#clock = clock;
    this.#log = log;
    this.#intervalMs = intervalMs;
  }

  /** These messages are being sent. */
  sending(messages: readonly Message[]): void {
    for (const { type, to } of messages) {
      if (type === MessageType.MsgHeartbeat) this.#sending(to);
    }
  }

  /** This member does not lead: when it sent its last heartbeats says nothing of the next ones. */
  reset(): void {
    if (this.#sentMs.size > 0) this.#sentMs.clear();
  }

  #sending(to: bigint): void {
    const nowMs = this.#clock.nowMs();
    const lastMs = this.#sentMs.get(to) ?? nowMs;
    this.#sentMs.set(to, nowMs);
    const expectedMs = LATE_HEARTBEAT_INTERVALS * this.#intervalMs;
    const exceededMs = nowMs - lastMs - expectedMs;
    if (exceededMs <= 0) return;
    this.#failures.inc();
    this.#log.warn(
      "leader failed to send out heartbeat on time; took too long, leader is overloaded likely from slow disk",
      {
        to: formatId(to),
        "heartbeat-interval": goDurationOfMs(this.#intervalMs),
        "expected-duration": goDurationOfMs(expectedMs),
        "exceeded-duration": goDurationOfMs(exceededMs),
      },
    );
  }
}
