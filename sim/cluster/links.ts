/**
 * The wires between machines: how long messages take, and which of them are lost, repeated or overtaken.
 * Each direction of each pair is a wire of its own, so partitions can be one-way.
 */
import type { Prng } from "../../src/stdx/prng.ts";
import type { EventLoop } from "./event-loop.ts";

/** What wires do to messages; chosen once by the seed, changed by faults. */
export interface WireConditions {
  /** Microseconds at least, and at most on top of that. */
  latencyUs: number;
  jitterUs: number;
  /** Probabilities for each message. */
  lost: number;
  repeated: number;
  /** May be overtaken: takes up to `detourUs` longer, and those behind it do not wait. */
  overtaken: number;
  detourUs: number;
}

/** What happened to messages, for the report. */
export interface WireCounts {
  messages: number;
  lost: number;
  repeated: number;
  overtaken: number;
  cut: number;
}

/** Microseconds after which a machine notices that a wire is cut: a connection's timeout. */
const NOTICE_CUT_US = 2_000_000;

interface Wire {
  /** When it was cut; `undefined` while it is whole. */
  cutUs: number | undefined;
  /** When it was last mended. */
  mendedUs: number;
  /** When the last message that keeps its place arrives. */
  busyUntilUs: number;
}

export class Links {
  readonly #loop: EventLoop;
  readonly #random: Prng;
  readonly conditions: WireConditions;
  readonly counts: WireCounts = { messages: 0, lost: 0, repeated: 0, overtaken: 0, cut: 0 };
  readonly #wires = new Map<number, Wire>();
  readonly #usual: WireConditions;

  /** `usual`: what the wires are like in good weather. */
  constructor(loop: EventLoop, random: Prng, usual: WireConditions) {
    this.#loop = loop;
    this.#random = random;
    this.conditions = { ...usual };
    this.#usual = usual;
  }

  /** The weather is good again. */
  clearUp(): void {
    Object.assign(this.conditions, this.#usual);
  }

  /**
   * Carries something from machine to machine: `arrive` is called when it is there, maybe never, maybe twice
   * if `mayRepeat`.
   */
  carry(from: number, to: number, arrive: () => void, mayRepeat = true): void {
    const { counts, conditions } = this;
    const random = this.#random;
    const wire = this.#wire(from, to);
    counts.messages++;
    if (wire.cutUs !== undefined) {
      counts.cut++;
      return;
    }
    if (conditions.lost > 0 && random.chance(conditions.lost)) {
      counts.lost++;
      return;
    }
    const nowUs = this.#loop.nowUs;
    let atUs = nowUs + conditions.latencyUs + random.below(conditions.jitterUs + 1);
    if (conditions.overtaken > 0 && random.chance(conditions.overtaken)) {
      counts.overtaken++;
      atUs += random.below(conditions.detourUs + 1);
    } else {
      atUs = Math.max(atUs, wire.busyUntilUs);
      wire.busyUntilUs = atUs;
    }
    this.#deliver(wire, atUs - nowUs, arrive);
    if (mayRepeat && conditions.repeated > 0 && random.chance(conditions.repeated)) {
      counts.repeated++;
      this.#deliver(wire, atUs - nowUs + random.below(conditions.detourUs + 1), arrive);
    }
  }

  /** Carries a part of a stream: it is not lost by itself, only with the wire. */
  carryWhole(from: number, to: number, arrive: () => void): void {
    const wire = this.#wire(from, to);
    const { latencyUs, jitterUs } = this.conditions;
    this.counts.messages++;
    if (wire.cutUs !== undefined) this.counts.cut++;
    else this.#deliver(wire, latencyUs + this.#random.below(jitterUs + 1), arrive);
  }

  cut(from: number, to: number): void {
    this.#wire(from, to).cutUs ??= this.#loop.nowUs;
  }

  mend(from: number, to: number): void {
    const wire = this.#wire(from, to);
    if (wire.cutUs === undefined) return;
    wire.cutUs = undefined;
    wire.mendedUs = this.#loop.nowUs;
  }

  mendAll(): void {
    for (const key of this.#wires.keys()) this.mend(key >> 8, key & 0xff);
  }

  isCut(from: number, to: number): boolean {
    return this.#wire(from, to).cutUs !== undefined;
  }

  /** Whether the sender knows by now that nothing gets through, in either direction. */
  isKnownCut(from: number, to: number): boolean {
    const latestUs = this.#loop.nowUs - NOTICE_CUT_US;
    const there = this.#wire(from, to).cutUs ?? Number.POSITIVE_INFINITY;
    const back = this.#wire(to, from).cutUs ?? Number.POSITIVE_INFINITY;
    return Math.min(there, back) <= latestUs;
  }

  /** Since when both directions have been whole. */
  wholeSinceUs(from: number, to: number): number {
    return Math.max(this.#wire(from, to).mendedUs, this.#wire(to, from).mendedUs);
  }

  /** What is under way when the wire is cut is lost. */
  #deliver(wire: Wire, delayUs: number, arrive: () => void): void {
    this.#loop.after(delayUs, () => {
      if (wire.cutUs === undefined) arrive();
      else this.counts.cut++;
    });
  }

  #wire(from: number, to: number): Wire {
    const key = (from << 8) | to;
    let wire = this.#wires.get(key);
    if (wire === undefined) {
      wire = { cutUs: undefined, mendedUs: 0, busyUntilUs: 0 };
      this.#wires.set(key, wire);
    }
    return wire;
  }
}
