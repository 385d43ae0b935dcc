import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MemoryNetwork, MemoryServer } from "../../test/harness/memory-grpc.ts";
import { NO_DEADLINE, openRawConnection, type RawConnection } from "../client/raw-connection.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import { LeaderAbsence } from "../member/leader-absence.ts";
import { LEADERLESS_LOOKS_MAX } from "../member/limits.ts";
import type { ReadWaiter } from "../member/ready.ts";
import { systemClock } from "../platform/clock.ts";
import { Errors } from "../errors/table.ts";
import { createRangeRequest, encodeRangeRequest } from "../wire/gen/rpc.ts";
import { Admission } from "./admission.ts";
import type { Identifiable } from "./context.ts";

const RANGE = "/etcdserverpb.KV/Range";
const PUT = "/etcdserverpb.KV/Put";
const STATUS = "/etcdserverpb.Maintenance/Status";
const SNAPSHOT = "/etcdserverpb.Maintenance/Snapshot";
const WATCH = "/etcdserverpb.Watch/Watch";

const NO_LEADER = "14 etcdserver: no leader";
const LEARNER = "14 etcdserver: rpc not supported for learner";
const DONE = "0 ";

const PLAIN: readonly { readonly name: string; readonly value: string }[] = [];
const STRICT = [{ name: "hasleader", value: "true" }];
const UNKNOWN = [{ name: "token", value: "of another member" }];
const mustWait = (call: Identifiable): boolean => call.get("token") !== undefined;
const ANY: Uint8Array = new Uint8Array();

describe("Admission", () => {
  const member = {
    leader: 7n,
    isLearner: false,
    leaderAbsence: new LeaderAbsence(1),
    whenReadable: (waiter: ReadWaiter) => waiting.push(waiter),
  };
  /** Who waits until the member has applied what the cluster has. */
  let waiting: ReadWaiter[] = [];
  /** Streams that the service holds. */
  let held: GrpcServerCall[];
  let raw: RawConnection;

  beforeEach(async () => {
    held = [];
    waiting = [];
    Object.assign(member, { leader: 7n, isLearner: false, leaderAbsence: new LeaderAbsence(1) });
    const admission = new Admission({ member, callers: { mustWait } });
    const answering: GrpcMethodHandler = {
      kind: "unary",
      onMessage: (call) => call.sendUnary(ANY),
      onHalfClose: () => {},
      onCancel: () => {},
    };
    const streaming: GrpcMethodHandler = {
      kind: "stream",
      onCall: (call) => held.push(call),
      onMessage: (call, message) => call.sendMessage(message.slice()),
      onHalfClose: (call) => call.sendStatus(0, ""),
      onCancel: (call) => {
        held = held.filter((other) => other !== call);
      },
    };
    const methods = Object.fromEntries(
      [RANGE, PUT, STATUS, SNAPSHOT].map((path) => [path, admission.guard(path, answering)]),
    );
    methods[WATCH] = admission.guard(WATCH, streaming);
    const network = new MemoryNetwork();
    network.servers.set("one:1", new MemoryServer(systemClock, {}, methods));
    raw = await openRawConnection({
      endpoint: "one:1",
      connector: network,
      clock: systemClock,
      onClosed: () => {},
    });
  });

  afterEach(() => raw.close());

  const ask = (path: string, metadata = PLAIN, body = ANY): Promise<string> =>
    new Promise((resolve) => {
      raw.grpc.unary(path, metadata, body, NO_DEADLINE, ({ code, message }) =>
        resolve(`${code} ${message}`),
      );
    });

  /** Opens a stream; tells what has come of it whenever it is asked. */
  const open = async (metadata = PLAIN): Promise<() => string | undefined> => {
    let ended: string | undefined;
    let greet = (): void => {};
    const greeted = new Promise<void>((resolve) => {
      greet = resolve;
    });
    const call = raw.grpc.stream(WATCH, metadata, {
      onMessage: () => greet(),
      onStatus: (_, { code, message }) => {
        ended = `${code} ${message}`;
        greet();
      },
    });
    call.sendMessage(ANY);
    await greeted;
    return () => ended;
  };

  const lookForLeader = async (times: number): Promise<void> => {
    for (let look = 0; look < times; look++) member.leaderAbsence.tick(member.leader !== 0n);
    // Whatever was sent before has arrived when this is answered.
    await ask(STATUS);
  };

  test("lets everything through on a voter with a leader", async () => {
    expect(await ask(PUT, STRICT)).toBe(DONE);
    expect((await open(STRICT))()).toBeUndefined();
  });

  test("refuses what requires a leader while there is none", async () => {
    member.leader = 0n;
    expect(await ask(PUT)).toBe(DONE);
    expect(await ask(PUT, [{ name: "hasleader", value: "yes" }])).toBe(DONE);
    expect(await ask(PUT, STRICT)).toBe(NO_LEADER);
    expect(await ask(SNAPSHOT, STRICT)).toBe(NO_LEADER);
    expect((await open())()).toBeUndefined();
    expect((await open(STRICT))()).toBe(NO_LEADER);
    expect(held).toHaveLength(1);
  });

  test("ends streams that require a leader when there has been none for long, and only those", async () => {
    const [plain, first, second] = [await open(), await open(STRICT), await open(STRICT)];
    member.leader = 0n;
    await lookForLeader(LEADERLESS_LOOKS_MAX - 1);
    expect([first(), second()]).toEqual([undefined, undefined]);
    await lookForLeader(1);
    expect([plain(), first(), second()]).toEqual([undefined, NO_LEADER, NO_LEADER]);
    expect(held).toHaveLength(1);
    member.leader = 7n;
    const later = await open(STRICT);
    await lookForLeader(LEADERLESS_LOOKS_MAX);
    expect(later()).toBeUndefined();
  });

  test("a call waits until it is known who makes it", async () => {
    const put = ask(PUT, UNKNOWN, new Uint8Array([1, 2, 3]));
    const stream = open(UNKNOWN);
    // Whatever was sent before has arrived when this is answered.
    await ask(STATUS);
    expect(waiting).toHaveLength(2);
    expect(held).toHaveLength(0);
    for (const waiter of waiting) waiter.onReadable();
    expect(await put).toBe(DONE);
    // What came on the stream meanwhile is not lost.
    expect((await stream)()).toBeUndefined();
    expect(held).toHaveLength(1);
  });

  test("a call fails when it cannot be known who makes it", async () => {
    const put = ask(PUT, UNKNOWN);
    const stream = open(UNKNOWN);
    await ask(STATUS);
    for (const waiter of waiting) waiter.onFailed(Errors.Timeout);
    expect(await put).toBe("14 etcdserver: request timed out");
    expect((await stream)()).toBe("14 etcdserver: request timed out");
    expect(held).toHaveLength(0);
  });

  test("a learner answers its status, snapshots and serializable ranges", async () => {
    member.isLearner = true;
    const range = (serializable: boolean) =>
      encodeRangeRequest(createRangeRequest({ serializable }));
    expect(await ask(STATUS)).toBe(DONE);
    expect(await ask(SNAPSHOT)).toBe(DONE);
    expect(await ask(RANGE, PLAIN, range(true))).toBe(DONE);
    expect(await ask(RANGE, PLAIN, range(false))).toBe(LEARNER);
    expect(await ask(PUT, STRICT)).toBe(LEARNER);
    expect((await open())()).toBe(LEARNER);
    member.leader = 0n;
    expect(await ask(RANGE, STRICT, range(true))).toBe(NO_LEADER);
    expect(await ask(PUT, STRICT)).toBe(LEARNER);
  });
});
