import { describe, expect, test } from "vitest";
import type { ApplyResult } from "../apply/result.ts";
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { FORWARDED_PROPOSAL_BYTES_MAX } from "./limits.ts";
import { Proposals } from "./proposals.ts";
import type { ProposalWaiter } from "./ready.ts";

const LIMIT_TICKS = 3;

class Caller implements ProposalWaiter {
  told: ApplyResult | EtcdError | undefined;
  isAway = false;

  isGone(): boolean {
    return this.isAway;
  }

  onApplied(result: ApplyResult | EtcdError): void {
    expect(this.told).toBeUndefined();
    this.told = result;
  }
}

/** Proposals whose payloads are their keys, and what was handed to Raft, message by message. */
class World {
  readonly proposals = new Proposals(LIMIT_TICKS);
  readonly handed: number[][] = [];
  isDropping = false;
  #key = 0;

  add(audience: "anyLeader" | "selfOnly" = "anyLeader", bytes = 1): Caller {
    const caller = new Caller();
    this.proposals.add(++this.#key, new Uint8Array(bytes).fill(this.#key), caller, audience);
    return caller;
  }

  handOver(isLeader = true): void {
    this.proposals.handOver(isLeader, (payloads) => {
      if (!this.isDropping) this.handed.push(payloads.map(([first]) => first));
      return !this.isDropping;
    });
  }
}

describe("Proposals", () => {
  test("are handed over together, once", () => {
    const world = new World();
    const [first] = [world.add(), world.add()];
    world.handOver();
    world.handOver();
    expect(world.handed).toEqual([[1, 2]]);
    expect(world.proposals.take(1)).toBe(first);
    expect(world.proposals.take(1)).toBeUndefined();
  });

  test("that Raft drops are tried again, in order, before those that come later", () => {
    const world = new World();
    world.add();
    world.isDropping = true;
    world.handOver();
    world.add();
    world.isDropping = false;
    world.handOver();
    expect(world.handed).toEqual([[1, 2]]);
  });

  test("that were never handed over are not made once their time is up", () => {
    const world = new World();
    const waited = world.add();
    for (let tick = 0; tick < LIMIT_TICKS; tick++) {
      expect(world.proposals.tick()).toEqual({ unsent: [], late: [] });
    }
    const young = world.add();
    expect(world.proposals.tick()).toEqual({ unsent: [waited], late: [] });
    world.handOver();
    expect(world.handed).toEqual([[2]]);
    for (let tick = 1; tick < LIMIT_TICKS; tick++) {
      expect(world.proposals.tick()).toEqual({ unsent: [], late: [] });
    }
    expect(world.proposals.tick()).toEqual({ unsent: [], late: [young] });
  });

  test("of callers that went away while there was no leader are not made", () => {
    const world = new World();
    const [gone, stays] = [world.add(), world.add()];
    gone.isAway = true;
    world.proposals.tick();
    world.handOver();
    expect(world.handed).toEqual([[2]]);
    expect([gone.told, stays.told]).toEqual([undefined, undefined]);
    expect(world.proposals.take(1)).toBeUndefined();
  });

  test("go to another leader in messages of bounded size", () => {
    const world = new World();
    const half = FORWARDED_PROPOSAL_BYTES_MAX / 2;
    for (const bytes of [half, half, 1, 3 * half, half, 1, 1]) world.add("anyLeader", bytes);
    world.handOver(false);
    expect(world.handed).toEqual([[1, 2], [3], [4], [5, 6, 7]]);
  });

  test("that are the leader's own are not carried out by another", () => {
    const world = new World();
    const own = world.add("selfOnly");
    world.add();
    world.handOver(false);
    expect(world.handed).toEqual([[2]]);
    expect(own.told).toBe(Errors.NotLeader);
    const later = world.add("selfOnly");
    world.proposals.failSelfOnly();
    expect(later.told).toBe(Errors.NotLeader);
    world.handOver();
    expect(world.handed).toEqual([[2]]);
    world.add("selfOnly");
    world.handOver();
    expect(world.handed).toEqual([[2], [4]]);
  });

  test("are all answered at the end", () => {
    const world = new World();
    const sent = world.add();
    world.handOver();
    const queued = world.add("selfOnly");
    world.proposals.failAll(Errors.Stopped);
    expect([sent.told, queued.told]).toEqual([Errors.Stopped, Errors.Stopped]);
    world.handOver();
    expect(world.handed).toEqual([[1]]);
    expect(world.proposals.isFull).toBe(false);
  });
});
