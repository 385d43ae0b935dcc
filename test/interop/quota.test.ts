/**
 * The space quota against the real etcd: what is refused when it is used up, what always gets through, how it
 * goes on after the alarm is disarmed. Databases of the two differ in size, so that the quota is used up by one
 * put that is larger than all of it.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import {
  AlarmAction,
  AlarmType,
  createCompare,
  createDeleteRangeRequest,
  createPutRequest,
  createRangeRequest,
  createRequestOp,
  createTxnRequest,
  type RequestOp,
} from "../../src/wire/gen/rpc.ts";
import {
  ClusterService,
  KVService,
  LeaseService,
  MaintenanceService,
} from "../../src/wire/gen/services.ts";
import { REFERENCE } from "../harness/reference.ts";
import { callOne, type Ended, ServerPair } from "../harness/server-pair.ts";

const QUOTA_BYTES = 500_000;
const FLAGS = [`--quota-backend-bytes=${QUOTA_BYTES}`];
const OTHER_MEMBER = 7n;

const { put, range, deleteRange, txn, compact } = KVService;
const { leaseGrant, leaseRevoke, leaseTimeToLive, leaseLeases } = LeaseService;
const { alarm, status, hashKV } = MaintenanceService;

const key = bytesFromLatin1;
const VALUE = new Uint8Array(100);
const TOO_LARGE = new Uint8Array(QUOTA_BYTES + 1);

const putOp = (name: string, value = VALUE): RequestOp =>
  createRequestOp({
    request: { case: "requestPut", value: createPutRequest({ key: key(name), value }) },
  });
const getOp = (name: string): RequestOp =>
  createRequestOp({
    request: { case: "requestRange", value: createRangeRequest({ key: key(name) }) },
  });
const deleteOp = (name: string): RequestOp =>
  createRequestOp({
    request: { case: "requestDeleteRange", value: createDeleteRangeRequest({ key: key(name) }) },
  });
const txnOp = (...success: RequestOp[]): RequestOp =>
  createRequestOp({ request: { case: "requestTxn", value: createTxnRequest({ success }) } });

const NO_SPACE = { code: 8, text: "etcdserver: mvcc: database space exceeded" };

describe.skipIf(REFERENCE === undefined)("the space quota", { timeout: 60_000 }, () => {
  let pair: ServerPair;
  let memberId = 0n;

  beforeAll(async () => {
    pair = await ServerPair.start({ flags: FLAGS });
    for (let count = 0; count < 20; count++) {
      await pair.same(put, { key: key(`key${count % 10}`), value: VALUE });
    }
    for (const id of [1n, 2n]) {
      await pair.same(leaseGrant, { id, ttl: 1000 });
      await pair.same(put, { key: key(`leased${id}`), lease: id });
    }
    const members = await pair.same(ClusterService.memberList);
    memberId = "response" in members ? (members.response.members[0]?.id ?? 0n) : 0n;
  }, 60_000);

  afterAll(() => pair.remove());

  const refused = async (answer: Promise<Ended<unknown>>): Promise<void> => {
    expect(await answer).toEqual(NO_SPACE);
  };
  const served = async (answer: Promise<Ended<unknown>>): Promise<void> => {
    expect(await answer).toHaveProperty("response");
  };
  const disarm = (member: bigint) =>
    pair.same(alarm, {
      action: AlarmAction.DEACTIVATE,
      memberId: member,
      alarm: AlarmType.NOSPACE,
    });

  /** Waits until both have raised the alarm, which follows the refusal. */
  async function untilAlarm(): Promise<void> {
    for (const server of [pair.real, pair.ours]) {
      const deadline = Date.now() + 5000;
      for (;;) {
        const ended = await callOne(server, alarm);
        if ("response" in ended && ended.response.alarms.length > 0) break;
        if (Date.now() > deadline) throw new Error("No alarm was raised");
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
    expect(await pair.same(alarm)).toHaveProperty("response.alarms", [
      { memberId, alarm: AlarmType.NOSPACE },
    ]);
  }

  /** What holds while the alarm is raised, whether there is room or not. */
  async function expectRefusals(): Promise<void> {
    await refused(pair.same(put, { key: key("a"), value: VALUE }));
    await refused(pair.same(put, { key: key("key1"), ignoreValue: true }));
    await refused(pair.same(txn, { success: [putOp("a")] }));
    await refused(pair.same(txn, { success: [deleteOp("b"), putOp("a"), getOp("a")] }));
    // A branch that is not taken counts, too.
    await refused(pair.same(txn, { success: [deleteOp("a")], failure: [putOp("a")] }));
    await refused(pair.same(leaseGrant, { id: 100n, ttl: 1000 }));
    await refused(pair.same(leaseGrant, { id: 1n, ttl: 1000 }));
    const errors = [await callOne(pair.real, status), await callOne(pair.ours, status)].map(
      (ended) => ("response" in ended ? ended.response.errors : []),
    );
    expect(errors[1]).toEqual(errors[0]);
    expect(errors[1]).not.toEqual([]);
    expect(await pair.samePage("/health")).toMatchObject({ status: 503 });
    await pair.samePage("/health?exclude=NOSPACE");
  }

  test("a put without room is refused and raises the alarm", async () => {
    await served(pair.same(put, { key: key("a"), value: VALUE }));
    await refused(pair.same(put, { key: key("large"), value: TOO_LARGE }));
    await untilAlarm();
  });

  test("what is refused then", () => expectRefusals());

  test("what gets through", async () => {
    await served(pair.same(range, { key: key("key1") }));
    await served(pair.same(range, { key: key("key1"), serializable: true }));
    await served(pair.same(txn, { success: [getOp("key1")] }));
    await served(pair.same(txn, { compare: [createCompare({ key: key("key1") })] }));
    await served(pair.same(deleteRange, { key: key("key2") }));
    await served(pair.same(deleteRange, { key: key("none") }));
    await served(pair.same(txn, { success: [deleteOp("key3"), deleteOp("key4")] }));
    await served(pair.same(txn, { success: [deleteOp("key5"), getOp("key5")] }));
    // Puts in a transaction inside cost nothing, as in etcd.
    await served(pair.same(txn, { success: [txnOp(putOp("nested"))] }));
    await served(pair.same(compact, { revision: 10 }));
    await served(pair.same(compact, { revision: 12, physical: true }));
    await served(pair.same(leaseRevoke, { id: 2n }));
    await served(pair.same(leaseTimeToLive, { id: 2n, keys: true }));
    await served(pair.same(leaseLeases));
    await served(pair.same(hashKV));
    await served(pair.same(range, { key: key("\0"), rangeEnd: key("\0") }));
  });

  test("all that holds after a restart, too", async () => {
    pair = await pair.restart({ flags: FLAGS, alarms: ["NOSPACE"] });
    await untilAlarm();
    await expectRefusals();
    await served(pair.same(deleteRange, { key: key("key6") }));
  });

  test("the alarm of one member stops all, and ends when each is disarmed", async () => {
    const other = { memberId: OTHER_MEMBER, alarm: AlarmType.NOSPACE };
    await served(pair.same(alarm, { ...other, action: AlarmAction.ACTIVATE }));
    await served(disarm(memberId));
    await refused(pair.same(put, { key: key("a"), value: VALUE }));
    await served(disarm(OTHER_MEMBER));
    await served(pair.same(put, { key: key("a"), value: VALUE }));
    await served(pair.same(txn, { success: [putOp("b")] }));
    await served(pair.same(leaseGrant, { id: 100n, ttl: 1000 }));
    expect(await pair.samePage("/health")).toMatchObject({ status: 200 });
  });

  test("a transaction without room raises the alarm again, in either branch", async () => {
    for (const branch of ["success", "failure"] as const) {
      await refused(pair.same(txn, { [branch]: [putOp("large", TOO_LARGE)] }));
      await untilAlarm();
      await refused(pair.same(put, { key: key("a"), value: VALUE }));
      await served(disarm(memberId));
      await served(pair.same(put, { key: key("a"), value: VALUE }));
    }
  });
});

describe.skipIf(REFERENCE === undefined)("filling the quota", { timeout: 60_000 }, () => {
  let pair: ServerPair;

  beforeAll(async () => {
    pair = await ServerPair.start({ flags: ["--quota-backend-bytes=4000000"] });
  }, 60_000);

  afterAll(() => pair.remove());

  test("ends with a refusal, compaction gets through, and a larger quota lets it go on", async () => {
    const value = new Uint8Array(50_000);
    const counts: number[] = [];
    for (const server of [pair.real, pair.ours]) {
      let count = 0;
      for (; count < 200; count++) {
        const ended = await callOne(server, put, { key: key("key"), value });
        if ("code" in ended) {
          expect(ended).toEqual(NO_SPACE);
          break;
        }
      }
      counts.push(count);
      expect(await callOne(server, deleteRange, { key: key("key") })).toHaveProperty("response");
      const revision = count + 2;
      expect(await callOne(server, compact, { revision, physical: true })).toHaveProperty(
        "response",
      );
      const raised = { alarm: AlarmType.NOSPACE, action: AlarmAction.DEACTIVATE } as const;
      const own = await callOne(server, ClusterService.memberList);
      const memberId = "response" in own ? own.response.header?.memberId : undefined;
      await callOne(server, alarm, { ...raised, memberId: memberId ?? 0n });
      // The file is as large as before, and its free pages count: nothing fits.
      expect(await callOne(server, put, { key: key("key"), value })).toEqual(NO_SPACE);
    }
    pair = await pair.restart({ flags: ["--quota-backend-bytes=20000000"], alarms: ["NOSPACE"] });
    for (const server of [pair.real, pair.ours]) {
      // Raised again by the last put.
      expect(await callOne(server, put, { key: key("key"), value })).toEqual(NO_SPACE);
      const raised = await callOne(server, alarm);
      for (const { memberId } of "response" in raised ? raised.response.alarms : []) {
        const action = AlarmAction.DEACTIVATE;
        await callOne(server, alarm, { memberId, alarm: AlarmType.NOSPACE, action });
      }
      expect(await callOne(server, put, { key: key("key"), value })).toHaveProperty("response");
    }
    // The size that counts is that of the last commit, so the moment depends on when that was.
    for (const count of counts) {
      expect(count).toBeGreaterThan(40);
      expect(count).toBeLessThan(200);
    }
  });
});
