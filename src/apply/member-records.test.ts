/** What the database holds of the membership, which etcd 3.6 reads from there alone. */
import { expect, test } from "vitest";
import { MemoryLog } from "../../sim/memory-log.ts";
import { closeApplier, freshDisk, openApplier } from "../../test/harness/applied-state.ts";
import { NO_TOKENS } from "../auth/token-table.ts";
import { encodeAttributes, type MemberInfo } from "../membership/member-info.ts";
import {
  createInternalRaftRequest,
  createRequest,
  encodeInternalRaftRequest,
  encodeRequest,
} from "../wire/gen/raft-internal.ts";
import { createEntry } from "../wire/gen/raft.ts";
import type { Applier } from "./applier.ts";
import { attributesPathOf } from "./cluster-operations.ts";

const ATTRIBUTES = { name: "self", clientUrls: ["http://10.0.0.1:2379"] };

function memberOf(id: bigint, partial: Partial<MemberInfo> = {}): MemberInfo {
  return {
    ...{ id, name: "", peerUrls: [`http://10.0.0.${id}:2380`], clientUrls: [], isLearner: false },
    ...partial,
  };
}

/** Member 1 among others: in memory a voter with a name; in the database, what an old release left there. */
function withOldRecords(log = new MemoryLog()): { applier: Applier; close: () => void } {
  const disk = freshDisk();
  const applier = openApplier(disk, log, NO_TOKENS);
  applier.cluster.add(memberOf(1n));
  applier.cluster.add(memberOf(2n, { name: "other" }));
  applier.records.putMember(memberOf(1n));
  applier.records.putMember(memberOf(2n, { isLearner: true }));
  applier.records.putMember(memberOf(3n));
  return { applier, close: () => closeApplier(disk, applier) };
}

/** What member `id` says of itself, as the entry of 3.5 (`v2`), as one of old, or as that of 3.6. */
function publication(id: bigint, form: "wrapped" | "bare" | "typed"): Uint8Array {
  const val = encodeAttributes(ATTRIBUTES);
  const v2 = createRequest({ method: "PUT", path: attributesPathOf(id.toString(16)), val });
  if (form === "bare") return encodeRequest(v2);
  const { name, clientUrls } = ATTRIBUTES;
  const memberAttributes = { name, clientUrls };
  const operation =
    form === "wrapped"
      ? ({ case: "v2", value: v2 } as const)
      : ({ case: "clusterMemberAttrSet", value: { memberId: id, memberAttributes } } as const);
  return encodeInternalRaftRequest(createInternalRaftRequest({ operation }));
}

test.each(["wrapped", "bare", "typed"] as const)(
  "what this member says of itself brings all records into order (%s)",
  (form) => {
    const log = new MemoryLog();
    const { applier, close } = withOldRecords(log);
    const self = applier.memberId;
    applier.apply(createEntry({ index: 1, term: 1 }), publication(self, form), 0);
    expect(applier.records.members()).toEqual([
      memberOf(1n, ATTRIBUTES),
      memberOf(2n, { name: "other" }),
    ]);
    expect(log.lines).toContainEqual(
      expect.objectContaining({ message: "Removing zombie member from v3store" }),
    );
    close();
  },
);

test("what another one says changes its record alone", () => {
  const { applier, close } = withOldRecords();
  applier.apply(createEntry({ index: 1, term: 1 }), publication(2n, "wrapped"), 0);
  expect(applier.records.members()).toEqual([memberOf(1n), memberOf(2n, ATTRIBUTES), memberOf(3n)]);
  close();
});

test("an entry whose effect the database holds already does not change it", () => {
  const { applier, close } = withOldRecords();
  applier.apply(createEntry({ index: 5, term: 1 }), publication(2n, "wrapped"), 0);
  const before = applier.records.members();
  applier.apply(createEntry({ index: 4, term: 1 }), publication(1n, "wrapped"), 0);
  expect(applier.cluster.member(1n)?.name).toBe("self");
  expect(applier.records.members()).toEqual(before);
  close();
});
