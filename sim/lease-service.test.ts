/**
 * The Lease service over frames in memory, on a whole member on a simulated disk and clock: what the
 * conversation with the real etcd (test/interop/lease.test.ts) cannot bring about at will.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NOBODY } from "../src/api/context.ts";
import { RpcMetrics } from "../src/api/rpc-metrics.ts";
import { MetricsRegistry } from "../src/stdx/metrics/registry.ts";
import { keepAliveMethod } from "../src/api/lease-keep-alive.ts";
import { leaseMethods } from "../src/api/lease.ts";
import {
  openRawConnection,
  NO_DEADLINE,
  type RawConnection,
} from "../src/client/raw-connection.ts";
import { GrpcCode } from "../src/errors/codes.ts";
import { Errors } from "../src/errors/table.ts";
import type { GrpcClientCall } from "../src/http2/grpc-client-types.ts";
import { noNetwork } from "./no-network.ts";
import { ClusterLeases } from "../src/server/cluster/cluster-leases.ts";
import { Prng } from "../src/stdx/prng.ts";
import { createMessage, MessageType } from "../src/wire/gen/raft.ts";
import {
  AlarmType,
  createLeaseGrantRequest,
  createLeaseKeepAliveRequest,
  createLeaseTimeToLiveRequest,
  decodeLeaseGrantResponse,
  decodeLeaseKeepAliveResponse,
  decodeLeaseLeasesResponse,
  encodeLeaseGrantRequest,
  encodeLeaseKeepAliveRequest,
  encodeLeaseTimeToLiveRequest,
} from "../src/wire/gen/rpc.ts";
import { MemoryNetwork, MemoryServer } from "../test/harness/memory-grpc.ts";
import { SimulatedDisk } from "./disk.ts";
import { SimulatedMember } from "./simulated-member.ts";

const KEEP_ALIVE = "/etcdserverpb.Lease/LeaseKeepAlive";

const TTL_SECONDS = 2;
const ELECTION_MS = 1000;

/** Later than the time at which the lease expires, by the clock that renewals are told. */
const LATE_MS = 3000;

interface Ended {
  readonly code: number;
  readonly text: string;
  readonly body: Uint8Array | undefined;
}

/** A keep-alive stream and what came of it. */
class Stream {
  /** Times to live, in the order of the answers, each with its id. */
  readonly answers: string[] = [];
  ended: { readonly code: number; readonly text: string } | undefined;
  readonly call: GrpcClientCall;

  constructor({ grpc, metadata }: RawConnection) {
    this.call = grpc.stream(KEEP_ALIVE, metadata, {
      onMessage: (_, message) => {
        const { id, ttl } = decodeLeaseKeepAliveResponse(message);
        this.answers.push(`${id}:${ttl}`);
      },
      onStatus: (_, { code, message }) => {
        this.ended = { code, text: message };
      },
    });
  }

  send(...ids: readonly bigint[]): void {
    for (const id of ids) {
      this.call.sendMessage(encodeLeaseKeepAliveRequest(createLeaseKeepAliveRequest({ id })));
    }
  }
}

describe("the Lease service", () => {
  let member: SimulatedMember;
  let raw: RawConnection;
  /** How far the clock that the service sees is ahead. */
  let aheadMs: number;

  beforeEach(async () => {
    await serve({});
  });

  afterEach(() => {
    raw.close();
  });

  async function serve(
    overrides: { quotaBackendBytes?: number },
    waitingMax?: number,
  ): Promise<void> {
    aheadMs = 0;
    member = new SimulatedMember(new SimulatedDisk({ random: new Prng(3) }), 1_000_000);
    expect(await member.start(new Prng(1), overrides)).toBe(true);
    const { clusterId } = member.host;
    const { backups } = member.host.current;
    const clock = {
      nowMs: () => member.nowMs + aheadMs,
      after: (delayMs: number, run: () => void) => member.clock.after(delayMs, run),
    };
    const network = noNetwork((run) => member.clock.defer(run));
    const poke = (): void => member.host.poke();
    const leases = new ClusterLeases({ member: member.host.member, network, clock, poke });
    const { reads } = member.host;
    const callers = NOBODY;
    const rpcs = new RpcMetrics(new MetricsRegistry(), undefined);
    const own = { member: member.host.member, clusterId, leases, backups };
    const context = { ...own, callers, reads, rpcs };
    const methods = Object.fromEntries(leaseMethods(context));
    if (waitingMax !== undefined) methods[KEEP_ALIVE] = keepAliveMethod(context, waitingMax);
    const clients = new MemoryNetwork();
    clients.servers.set("one:1", new MemoryServer(member.clock, {}, methods));
    const opening = openRawConnection({
      endpoint: "one:1",
      connector: clients,
      clock: member.clock,
      onClosed: () => undefined,
    });
    let opened: RawConnection | undefined;
    void opening.then((connection) => {
      opened = connection;
    });
    await settle(() => opened !== undefined);
    raw = await opening;
    // From the first tick on it takes its leadership for granted.
    await member.pass(150);
  }

  /** Lets frames travel and the member work until `holds`. */
  async function settle(holds: () => boolean): Promise<void> {
    for (let turns = 0; turns < 5000 && !holds(); turns++) {
      member.host.poke();
      await member.until(() => true);
      await new Promise((resolve) => setImmediate(resolve));
      await member.pass(1);
    }
    expect(holds()).toBe(true);
  }

  /** Lets frames travel, as long as it takes, with time standing still. */
  async function travel(): Promise<void> {
    for (let turns = 0; turns < 200; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      member.clock.runDeferred();
    }
  }

  /** Another member has been elected, it says. */
  function depose(): void {
    const { id, term } = member.host.member.status();
    const type = MessageType.MsgHeartbeat;
    member.host.member.step(createMessage({ type, from: id + 1n, to: id, term: term + 1 }));
    member.host.poke();
  }

  function grant(id: bigint, ttl = TTL_SECONDS): Promise<Ended> {
    const body = encodeLeaseGrantRequest(createLeaseGrantRequest({ id, ttl }));
    return ask("/etcdserverpb.Lease/LeaseGrant", body);
  }

  function timeToLive(id: bigint): Promise<Ended> {
    const body = encodeLeaseTimeToLiveRequest(createLeaseTimeToLiveRequest({ id }));
    return ask("/etcdserverpb.Lease/LeaseTimeToLive", body);
  }

  async function listed(): Promise<bigint[]> {
    const { body } = await ask("/etcdserverpb.Lease/LeaseLeases", new Uint8Array());
    return decodeLeaseLeasesResponse(body ?? new Uint8Array()).leases.map(({ id }) => id);
  }

  async function ask(path: string, body: Uint8Array): Promise<Ended> {
    let ended: Ended | undefined;
    raw.grpc.unary(path, raw.metadata, body, NO_DEADLINE, ({ code, message }, answer) => {
      ended = { code, text: message, body: answer?.slice() };
    });
    await settle(() => ended !== undefined);
    if (ended === undefined) throw new Error("No answer");
    return ended;
  }

  test("chooses positive ids of its own, each once", async () => {
    const ids = new Set<bigint>();
    for (let at = 0; at < 20; at++) {
      const { body } = await grant(0n);
      const { id } = decodeLeaseGrantResponse(body ?? new Uint8Array());
      expect(id).toBeGreaterThan(0n);
      expect(id).toBeLessThan(2n ** 63n);
      ids.add(id);
    }
    expect(ids.size).toBe(20);
  });

  test("renews in order, with no entry of the log", async () => {
    await grant(7n);
    await grant(8n, 50);
    const { committedIndex } = member.host.member.status();
    const stream = new Stream(raw);
    for (let round = 0; round < 2000; round++) stream.send(7n, 404n, 8n);
    await travel();
    const expected = Array.from({ length: 2000 }, () => ["7:2", "404:0", "8:50"]).flat();
    expect(stream.answers).toEqual(expected);
    expect(member.host.member.status().committedIndex).toBe(committedIndex);
    stream.call.halfClose();
    await travel();
    expect(stream.ended).toEqual({ code: GrpcCode.OK, text: "" });
  });

  test("holds what comes behind a lease that is being revoked, and goes on after it", async () => {
    await grant(7n);
    await grant(8n, 50);
    aheadMs = LATE_MS;
    const stream = new Stream(raw);
    stream.send(7n, 8n, 404n, 7n);
    await settle(() => true);
    await travel();
    expect(stream.answers).toEqual([]);
    stream.send(8n);
    stream.call.halfClose();
    await settle(() => stream.ended !== undefined);
    expect(member.nowMs).toBeGreaterThanOrEqual(TTL_SECONDS * 1000);
    expect(stream.answers).toEqual(["7:0", "8:50", "404:0", "7:0", "8:50"]);
    expect(stream.ended).toEqual({ code: GrpcCode.OK, text: "" });
  });

  test("a stream that is cancelled while its renewal waits leaves the rest alone", async () => {
    await grant(7n);
    aheadMs = LATE_MS;
    const [gone, stays] = [new Stream(raw), new Stream(raw)];
    gone.send(7n, 7n);
    stays.send(7n);
    await settle(() => true);
    gone.call.cancel();
    await settle(() => stays.answers.length > 0);
    expect(stays.answers).toEqual(["7:0"]);
    expect(gone.answers).toEqual([]);
  });

  test("more renewals than may wait end their stream, and make room for others", async () => {
    raw.close();
    await serve({}, 1000);
    const send = async (count: number): Promise<Stream> => {
      const stream = new Stream(raw);
      for (let at = 0; at < count; at++) stream.send(7n);
      await travel();
      return stream;
    };
    await grant(7n);
    aheadMs = LATE_MS;
    const { code, message } = Errors.TooManyRequests;
    // One is being renewed, a thousand wait.
    expect((await send(1002)).ended).toEqual({ code, text: message });
    const cancelled = await send(901);
    const waits = await send(101);
    expect((await send(2)).ended).toEqual({ code, text: message });
    cancelled.call.cancel();
    const waitsToo = await send(901);
    expect([waits.ended, waitsToo.ended]).toEqual([undefined, undefined]);
    await settle(() => waitsToo.answers.length === 901);
    expect(waits.answers).toHaveLength(101);
    aheadMs = 0;
    expect((await send(5000)).answers).toHaveLength(5000);
  });

  test.each([100, 7000])("lists %i leases, those that expire first at the front", async (count) => {
    const { lessor } = member.host.member.applier;
    for (let id = 1; id <= count; id++) lessor.grant(BigInt(id), 1000 + ((id - 1) % 50), 0);
    const lists = [listed(), listed()];
    await travel();
    // Comes while the list is made, and knows of another lease.
    const late = grant(999_999n, 5000).then(() => listed());
    const [first, second, third] = await Promise.all([...lists, late]);
    const ttlOf = (id: bigint): number => 1000 + ((Number(id) - 1) % 50);
    expect([...first].sort((a, b) => ttlOf(a) - ttlOf(b))).toEqual(first);
    expect(new Set(first).size).toBe(count);
    expect(second).toEqual(first);
    expect(third.at(-1)).toBe(999_999n);
    expect(third).toHaveLength(count + 1);
  });

  test("a client that does not read gets everything later", async () => {
    await grant(7n, 1000);
    const stream = new Stream(raw);
    stream.call.setReceiving(false);
    const count = 150_000;
    for (let at = 0; at < count; at++) stream.send(7n);
    await travel();
    // The windows of the client are full: the server has stopped answering, and taking.
    const before = stream.answers.length;
    expect(before).toBeLessThan(count);
    stream.call.setReceiving(true);
    stream.call.halfClose();
    await settle(() => stream.ended !== undefined);
    expect(stream.ended).toEqual({ code: GrpcCode.OK, text: "" });
    expect(stream.answers).toHaveLength(count);
  });

  test("bytes that are no request end the stream", async () => {
    const stream = new Stream(raw);
    stream.call.sendMessage(Uint8Array.of(0x0a));
    await travel();
    expect(stream.ended?.code).toBe(GrpcCode.Internal);
    expect(stream.ended?.text).toContain("grpc: failed to unmarshal the received message: ");
  });

  test("a leader that is deposed renews nothing, forgets all expiries, and starts anew when it leads again", async () => {
    await grant(7n);
    await grant(8n, 50);
    const { lessor } = member.host.member.applier;
    aheadMs = LATE_MS;
    const waiting = new Stream(raw);
    waiting.send(7n);
    await settle(() => true);
    aheadMs = 0;
    depose();
    await settle(() => !lessor.isPrimary);
    const other = new Stream(raw);
    other.send(8n);
    await travel();
    // Whoever leads now cannot be asked; both wait for a leader.
    expect([waiting.answers, other.answers]).toEqual([[], []]);
    expect([...lessor.leases()].map(({ expiryMs }) => expiryMs)).toEqual([Infinity, Infinity]);
    // Nobody else can lead: it is elected again, and both leases have their time, and a bit more.
    await settle(() => lessor.isPrimary);
    const left = (id: bigint): number => (lessor.lease(id)?.expiryMs ?? 0) - member.nowMs;
    expect(left(7n)).toBeGreaterThan(TTL_SECONDS * 1000);
    expect(left(7n)).toBeLessThanOrEqual(TTL_SECONDS * 1000 + ELECTION_MS);
    expect(left(8n)).toBeGreaterThan(50_000);
    await settle(() => waiting.answers.length > 0 && other.answers.length > 0);
    expect([waiting.answers, other.answers]).toEqual([["7:2"], ["8:50"]]);
    expect((await timeToLive(8n)).code).toBe(GrpcCode.OK);
    await settle(() => !lessor.exists(7n));
    expect(lessor.exists(8n)).toBe(true);
  });

  test("a full database grants nothing, renews and revokes", async () => {
    raw.close();
    await serve({ quotaBackendBytes: 20_000 });
    expect(await grant(7n)).toMatchObject({
      code: Errors.NoSpace.code,
      text: Errors.NoSpace.message,
    });
    const { alarms } = member.host.member.applier;
    await settle(() => alarms.isRaised(AlarmType.NOSPACE));
  });
});
