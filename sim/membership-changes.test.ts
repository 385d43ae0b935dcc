/** Changes of the membership through one whole member: what whoever asks is told, and what stays. */
import { beforeEach, describe, expect, test } from "vitest";
import { EtcdError } from "../src/errors/etcd-error.ts";
import { Errors } from "../src/errors/table.ts";
import type { MembershipChange } from "../src/membership/conf-change.ts";
import type { MemberInfo } from "../src/membership/member-info.ts";
import { Prng } from "../src/stdx/prng.ts";
import { SimulatedDisk } from "./disk.ts";
import { SimulatedMember } from "./simulated-member.ts";

const LEARNER = 0xaan;
const OTHER = 0xbbn;

const learner = (id: bigint, url: string): MembershipChange => ({
  kind: "add",
  member: { id, peerUrls: [url], isLearner: true, name: "", clientUrls: [] },
});

describe("changes of the membership", () => {
  let disk: SimulatedDisk;
  let life: SimulatedMember;

  beforeEach(async () => {
    disk = new SimulatedDisk({ random: new Prng(1) });
    life = new SimulatedMember(disk, 1_700_000_000_000);
    expect(await life.start(new Prng(2))).toBe(true);
  });

  /** Asks for changes in one turn; what each was told, `undefined` for nothing yet. */
  const ask = (
    ...changes: MembershipChange[]
  ): (readonly MemberInfo[] | EtcdError | undefined)[] => {
    const told = changes.map((): readonly MemberInfo[] | EtcdError | undefined => undefined);
    for (const [at, change] of changes.entries()) {
      life.host.member.proposeMembershipChange(change, {
        onChanged: (result) => {
          expect(told[at]).toBeUndefined();
          told[at] = result;
        },
      });
    }
    life.host.poke();
    return told;
  };

  const change = async (asked: MembershipChange): Promise<readonly MemberInfo[] | EtcdError> => {
    const told = ask(asked);
    expect(await life.until(() => told[0] !== undefined)).toBe(true);
    return told[0] ?? [];
  };

  const idsOf = (result: readonly MemberInfo[] | EtcdError): readonly bigint[] | string =>
    result instanceof EtcdError ? result.message : result.map(({ id }) => id);

  test("tell the members after each, or why it is not made", async () => {
    const own = life.host.member.id;
    const url = "http://127.0.0.1:23810";
    expect(idsOf(await change(learner(LEARNER, url)))).toEqual([LEARNER, own]);
    expect(await change(learner(OTHER, url))).toBe(Errors.PeerUrlExist);
    expect(await change(learner(OTHER, "http://x:1"))).toBe(Errors.TooManyLearners);
    expect(await change({ kind: "promote", id: own })).toBe(Errors.NotLearner);
    expect(idsOf(await change({ kind: "remove", id: LEARNER }))).toEqual([own]);
    expect(await change({ kind: "remove", id: LEARNER })).toBe(Errors.MemberNotFound);
    expect(await change(learner(LEARNER, url))).toBe(Errors.MemberNotFound);
  });

  test("are made one at a time: who asks meanwhile is told that it took too long", async () => {
    const told = ask(learner(LEARNER, "http://a:1"), { kind: "remove", id: LEARNER });
    expect(await life.until(() => told[0] !== undefined)).toBe(true);
    expect(told[1]).toBeUndefined();
    expect(await life.pass(8_000)).toBe(true);
    // The learner counts, as by etcd, and is not there.
    expect(told[1]).toBe(Errors.TimeoutDueToConnectionLost);
    expect(idsOf(await change({ kind: "remove", id: LEARNER }))).toHaveLength(1);
  });

  test("outlive the member's process, also those that the snapshot of the log does not hold", async () => {
    await change(learner(LEARNER, "http://a:1"));
    await change({ kind: "remove", id: LEARNER });
    await change(learner(OTHER, "http://b:1"));
    await change({ kind: "remove", id: OTHER });
    await life.stop();
    life = new SimulatedMember(disk, 1_700_000_100_000);
    expect(await life.start(new Prng(3))).toBe(true);
    const { cluster } = life.host.member.applier;
    expect(cluster.removedIds()).toEqual([LEARNER, OTHER]);
    expect(cluster.members().map(({ id }) => id)).toEqual([life.host.member.id]);
  });
});
