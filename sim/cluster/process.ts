/**
 * One run of a program on a simulated machine: what its events belong to, and the clock that it sees. A
 * process that stands still (SIGSTOP) does nothing, but its clock goes on and what is sent to it waits.
 */
import type { Clock, Timer } from "../../src/ports/clock.ts";
import type { EventLoop, EventOwner, SimulatedEvent } from "./event-loop.ts";

/** Microseconds until what is deferred runs: events that arrive meanwhile join the same turn. */
const TURN_US = 20;

/** The clock of a machine, which goes on when its processes end. */
export class MachineClock {
  readonly #loop: EventLoop;
  /** How fast it goes: 1.001 gains a millisecond a second. */
  readonly rate: number;
  #wallOffsetMs: number;

  constructor(loop: EventLoop, rate: number, wallMs: number) {
    this.#loop = loop;
    this.rate = rate;
    this.#wallOffsetMs = wallMs;
  }

  nowMs(): number {
    return (this.#loop.nowUs * this.rate) / 1000;
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.nowMs();
  }

  /** Somebody sets the time of day. The monotonic time does not notice. */
  jump(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }
}

export class Process implements EventOwner, Clock {
  state: "running" | "paused" | "dead" = "running";
  readonly backlog: SimulatedEvent[] = [];
  readonly #loop: EventLoop;
  readonly #clock: MachineClock;

  constructor(loop: EventLoop, clock: MachineClock) {
    this.#loop = loop;
    this.#clock = clock;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  after(delayMs: number, run: () => void): Timer {
    // Never early: a timer that is asked the time must find it passed.
    const event = this.#loop.after((Math.max(0, delayMs) * 1000) / this.#clock.rate, run, this);
    return { cancel: () => this.#loop.cancel(event) };
  }

  defer(run: () => void): void {
    this.#loop.after(TURN_US, run, this);
  }

  /** SIGSTOP. */
  pause(): void {
    if (this.state === "running") this.state = "paused";
  }

  /** SIGCONT. */
  resume(): void {
    if (this.state !== "paused") return;
    this.state = "running";
    this.#loop.resume(this);
  }

  /** SIGKILL: nothing of it happens any more. */
  kill(): void {
    this.state = "dead";
    this.backlog.length = 0;
  }
}
