/**
 * A whole member, crashed before every operation on its disk, with unsynced data kept, lost or torn: what
 * is found afterwards is a beginning of what was proposed, with everything that was acknowledged.
 */
import { describe, expect, test } from "vitest";
import { Errors } from "../src/errors/table.ts";
import { Prng } from "../src/stdx/prng.ts";
import { bytesFromUtf8 } from "../src/stdx/bytes.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import {
  createCompactionRequest,
  createDeleteRangeRequest,
  createLeaseGrantRequest,
  createLeaseRevokeRequest,
  createPutRequest,
  encodeCompactionRequest,
  encodeDeleteRangeRequest,
  encodeLeaseGrantRequest,
  encodeLeaseRevokeRequest,
  encodePutRequest,
} from "../src/wire/gen/rpc.ts";
import { SimulatedDisk } from "./disk.ts";
import { dumpState, KvModel, type ModelOperation } from "./kv-model.ts";
import { SimulatedMember } from "./simulated-member.ts";

const OPERATIONS = 30;

const LEASES = [7n, 8n];

/** None of them expires: those that do are in `lease-crash.test.ts`. */
const LEASE_TTL_SECONDS = 1_000_000;

/** CRASH_SEEDS sets how many lives are tried, CRASH_SEED the first. */
const FIRST_SEED = Number(process.env["CRASH_SEED"] ?? 11);
const SEEDS = Array.from(
  { length: Number(process.env["CRASH_SEEDS"] ?? 4) },
  (_, index) => FIRST_SEED + index,
);

/** The same operations for every run of a seed. */
function plan(seed: number): ModelOperation[] {
  const random = new Prng(seed);
  return Array.from({ length: OPERATIONS }, (_, index): ModelOperation => {
    const key = `key${random.below(5)}`;
    const lease = LEASES[random.below(LEASES.length)];
    if (index < LEASES.length) return { kind: "grant", lease: LEASES[index] };
    switch (random.below(8)) {
      case 0:
      case 1:
        return { kind: "delete", key };
      case 2:
        return { kind: random.below(2) === 0 ? "revoke" : "grant", lease };
      default: {
        const value = `${index}`.repeat(1 + random.below(200));
        return { kind: "put", key, value, lease: random.below(2) === 0 ? lease : 0n };
      }
    }
  });
}

/** What is seen after each number of operations. */
function legalStates(operations: readonly ModelOperation[]): string[] {
  const model = new KvModel();
  return [
    model.dump(),
    ...operations.map((operation) => {
      model.apply(operation);
      return model.dump();
    }),
  ];
}

function proposeOperation(
  member: SimulatedMember,
  operation: ModelOperation,
  done: () => void,
): void {
  const [field, body] = encodeOperation(operation);
  member.propose(field, body, (result) => {
    // Told to stop: not an acknowledgement.
    if (result !== Errors.Stopped) done();
  });
}

function encodeOperation(operation: ModelOperation): [field: number, body: Uint8Array] {
  switch (operation.kind) {
    case "put": {
      const { lease } = operation;
      const key = bytesFromUtf8(operation.key);
      const value = bytesFromUtf8(operation.value);
      return [Operation.put, encodePutRequest(createPutRequest({ key, value, lease }))];
    }
    case "delete": {
      const key = bytesFromUtf8(operation.key);
      return [Operation.deleteRange, encodeDeleteRangeRequest(createDeleteRangeRequest({ key }))];
    }
    case "grant": {
      const request = createLeaseGrantRequest({ id: operation.lease, ttl: LEASE_TTL_SECONDS });
      return [Operation.leaseGrant, encodeLeaseGrantRequest(request)];
    }
    case "revoke": {
      const request = createLeaseRevokeRequest({ id: operation.lease });
      return [Operation.leaseRevoke, encodeLeaseRevokeRequest(request)];
    }
  }
}

interface Progress {
  submitted: number;
  acknowledged: number;
}

const NO_PROGRESS: Progress = { submitted: 0, acknowledged: 0 };

/** Proposes the operations from `from` on, a few at a time, with a compaction now and then. */
async function work(
  member: SimulatedMember,
  operations: readonly ModelOperation[],
  from: number,
  random: Prng,
): Promise<Progress> {
  const progress = { submitted: from, acknowledged: from };
  while (progress.submitted < operations.length && member.alive) {
    const together = 1 + random.below(4);
    for (let i = 0; i < together && progress.submitted < operations.length; i++) {
      proposeOperation(member, operations[progress.submitted++], () => progress.acknowledged++);
    }
    if (random.below(8) === 0) compact(member);
    const { submitted } = progress;
    if (!(await member.until(() => progress.acknowledged === submitted))) break;
  }
  return progress;
}

function compact(member: SimulatedMember): void {
  const revision = Math.max(1, member.host.member.applier.store.revision - 2);
  const body = encodeCompactionRequest(createCompactionRequest({ revision }));
  member.propose(Operation.compaction, body, () => {});
}

/** Starts a member on the disk; asserts a legal state; returns how many operations it holds. */
async function reopen(
  member: SimulatedMember,
  seed: number,
  states: readonly string[],
  progress: Progress,
  where: string,
): Promise<number> {
  expect(await member.start(new Prng(seed)), where).toBe(true);
  return heldBy(member, states, progress, where);
}

/** How many operations a running member holds; asserts that it is a legal number. */
function heldBy(
  member: SimulatedMember,
  states: readonly string[],
  { submitted, acknowledged }: Progress,
  where: string,
): number {
  const found = dumpState(member.host.member.applier);
  const legal = states.slice(acknowledged, submitted + 1);
  expect(legal, `${where}: not a state between ${acknowledged} and ${submitted}`).toContain(found);
  return acknowledged + legal.lastIndexOf(found);
}

async function crashAt(
  seed: number,
  point: number,
  survivals: readonly number[],
): Promise<boolean> {
  const operations = plan(seed);
  const states = legalStates(operations);
  const disk = new SimulatedDisk({ random: new Prng(seed + point) });
  disk.crashAt(point);
  const member = new SimulatedMember(disk, 1_000_000);
  const started = await member.start(new Prng(seed));
  const progress = started ? await work(member, operations, 0, new Prng(seed)) : NO_PROGRESS;
  for (const survivalSeed of survivals) {
    const where = `seed ${seed}, point ${point}, survival ${survivalSeed}`;
    const survival = survivalSeed === 0 ? "kept" : survivalSeed === 1 ? "lost" : "random";
    const after = disk.crash(new Prng(survivalSeed * 7919 + point), { survival });
    const again = new SimulatedMember(after, 2_000_000);
    const held = await reopen(again, seed, states, progress, where);
    const rest = await work(again, operations, held, new Prng(seed + 1));
    expect(rest.acknowledged, `${where}: works on`).toBe(operations.length);
    expect(dumpState(again.host.member.applier), where).toBe(states[operations.length]);
  }
  return disk.halted;
}

describe("a member that crashes before every operation on its disk", () => {
  test.each(SEEDS)(
    "keeps what it acknowledged and shows only what was proposed, seed %i",
    async (seed) => {
      let point = 1;
      while (await crashAt(seed, point, [0, 1, 2 + (point % 7)])) point++;
      expect(point).toBeGreaterThan(60);
    },
    60_000,
  );
});

describe("a member that is killed, started again, and then loses power", () => {
  test.each(SEEDS)(
    "keeps what it acknowledged in either life, seed %i",
    async (seed) => {
      const operations = plan(seed);
      const states = legalStates(operations);
      const random = new Prng(seed);
      for (let round = 0; round < 40; round++) {
        const where = `seed ${seed}, round ${round}`;
        const first = new SimulatedDisk({ random: new Prng(seed + round) });
        first.crashAt(1 + random.below(150));
        const killed = new SimulatedMember(first, 1_000_000);
        const started = await killed.start(new Prng(seed));
        const early = started ? await work(killed, operations, 0, random) : NO_PROGRESS;
        const second = first.crash(new Prng(round), { cause: "process" });
        second.crashAt(second.points + 1 + random.below(60));
        const unlucky = new SimulatedMember(second, 2_000_000);
        let late = early;
        if (await unlucky.start(new Prng(seed + 1))) {
          // What is seen once it serves is there for good.
          const held = heldBy(unlucky, states, early, where);
          late = await work(unlucky, operations, held, random);
        }
        const survivor = new SimulatedMember(second.crash(new Prng(round + 99)), 3_000_000);
        await reopen(survivor, seed, states, late, where);
      }
    },
    60_000,
  );
});

describe("a member whose disk fails", () => {
  test.each(["EIO", "ENOSPC"] as const)(
    "ends itself after a failed durable write (%s) and has lied to nobody",
    async (code) => {
      const operations = plan(3);
      const states = legalStates(operations);
      for (let after = 1; after < 8; after++) {
        const disk = new SimulatedDisk({ random: new Prng(after) });
        const member = new SimulatedMember(disk, 1_000_000);
        expect(await member.start(new Prng(1))).toBe(true);
        disk.inject({ operation: "writeDurable", pathSuffix: ".wal", after, code, times: 1e6 });
        const progress = await work(member, operations, 0, new Prng(5));
        expect(member.fatal?.message).toMatch(/\.wal/);
        const again = new SimulatedMember(disk.crash(new Prng(after)), 2_000_000);
        await reopen(again, 1, states, progress, `after ${after}`);
      }
    },
    60_000,
  );
});
