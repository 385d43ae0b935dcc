/**
 * Who is next to have a password looked at. Jobs wait in lanes, one for each caller and user; lanes take
 * turns, so that a flood in one of them costs the others one job each round. A lane in which passwords keep
 * being wrong pauses between them, ever longer.
 *
 * ```
 *   "alice" from 10.0.0.1   ▢▢▢▢▢▢▢▢ (full: the next is refused)      pauses until …
 *   "bob" from 10.0.0.2     ▢            <- next
 *   nobody, from 10.0.0.1   ▢▢▢
 * ```
 */
import {
  PASSWORD_FAILURES_FREE,
  PASSWORD_JOBS_MAX,
  PASSWORD_JOBS_PER_LANE_MAX,
  PASSWORD_PAUSE_DOUBLINGS_MAX,
  PASSWORD_PAUSE_MS,
  PAUSED_LANES_MAX,
} from "./limits.ts";

/** What waits in a lane. */
export interface PasswordJob {
  /** Whether nobody waits for it any more. */
  isGone(): boolean;
}

interface Failures {
  count: number;
  untilMs: number;
}

export class PasswordLanes<Job extends PasswordJob> {
  /** Lanes with jobs, in the order of their turns. */
  readonly #lanes = new Map<string, Job[]>();
  /** Lanes with wrong passwords, in the order of their last one. */
  readonly #failures = new Map<string, Failures>();
  #size = 0;

  /** Jobs that wait. */
  get size(): number {
    return this.#size;
  }

  /** False when there is no room for it. */
  add(lane: string, job: Job): boolean {
    const jobs = this.#lanes.get(lane) ?? [];
    if (jobs.length >= PASSWORD_JOBS_PER_LANE_MAX) this.#dropGone(lane, jobs);
    if (jobs.length >= PASSWORD_JOBS_PER_LANE_MAX || this.#size >= PASSWORD_JOBS_MAX) return false;
    jobs.push(job);
    this.#lanes.set(lane, jobs);
    this.#size++;
    return true;
  }

  /** Takes the job whose turn it is; `undefined` when there is none that need not pause. O(lanes) at worst. */
  take(nowMs: number): Job | undefined {
    for (const [lane, jobs] of this.#lanes) {
      if (nowMs < (this.#failures.get(lane)?.untilMs ?? 0)) continue;
      this.#dropGone(lane, jobs);
      const job = jobs.shift();
      if (job === undefined) continue;
      this.#size--;
      // Its next turn is behind all others.
      this.#lanes.delete(lane);
      if (jobs.length > 0) this.#lanes.set(lane, jobs);
      return job;
    }
    return undefined;
  }

  /** How long until a lane with jobs has paused enough; `undefined` when no job waits. */
  pauseMs(nowMs: number): number | undefined {
    let least: number | undefined;
    for (const lane of this.#lanes.keys()) {
      const leftMs = Math.max(0, (this.#failures.get(lane)?.untilMs ?? 0) - nowMs);
      if (least === undefined || leftMs < least) least = leftMs;
    }
    return least;
  }

  /** A password of the lane was looked at. */
  looked(lane: string, isRight: boolean, nowMs: number): void {
    const failures = this.#failures.get(lane) ?? { count: 0, untilMs: 0 };
    this.#failures.delete(lane);
    if (isRight) return;
    failures.count++;
    const beyond = failures.count - PASSWORD_FAILURES_FREE;
    if (beyond > 0) {
      const doublings = Math.min(beyond - 1, PASSWORD_PAUSE_DOUBLINGS_MAX);
      failures.untilMs = nowMs + PASSWORD_PAUSE_MS * 2 ** doublings;
    }
    this.#failures.set(lane, failures);
    if (this.#failures.size > PAUSED_LANES_MAX) this.#forgetOldest();
  }

  /** Takes all that wait. */
  takeAll(): Job[] {
    const all = [...this.#lanes.values()].flat();
    this.#lanes.clear();
    this.#size = 0;
    return all;
  }

  #dropGone(lane: string, jobs: Job[]): void {
    const before = jobs.length;
    for (let at = jobs.length - 1; at >= 0; at--) if (jobs[at].isGone()) jobs.splice(at, 1);
    this.#size -= before - jobs.length;
    if (jobs.length === 0) this.#lanes.delete(lane);
  }

  #forgetOldest(): void {
    for (const lane of this.#failures.keys()) {
      this.#failures.delete(lane);
      return;
    }
  }
}
