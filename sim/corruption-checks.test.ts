/** Corruption checks of a whole member whose peers are simulated: what is raised, and what it does. */
import { describe, expect, test } from "vitest";
import { Errors } from "../src/errors/table.ts";
import type { PeerHash, TakenHash } from "../src/member/corruption-check.ts";
import { encodeRevision } from "../src/mvcc/revision.ts";
import {
  CorruptionChecks,
  type CorruptionCheckOptions,
  type HashPeers,
} from "../src/server/cluster/corruption-checks.ts";
import { bytesFromLatin1 } from "../src/stdx/bytes.ts";
import { Prng } from "../src/stdx/prng.ts";
import { createKeyValue, encodeKeyValue } from "../src/wire/gen/kv.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import {
  AlarmType,
  createCompactionRequest,
  createPutRequest,
  encodeCompactionRequest,
  encodePutRequest,
} from "../src/wire/gen/rpc.ts";
import { SimulatedDisk } from "./disk.ts";
import { SimulatedMember } from "./simulated-member.ts";

const KEY = bytesFromLatin1("key");

/** The peers of a cluster of one. */
const NO_PEERS: HashPeers = { hashesAt: (_, done) => done([]) };

const OFF: CorruptionCheckOptions = {
  intervalMs: 0,
  compactHashIntervalMs: 0,
  requestTimeoutMs: 7000,
};

async function started(): Promise<SimulatedMember> {
  const member = new SimulatedMember(new SimulatedDisk({ random: new Prng(1) }), 1_000_000);
  expect(await member.start(new Prng(2))).toBe(true);
  for (let count = 0; count < 5; count++) expect(await put(member)).not.toBe(Errors.Corrupt);
  return member;
}

async function propose(member: SimulatedMember, field: number, body: Uint8Array): Promise<unknown> {
  let answer: unknown;
  member.propose(field, body, (result) => {
    answer = result;
  });
  expect(await member.until(() => answer !== undefined)).toBe(true);
  return answer;
}

function put(member: SimulatedMember): Promise<unknown> {
  const request = createPutRequest({ key: KEY, value: KEY });
  return propose(member, Operation.put, encodePutRequest(request));
}

function compact(member: SimulatedMember, revision: number): Promise<unknown> {
  const body = encodeCompactionRequest(createCompactionRequest({ revision }));
  return propose(member, Operation.compaction, body);
}

function checksOf(
  member: SimulatedMember,
  peers: HashPeers,
  options: Partial<CorruptionCheckOptions> = {},
): CorruptionChecks {
  const { host, clock, log } = member;
  const { hashes } = host.current;
  const poke = (): void => host.poke();
  const parts = { member: host.member, hashes, peers, clock, log, poke };
  return new CorruptionChecks(parts, { ...OFF, ...options });
}

/** Peers that have what the member has, changed by `change`. */
function peersOf(member: SimulatedMember, change: (own: TakenHash) => TakenHash): HashPeers {
  return {
    hashesAt: (revision, done) =>
      member.host.current.hashes.ofKeyspace(revision, (own) => {
        const answer = "hash" in own ? change(own) : own;
        const peer: PeerHash = { peerId: 2n, endpoints: [], answer };
        done([peer]);
      }),
  };
}

const differently = (own: TakenHash): TakenHash => ({
  ...own,
  hash: { ...own.hash, hash: own.hash.hash ^ 1 },
});

const corruptAlarms = (member: SimulatedMember) =>
  member.host.member.applier.alarms.list(AlarmType.CORRUPT);

const said = (member: SimulatedMember, text: string): number =>
  member.log.lines.filter(({ message }) => message === text).length;

async function expectCorrupt(member: SimulatedMember): Promise<void> {
  expect(await member.until(() => corruptAlarms(member).length > 0)).toBe(true);
  // Nobody knows whose data is wrong.
  expect(corruptAlarms(member)).toEqual([{ memberId: 0n, alarm: AlarmType.CORRUPT }]);
  expect(await put(member)).toBe(Errors.Corrupt);
}

describe("from time to time", () => {
  test.each([
    ["without peers", () => NO_PEERS],
    ["with a peer that agrees", (member: SimulatedMember) => peersOf(member, (own) => own)],
  ])("%s nothing is raised", async (_, peers) => {
    const member = await started();
    const checks = checksOf(member, peers(member), { intervalMs: 100 });
    checks.start();
    const finished = "finished peer corruption check";
    expect(await member.until(() => said(member, finished) > 2)).toBe(true);
    expect(corruptAlarms(member)).toEqual([]);
    checks.stop();
    expect(await member.stop()).toBe(true);
  });

  test("a peer that differs raises the alarm", async () => {
    const member = await started();
    const checks = checksOf(member, peersOf(member, differently), { intervalMs: 100 });
    checks.start();
    await expectCorrupt(member);
    checks.stop();
    expect(await member.stop()).toBe(true);
  });

  test("data of its own that changes raises the alarm", async () => {
    const member = await started();
    const { backend, store } = member.host.member.applier;
    const peers: HashPeers = {
      hashesAt(_, done) {
        const value = createKeyValue({ key: KEY, value: bytesFromLatin1("other") });
        backend.put("key", encodeRevision(store.revision, 0, false), encodeKeyValue(value));
        done([]);
      },
    };
    const checks = checksOf(member, peers, { intervalMs: 100 });
    checks.start();
    await expectCorrupt(member);
    expect(said(member, "found hash mismatch")).toBe(1);
    checks.stop();
    expect(await member.stop()).toBe(true);
  });
});

describe("after compactions", () => {
  test("a peer that agrees ends the check, until there is a new hash", async () => {
    const member = await started();
    const checks = checksOf(
      member,
      peersOf(member, (own) => own),
      { compactHashIntervalMs: 100 },
    );
    await compact(member, 3);
    const { store } = member.host.member.applier;
    expect(await member.until(() => store.compactionHashes.length === 1)).toBe(true);
    checks.start();
    const agreed = "successfully checked hash on whole cluster";
    const finished = "finished compaction hash check";
    expect(await member.until(() => said(member, finished) > 1)).toBe(true);
    expect(said(member, agreed)).toBe(1);
    await compact(member, 4);
    expect(await member.until(() => said(member, agreed) === 2)).toBe(true);
    expect(corruptAlarms(member)).toEqual([]);
    checks.stop();
    expect(await member.stop()).toBe(true);
  });

  test("a peer that differs raises the alarm", async () => {
    const member = await started();
    const peers = peersOf(member, differently);
    const checks = checksOf(member, peers, { compactHashIntervalMs: 100 });
    await compact(member, 3);
    checks.start();
    await expectCorrupt(member);
    checks.stop();
    expect(await member.stop()).toBe(true);
  });
});

describe("before serving", () => {
  async function check(member: SimulatedMember, peers: HashPeers): Promise<string> {
    let outcome = "";
    checksOf(member, peers)
      .initialCheck()
      .then(
        () => {
          outcome = "passed";
        },
        (error: Error) => {
          outcome = error.message;
        },
      );
    expect(await member.until(() => outcome !== "")).toBe(true);
    return outcome;
  }

  test("a peer that differs refuses the start, others do not", async () => {
    const member = await started();
    expect(await check(member, NO_PEERS)).toBe("passed");
    expect(
      await check(
        member,
        peersOf(member, (own) => own),
      ),
    ).toBe("passed");
    const id = member.host.member.id.toString(16);
    expect(await check(member, peersOf(member, differently))).toBe(
      `${id} found data inconsistency with peers`,
    );
    expect(await member.stop()).toBe(true);
  });

  test("a member that has run before is checked, a new one is not", async () => {
    const disk = new SimulatedDisk({ random: new Prng(1) });
    const passed = "initial corruption checking passed; no corruption";
    for (const times of [0, 1]) {
      const member = new SimulatedMember(disk, 1_000_000);
      expect(await member.start(new Prng(2), { initialCorruptCheck: true })).toBe(true);
      expect(said(member, passed)).toBe(times);
      expect(await member.stop()).toBe(true);
    }
  });
});
