/**
 * Simulated time: a queue of events, of which the earliest runs next, and a time that jumps from event to
 * event. Whatever waits in a simulated world (a timer, a device, a message on its way) is one event, so a
 * minute in which nothing happens costs nothing.
 *
 * Times are whole microseconds since the world began. Events at the same time run in the order in which they
 * were asked for: one seed, one history.
 */
import { assert } from "../../src/stdx/assert.ts";
import { type HeapEntry, MinHeap, NOT_IN_HEAP } from "../../src/stdx/heap.ts";

/** Ranks are time and order in one number, which leaves room for over two hours of simulated time. */
const ORDERS_PER_MICROSECOND = 2 ** 20;

/** Who events happen to: a process, which may stand still or be dead. */
export interface EventOwner {
  readonly state: "running" | "paused" | "dead";
  /** What became due while it stood still, in order. */
  readonly backlog: SimulatedEvent[];
}

const nothing = (): void => {};

export class SimulatedEvent implements HeapEntry {
  rank: number;
  place: number = NOT_IN_HEAP;
  run: () => void;
  readonly owner: EventOwner | undefined;

  constructor(rank: number, run: () => void, owner: EventOwner | undefined) {
    this.rank = rank;
    this.run = run;
    this.owner = owner;
  }
}

export class EventLoop {
  readonly #heap = new MinHeap<SimulatedEvent>();
  #nowUs = 0;
  #order = 0;
  #count = 0;
  #owner: EventOwner | undefined;

  /** Microseconds since the world began. */
  get nowUs(): number {
    return this.#nowUs;
  }

  /** Whose event ran last, or is running. */
  get owner(): EventOwner | undefined {
    return this.#owner;
  }

  /** Events that have run. */
  get count(): number {
    return this.#count;
  }

  /** Runs `run` after `delayUs`, unless `owner` is dead by then; when it stands still, once it goes on. */
  after(delayUs: number, run: () => void, owner?: EventOwner): SimulatedEvent {
    assert(delayUs >= 0, "Nothing can happen in the past");
    const atUs = this.#nowUs + Math.ceil(delayUs);
    const event = new SimulatedEvent(this.#rank(atUs), run, owner);
    this.#heap.add(event);
    return event;
  }

  /** Takes back an event; nothing happens when it has run. */
  cancel(event: SimulatedEvent): void {
    if (event.place !== NOT_IN_HEAP) this.#heap.remove(event);
    event.run = nothing;
  }

  /** Runs what became due while `owner` stood still, from now on. */
  resume(owner: EventOwner): void {
    for (const event of owner.backlog.splice(0)) {
      event.rank = this.#rank(this.#nowUs);
      this.#heap.add(event);
    }
  }

  /** Runs the next event; false when there is none up to `untilUs`, where time then stands. */
  step(untilUs: number): boolean {
    const event = this.#heap.top;
    if (event === undefined || event.rank >= (untilUs + 1) * ORDERS_PER_MICROSECOND) {
      this.#nowUs = Math.max(this.#nowUs, untilUs);
      return false;
    }
    this.#heap.remove(event);
    this.#nowUs = Math.floor(event.rank / ORDERS_PER_MICROSECOND);
    const { owner } = event;
    this.#owner = owner;
    if (owner === undefined || owner.state === "running") {
      this.#count++;
      event.run();
    } else if (owner.state === "paused") {
      owner.backlog.push(event);
    }
    return true;
  }

  #rank(atUs: number): number {
    this.#order = (this.#order + 1) % ORDERS_PER_MICROSECOND;
    return atUs * ORDERS_PER_MICROSECOND + this.#order;
  }
}
