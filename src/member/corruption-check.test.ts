import { describe, expect, test } from "vitest";
import { MemoryLog } from "../../sim/memory-log.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import {
  CompactHashCheck,
  passesInitialCheck,
  passesPeriodicCheck,
  type PeerHash,
  type TakenHash,
} from "./corruption-check.ts";

/** A hash `hash` at `revision`, below which everything to `compactRevision` is compacted. */
function taken(hash: number, revision = 10, compactRevision = 5): TakenHash {
  const keyspace = { hash, revision, compactRevision, isComparable: true };
  return { hash: keyspace, currentRevision: revision };
}

/** The same of a keyspace of deleted keys. */
function takenOfDeleted(hash: number): TakenHash {
  const { hash: keyspace, currentRevision } = taken(hash);
  return { hash: { ...keyspace, isComparable: false }, currentRevision };
}

function peer(answer: TakenHash | EtcdError, peerId = 0xbn): PeerHash {
  return { peerId, endpoints: ["http://peer:2380"], answer };
}

const unreachable = new EtcdError(14, "unreachable");

const messagesOf = (log: MemoryLog): string[] => log.lines.map(({ message }) => message);

describe("the check before serving", () => {
  test.each([
    ["no peers", [], true, []],
    ["equal hashes", [peer(taken(1)), peer(taken(1, 12))], true, []],
    ["another hash", [peer(taken(1)), peer(taken(2))], false, ["found different hash values"]],
    [
      "another hash after another compaction",
      [peer(taken(2, 10, 7))],
      true,
      ["found different compact revision values"],
    ],
    [
      "peers behind, ahead and away",
      [peer(Errors.FutureRevision), peer(Errors.Compacted), peer(unreachable)],
      true,
      ["cannot fetch hash from slow remote peer", "local member is behind"],
    ],
  ] as const)("with %s", (_, peers, passes, said) => {
    const log = new MemoryLog();
    expect(passesInitialCheck(1n, taken(1), peers, log)).toBe(passes);
    expect(log.lines).toHaveLength(said.length);
    said.forEach((text, index) => expect(log.lines[index].message).toContain(text));
  });

  test("compares nothing where all keys are deleted", () => {
    expect(passesInitialCheck(1n, takenOfDeleted(1), [peer(taken(2))], new MemoryLog())).toBe(true);
  });

  test("says who has what", () => {
    const log = new MemoryLog();
    passesInitialCheck(0xan, taken(1), [peer(taken(2, 11))], log);
    expect(log.lines[0].fields).toEqual({
      "local-member-id": "a",
      "local-member-revision": 10,
      "local-member-compact-revision": 5,
      "local-member-hash": 1,
      "remote-peer-id": "b",
      "remote-peer-endpoints": ["http://peer:2380"],
      "remote-peer-revision": 11,
      "remote-peer-compact-revision": 5,
      "remote-peer-hash": 2,
    });
  });
});

describe("the check from time to time", () => {
  test.each<[string, TakenHash, TakenHash, PeerHash[], boolean, string | undefined]>([
    ["alone", taken(1), taken(1), [], true, undefined],
    ["alone, with writes meanwhile", taken(1), taken(2, 11), [], true, undefined],
    ["alone, with a compaction meanwhile", taken(1), taken(2, 10, 6), [], true, undefined],
    ["its own data changes", taken(1), taken(2), [], false, "found hash mismatch"],
    [
      "all keys are deleted",
      takenOfDeleted(1),
      takenOfDeleted(2),
      [peer(taken(3))],
      true,
      undefined,
    ],
    ["all agree", taken(1), taken(2, 12), [peer(taken(1, 11))], true, undefined],
    ["one is away", taken(1), taken(2, 12), [peer(unreachable)], true, undefined],
    ["one is behind", taken(1), taken(2, 12), [peer(Errors.FutureRevision)], true, undefined],
    ["one differs", taken(1), taken(2, 12), [peer(taken(3))], false, "hashes must match"],
    ["one has not compacted yet", taken(1), taken(1), [peer(taken(3, 10, 4))], true, undefined],
    [
      "one is ahead of its leader",
      taken(1),
      taken(2, 12),
      [peer(taken(1, 13))],
      false,
      "revision from follower must be less",
    ],
    [
      "one has compacted more than its leader",
      taken(1),
      taken(1, 10, 6),
      [peer(taken(4, 10, 7))],
      false,
      "compact revision from follower must be less",
    ],
  ])("%s", (_, before, after, peers, passes, said) => {
    const log = new MemoryLog();
    expect(passesPeriodicCheck(before, after, peers, log)).toBe(passes);
    const checked = peers.filter(({ answer }) => !(answer instanceof EtcdError)).length;
    expect(log.lines.at(-1)).toMatchObject({
      message: "finished peer corruption check",
      fields: { "number-of-peers-checked": checked },
    });
    expect(log.lines).toHaveLength(said === undefined ? 1 : 2);
    if (said !== undefined) expect(log.lines[0].message).toContain(said);
  });
});

describe("the check of what compactions left", () => {
  const hashes = [1, 2, 3].map((hash) => taken(hash, 10 * hash, 10 * hash - 10).hash);
  const agreeing = peer(taken(3, 30, 20));

  test("goes from the newest to older ones until all agree, and looks at new ones only", () => {
    const log = new MemoryLog();
    const check = new CompactHashCheck(log);
    expect(check.unchecked(hashes).map(({ revision }) => revision)).toEqual([30, 20, 10]);
    expect(check.compare(hashes[2], [agreeing, peer(unreachable)])).toBe("unknown");
    expect(check.compare(hashes[2], [agreeing, peer(taken(9, 30, 10))])).toBe("unknown");
    expect(check.unchecked(hashes)).toHaveLength(3);
    expect(check.compare(hashes[2], [agreeing, agreeing])).toBe("agreed");
    expect(check.unchecked(hashes)).toEqual([]);
    expect(messagesOf(log)).toEqual([
      "skipped revision in compaction hash check; was not able to check all peers",
      "skipped revision in compaction hash check; was not able to check all peers",
      "successfully checked hash on whole cluster",
    ]);
  });

  test("finds another hash after the same compactions", () => {
    const log = new MemoryLog();
    const check = new CompactHashCheck(log);
    const differing = peer(taken(4, 30, 20));
    expect(check.compare(hashes[2], [agreeing, differing])).toBe("mismatch");
    expect(messagesOf(log)).toEqual(["failed compaction hash check"]);
    expect(log.lines[0].level).toBe("error");
  });

  test("says nothing without peers", () => {
    const log = new MemoryLog();
    expect(new CompactHashCheck(log).compare(hashes[0], [])).toBe("unknown");
    expect(log.lines).toEqual([]);
  });
});
