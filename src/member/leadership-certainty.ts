/**
 * Whether a leader may take its leadership for granted, without a round of messages: not when it has stood
 * still for longer than a few ticks, until the others have confirmed it once. Others may lead by then.
 *
 * Differs from etcd: there the first tick after a standstill makes leadership certain again, so that a member
 * which another one has replaced meanwhile goes on renewing leases until it hears of that.
 *
 * Source: etcd server/etcdserver/v3_server.go (ensureLeadership, isActive) (3.5).
 */
import { LEADERSHIP_CERTAIN_TICKS } from "./limits.ts";

export class LeadershipCertainty {
  readonly #certainMs: number;
  #lastTickMs: number | undefined;
  /** Time of the tick that ended a standstill which nobody has confirmed anything since. */
  #stoodStillUntilMs: number | undefined;

  constructor(tickMs: number) {
    this.#certainMs = LEADERSHIP_CERTAIN_TICKS * tickMs;
  }

  /** When the last tick was. */
  get lastTickMs(): number {
    return this.#lastTickMs ?? Number.NEGATIVE_INFINITY;
  }

  tick(nowMs: number): void {
    if (this.#lastTickMs !== undefined && this.#isLate(nowMs)) this.#stoodStillUntilMs = nowMs;
    this.#lastTickMs = nowMs;
  }

  /** A quorum has elected this member, or confirmed that it leads after it was asked at `askedMs`. */
  confirmed(askedMs: number): void {
    if (askedMs >= (this.#stoodStillUntilMs ?? askedMs)) this.#stoodStillUntilMs = undefined;
  }

  isCertain(nowMs: number): boolean {
    return this.#stoodStillUntilMs === undefined && !this.#isLate(nowMs);
  }

  #isLate(nowMs: number): boolean {
    return nowMs - this.lastTickMs >= this.#certainMs;
  }
}
