/**
 * A life of a member for crash tests: a plan of operations, what may be seen after each of them, the work
 * itself, and what is found when the member is started again.
 */
import { expect } from "vitest";
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
import { dumpState, KvModel, type ModelOperation } from "./kv-model.ts";
import type { SimulatedMember } from "./simulated-member.ts";

const OPERATIONS = 30;

const LEASES = [7n, 8n];

/** None of them expires: those that do are in `lease-crash.test.ts`. */
const LEASE_TTL_SECONDS = 1_000_000;

/** The same operations for every run of a seed. */
export function plan(seed: number): ModelOperation[] {
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
export function legalStates(operations: readonly ModelOperation[]): string[] {
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

export interface Progress {
  submitted: number;
  acknowledged: number;
}

export const NO_PROGRESS: Progress = { submitted: 0, acknowledged: 0 };

/**
 * Proposes the operations from `from` on, a few at a time, with a compaction now and then. `beside` is
 * called after each few: for what else happens in this life.
 */
export async function work(
  member: SimulatedMember,
  operations: readonly ModelOperation[],
  from: number,
  random: Prng,
  beside: () => Promise<void> = () => Promise.resolve(),
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
    await beside();
  }
  return progress;
}

function compact(member: SimulatedMember): void {
  const revision = Math.max(1, member.host.member.applier.store.revision - 2);
  const body = encodeCompactionRequest(createCompactionRequest({ revision }));
  member.propose(Operation.compaction, body, () => {});
}

/** Starts a member on the disk; asserts a legal state; returns how many operations it holds. */
export async function reopen(
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
export function heldBy(
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
