/** MoveLeader, Downgrade, Status and Alarm against the real etcd: the same answers to the same calls. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import {
  AlarmAction,
  AlarmType,
  createDeleteRangeRequest,
  createPutRequest,
  createRangeRequest,
  createRequestOp,
  DowngradeAction,
  type RequestOp,
} from "../../src/wire/gen/rpc.ts";
import {
  ClusterService,
  KVService,
  LeaseService,
  MaintenanceService,
} from "../../src/wire/gen/services.ts";
import { REFERENCE } from "../harness/reference.ts";
import { callOne, type RunningServer, ServerPair } from "../harness/server-pair.ts";
import { runToFailure } from "../harness/start-failure.ts";

const KEY = bytesFromLatin1("key");
const { moveLeader, downgrade, status, alarm } = MaintenanceService;

const TARGETS = [
  ...["", "3", "3.4", "3.4.", "3.4.0", "3.4.99", "3.4.0-rc1", "3.4.0+b", "03.4.0", "3.4.0-"],
  ...["3.5.0", "3.6.0", "3.3.0", "4.4.0", "2.4.0", "v3.4.0", "x", ".4.0", "-3.4.0", "3.4.0.0"],
  ...["3.4.0-ä", "3.9999999999999999999.0", "3.4.9999999999999999999"],
];

describe.skipIf(REFERENCE === undefined)("maintenance calls", { timeout: 60_000 }, () => {
  let pair: ServerPair;
  let memberId = 0n;

  beforeAll(async () => {
    pair = await ServerPair.start();
    const put = await pair.same(KVService.put, { key: KEY, value: KEY });
    memberId = "response" in put ? (put.response.header?.memberId ?? 0n) : 0n;
    expect(memberId).not.toBe(0n);
  }, 60_000);

  afterAll(() => pair.remove());

  test("MoveLeader to itself, to nobody and to somebody unknown", async () => {
    expect(await pair.same(moveLeader, { targetId: memberId })).toEqual({ response: {} });
    expect(await pair.same(moveLeader, {})).toHaveProperty("code", 9);
    expect(await pair.same(moveLeader, { targetId: 12345n })).toHaveProperty("code", 9);
  });

  test("Status, every field", async () => {
    const [real, ours] = await Promise.all([
      callOne(pair.real, status),
      callOne(pair.ours, status),
    ]);
    if (!("response" in real) || !("response" in ours)) throw new Error("Status failed");
    // Pages of the database are laid out differently; the number of elections may differ.
    for (const { response } of [real, ours]) {
      expect(response.dbSize).toBeGreaterThan(0);
      expect(response.dbSizeInUse).toBeGreaterThan(0);
      expect(response.dbSizeInUse).toBeLessThanOrEqual(response.dbSize);
      expect(response.header?.raftTerm).toBe(response.raftTerm);
    }
    const { dbSize, dbSizeInUse, raftTerm, header } = ours.response;
    expect(ours.response).toEqual({ ...real.response, dbSize, dbSizeInUse, raftTerm, header });
    expect(real.response.raftIndex).toBe(real.response.raftAppliedIndex);
  });

  test("Downgrade: what may be asked for", async () => {
    for (const action of [DowngradeAction.VALIDATE, DowngradeAction.CANCEL, 3, -1]) {
      for (const version of TARGETS) await pair.same(downgrade, { action, version });
    }
    for (const version of TARGETS.filter((target) => !target.includes("3.4"))) {
      if (version === "03.4.0") continue;
      await pair.same(downgrade, { action: DowngradeAction.ENABLE, version });
    }
  });

  test("alarms: every action, type and member", async () => {
    const members = [0n, memberId, 7n];
    const types = [AlarmType.NONE, AlarmType.NOSPACE, AlarmType.CORRUPT];
    const everywhere = async (action: AlarmAction): Promise<void> => {
      for (const member of members) {
        for (const type of types) await pair.same(alarm, { action, memberId: member, alarm: type });
      }
    };
    await everywhere(AlarmAction.GET);
    await everywhere(AlarmAction.DEACTIVATE);
    for (const member of members) {
      for (const type of types) {
        await pair.same(alarm, { action: AlarmAction.ACTIVATE, memberId: member, alarm: type });
        await pair.same(alarm, { action: AlarmAction.ACTIVATE, memberId: member, alarm: type });
        await everywhere(AlarmAction.GET);
        await pair.samePage("/health");
        await pair.same(alarm, { action: AlarmAction.DEACTIVATE, memberId: member, alarm: type });
        await pair.same(alarm, { action: AlarmAction.DEACTIVATE, memberId: member, alarm: type });
      }
    }
    expect(await pair.samePage("/health")).toMatchObject({ status: 200 });
    const all = types.flatMap((type) =>
      members.map((member) => ({ memberId: member, alarm: type })),
    );
    for (const raised of all) await pair.same(alarm, { ...raised, action: AlarmAction.ACTIVATE });
    for (const type of types) {
      const [real, ours] = [
        await alarmsOf(pair.real, type),
        await alarmsOf(pair.ours, type),
      ] as const;
      expect(ours).toEqual(real);
      expect(real).toHaveLength(type === AlarmType.NONE ? 6 : 3);
    }
    await everywhere(AlarmAction.DEACTIVATE);
    await pair.same(alarm);
  });

  test("what a CORRUPT alarm refuses, and what it lets through", async () => {
    const lease = 99n;
    await pair.same(LeaseService.leaseGrant, { id: lease, ttl: 1000 });
    const corrupt = { memberId, alarm: AlarmType.CORRUPT };
    await pair.same(alarm, { ...corrupt, action: AlarmAction.ACTIVATE });
    const put = op({ case: "requestPut", value: createPutRequest({ key: KEY, value: KEY }) });
    const get = op({ case: "requestRange", value: createRangeRequest({ key: KEY }) });
    const remove = op({
      case: "requestDeleteRange",
      value: createDeleteRangeRequest({ key: KEY }),
    });
    const { put: putMethod, range, deleteRange, txn, compact } = KVService;
    const txnOf = (...success: RequestOp[]) => pair.same(txn, { success });
    const answers = [
      await pair.same(putMethod, { key: KEY }),
      await pair.same(deleteRange, { key: KEY }),
      await txnOf(put),
      await txnOf(remove),
      await pair.same(compact, { revision: 2 }),
      await pair.same(LeaseService.leaseGrant, { id: 100n, ttl: 1000 }),
      await pair.same(LeaseService.leaseRevoke, { id: lease }),
    ];
    for (const answer of answers) expect(answer).toHaveProperty("code", 15);
    const served = [
      await pair.same(range, { key: KEY }),
      await pair.same(range, { key: KEY, serializable: true }),
      await txnOf(get),
      await txnOf(),
      await pair.same(LeaseService.leaseTimeToLive, { id: 12n, keys: true }),
      await pair.same(LeaseService.leaseLeases),
      await pair.same(ClusterService.memberList),
      await pair.same(MaintenanceService.hashKV),
      await pair.same(moveLeader, { targetId: memberId }),
      await pair.same(downgrade, { action: DowngradeAction.VALIDATE, version: "3.4.0" }),
    ];
    for (const answer of served) expect(answer).toHaveProperty("response");
    const ofBoth = [await callOne(pair.real, status), await callOne(pair.ours, status)];
    const errors = ofBoth.map((ended) => ("response" in ended ? ended.response.errors : []));
    expect(errors[1]).toEqual(errors[0]);
    expect(await pair.samePage("/health")).toMatchObject({ status: 503 });
    await pair.samePage("/health?exclude=CORRUPT");
    await pair.samePage("/health?exclude=NOSPACE");
    await pair.samePage("/health?serializable=true");
    expect(await pair.samePage("/readyz/data_corruption")).toMatchObject({ status: 503 });
    await pair.samePage("/livez?verbose");

    pair = await pair.restart({ alarms: ["CORRUPT"] });
    expect(await pair.same(putMethod, { key: KEY })).toHaveProperty("code", 15);
    await pair.same(alarm, { ...corrupt, action: AlarmAction.DEACTIVATE });
    expect(await pair.same(putMethod, { key: KEY })).toHaveProperty("response");
    await pair.same(LeaseService.leaseRevoke, { id: lease });
  });

  test("a downgrade begins, refuses others, ends, and keeps this version from starting", async () => {
    const during = async (): Promise<void> => {
      for (const action of [DowngradeAction.VALIDATE, DowngradeAction.ENABLE]) {
        for (const version of ["3.4.0", "3.3.0", "x"]) {
          await pair.same(downgrade, { action, version });
        }
      }
    };
    const enable = { action: DowngradeAction.ENABLE, version: "3.4.7" };
    const cancel = { action: DowngradeAction.CANCEL };
    // The real one does it, and lets the call time out.
    const timedOut = [callOne(pair.real, downgrade, enable)];
    expect(await callOne(pair.ours, downgrade, enable)).toHaveProperty("response.version", "3.5.0");
    await untilRefused(pair, { action: DowngradeAction.VALIDATE, version: "3.4.0" });
    await during();
    timedOut.push(callOne(pair.real, downgrade, cancel));
    expect(await callOne(pair.ours, downgrade, cancel)).toHaveProperty("response.version", "3.5.0");
    await untilRefused(pair, cancel);
    for (const answer of await Promise.all(timedOut)) {
      expect(answer).toEqual({ code: 14, text: "etcdserver: request timed out" });
    }
    await pair.same(downgrade, { action: DowngradeAction.VALIDATE, version: "3.4.0" });

    pair = await pair.restart();
    await pair.same(downgrade, cancel);
    expect(await callOne(pair.ours, downgrade, enable)).toHaveProperty("response");
    await pair.ours.server.stop();
    const { code, output } = await runToFailure(pair.ours.server.dataDir);
    expect(code).toBe(1);
    expect(output).toContain("server version is not allowed to join when downgrade is enabled");
  });
});

function op(request: RequestOp["request"]): RequestOp {
  return createRequestOp({ request });
}

/** Alarms of a type, sorted: the real one lists them in any order. */
async function alarmsOf(server: RunningServer, type: AlarmType): Promise<string[]> {
  const ended = await callOne(server, alarm, { action: AlarmAction.GET, alarm: type });
  if (!("response" in ended)) throw new Error(ended.text);
  return ended.response.alarms.map((raised) => `${raised.memberId} ${raised.alarm}`).sort();
}

/** Asks the real one until it refuses the call: what was asked before has been carried out. */
async function untilRefused(pair: ServerPair, request: object): Promise<void> {
  const deadline = Date.now() + 5000;
  while (Date.now() < deadline) {
    if ("code" in (await callOne(pair.real, downgrade, request))) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("The real etcd has not carried out a downgrade call");
}
