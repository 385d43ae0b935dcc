import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ManualClock } from "../../sim/manual-clock.ts";
import type { MemoryLog } from "../../sim/memory-log.ts";
import { MemoryClients } from "../../test/harness/memory-client.ts";
import type { Answer, MemoryNetwork, MemoryServer } from "../../test/harness/memory-grpc.ts";
import { GrpcCode } from "../errors/codes.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { bytesFromUtf8 } from "../stdx/bytes.ts";
import { decodePutRequest, encodePutResponse, encodeRangeResponse } from "../wire/gen/rpc.ts";
import { createPutResponse, createRangeResponse } from "../wire/gen/rpc.ts";
import { AlarmAction, AlarmType, DowngradeAction } from "../wire/gen/rpc.ts";
import type { MethodInfo } from "../wire/codec.ts";
import { AuthService, KVService, MaintenanceService } from "../wire/gen/services.ts";
import { type Client, NoEndpointsError } from "./client.ts";
import { UnknownOutcomeError } from "./unknown-outcome.ts";
import { openRawConnection } from "./raw-connection.ts";

const RANGE = KVService.range.path;
const PUT = KVService.put.path;
const key = bytesFromUtf8("a");

const found: Answer = (call) =>
  call.sendUnary(encodeRangeResponse(createRangeResponse({ count: 7 })));
const stored: Answer = (call) => call.sendUnary(encodePutResponse(createPutResponse({})));
const fail =
  (code: number, message: string): Answer =>
  (call) =>
    call.sendStatus(code, message);

/** Answers by the next function of the list, and for ever by the last. */
function inTurn(...answers: Answer[]): Answer {
  let next = 0;
  return (call, request) => answers[Math.min(next++, answers.length - 1)](call, request);
}

let clients: MemoryClients;
let clock: ManualClock;
let network: MemoryNetwork;
let log: MemoryLog;

beforeEach(() => {
  clients = new MemoryClients();
  ({ clock, network, log } = clients);
});

afterEach(() => clients.close());

const serve: MemoryClients["serve"] = (...of) => clients.serve(...of);
const open: MemoryClients["open"] = (...of) => clients.open(...of);
const turns: MemoryClients["turns"] = (...of) => clients.turns(...of);
const untilSettled = <T>(promise: Promise<T>, stepMs?: number): Promise<T> =>
  clients.untilSettled(promise, stepMs);

describe("Client", () => {
  test("ends calls that come after it was closed", async () => {
    serve("one:1", { [RANGE]: found });
    const client = await open();
    client.close();
    const refused = client.kv.range({ key });
    await expect(untilSettled(refused)).rejects.toThrow("the client connection is closing");
  });

  test("calls a server and decodes its answer", async () => {
    serve("one:1", { [RANGE]: found });
    const client = await open();
    expect(await untilSettled(client.kv.range({ key }))).toMatchObject({ count: 7, kvs: [] });
    expect(log.lines).toEqual([]);
  });

  test("sends what it was given", async () => {
    let sent: unknown;
    serve("one:1", {
      [PUT]: (call, request) => {
        sent = [decodePutRequest(request), call.get("client-api-version"), call.get(":authority")];
        stored(call, request);
      },
    });
    const client = await open({ endpoints: ["http://one:1"] });
    await untilSettled(client.kv.put({ key, value: bytesFromUtf8("v"), lease: 5n }));
    expect(sent).toMatchObject([{ key, lease: 5n, prevKv: false }, "3.5", expect.anything()]);
  });

  test.each([
    ["http://one:1", "one:1", "one:1"],
    ["unix:one:1", "unix:one:1", "one:1"],
    ["unix:///run/etcd.sock", "unix:/run/etcd.sock", "etcd.sock"],
  ])("names the server to itself at %s as etcd's client does", async (endpoint, address, name) => {
    let authority: string | undefined;
    serve(address, {
      [PUT]: (call, request) => {
        authority = call.get(":authority");
        stored(call, request);
      },
    });
    const client = await open({ endpoints: [endpoint] });
    await untilSettled(client.kv.put({ key }));
    expect(authority).toBe(name);
  });

  test("throws the answer of the table of errors, and logs the failure as etcd does", async () => {
    serve("one:1", { [RANGE]: fail(Errors.Compacted.code, Errors.Compacted.message) });
    const client = await open();
    await expect(untilSettled(client.kv.range({ key }))).rejects.toBe(Errors.Compacted);
    expect(log.lines).toEqual([
      {
        level: "warn",
        message: "retrying of unary invoker failed",
        fields: {
          target: expect.stringMatching(/^etcd-endpoints:\/\/0x[0-9a-f]+\/one:1$/) as unknown,
          attempt: 0,
          error: `rpc error: code = OutOfRange desc = ${Errors.Compacted.message}`,
        },
      },
    ]);
  });

  test("shows a status that is in no table as gRPC prints it", async () => {
    serve("one:1", { [RANGE]: fail(GrpcCode.Internal, "out of order") });
    const client = await open();
    await expect(untilSettled(client.kv.range({ key }))).rejects.toEqual(
      new EtcdError(GrpcCode.Internal, "rpc error: code = Internal desc = out of order"),
    );
  });

  test("refuses to open without endpoints", async () => {
    await expect(open({ endpoints: [] })).rejects.toBeInstanceOf(NoEndpointsError);
  });

  test("repeats a read on an unavailable server, and only then", async () => {
    const server = serve("one:1", {
      [RANGE]: inTurn(fail(GrpcCode.Unavailable, "etcdserver: no leader"), found),
    });
    const client = await open();
    await untilSettled(client.kv.range({ key }));
    expect(server.calls).toEqual([RANGE, RANGE]);
  });

  test.each([GrpcCode.Unavailable, GrpcCode.Canceled, GrpcCode.DeadlineExceeded])(
    "never repeats a put that a server answered with code %d",
    async (code) => {
      const server = serve("one:1", { [PUT]: fail(code, "who knows") });
      const client = await open();
      await expect(untilSettled(client.kv.put({ key }))).rejects.toThrow("who knows");
      await turns(20, 10);
      expect(server.calls).toEqual([PUT]);
    },
  );

  test("repeats a put that was refused because users changed meanwhile, also without a user", async () => {
    const { code, message } = Errors.AuthOldRevision;
    const server = serve("one:1", { [PUT]: inTurn(fail(code, message), stored) });
    const client = await open();
    await untilSettled(client.kv.put({ key, value: bytesFromUtf8("v") }));
    expect(server.calls).toEqual([PUT, PUT]);
  });

  test("takes what a learner refuses to the next endpoint, if there is one", async () => {
    const { code, message } = Errors.NotSupportedForLearner;
    const learner = serve("one:1", { [PUT]: fail(code, message) });
    const alone = await open({ endpoints: ["one:1"] });
    const put = { key, value: bytesFromUtf8("v") };
    await expect(untilSettled(alone.kv.put(put))).rejects.toBe(Errors.NotSupportedForLearner);
    const voter = serve("two:2", { [PUT]: stored });
    const client = await open({ endpoints: ["one:1", "two:2"] });
    for (let round = 0; round < 3; round++) await untilSettled(client.kv.put(put));
    expect(voter.calls).toHaveLength(3);
    expect(learner.calls.length).toBeGreaterThan(1);
  });

  test("never repeats a put whose connection was lost while it was under way", async () => {
    const server: MemoryServer = serve("one:1", { [PUT]: () => server.cut() });
    const client = await open();
    const answer = untilSettled(client.kv.put({ key }));
    const text = "rpc error: code = Unavailable desc = error reading from server: EOF";
    await expect(answer).rejects.toEqual(
      new UnknownOutcomeError(new EtcdError(GrpcCode.Unavailable, text)),
    );
    await turns(20, 10);
    expect(server.calls).toEqual([PUT]);
  });

  test("says of a change that failed whether it may have been made", async () => {
    const answered = async (answer: Answer, options: { deadlineMs?: number } = {}) => {
      serve("one:1", { [PUT]: answer });
      const client = await open();
      return untilSettled(client.kv.put({ key }, options)).catch((error: unknown) => error);
    };
    const { Timeout, Stopped, NoSpace, NoLeader, PermissionDenied } = Errors;
    for (const { code, message } of [Timeout, Stopped]) {
      const error = await answered(fail(code, message));
      expect(error).toBeInstanceOf(UnknownOutcomeError);
      expect(error).toMatchObject({ code, message, name: "UnknownOutcomeError" });
    }
    for (const refusal of [NoSpace, NoLeader, PermissionDenied]) {
      expect(await answered(fail(refusal.code, refusal.message))).toBe(refusal);
    }
    const late = await answered(() => undefined, { deadlineMs: clock.nowMs() + 50 });
    expect(late).toMatchObject({ name: "UnknownOutcomeError", cause: Errors.DeadlineExceeded });
    serve("one:1", { [RANGE]: () => undefined });
    const reading = (await open()).kv.range({ key }, { deadlineMs: clock.nowMs() + 50 });
    await expect(untilSettled(reading)).rejects.toBe(Errors.DeadlineExceeded);
    const dead = await open({ endpoints: ["dead:1"] });
    const unsent = dead.kv.put({ key }, { deadlineMs: clock.nowMs() + 50 });
    await expect(untilSettled(unsent)).rejects.toBe(Errors.DeadlineExceeded);
  });

  test("never sends a call that is cancelled between the choice of a connection and its turn", async () => {
    const server = serve("one:1", { [PUT]: stored });
    const client = await open();
    await turns(10);
    const hand = new AbortController();
    const answer = client.kv.put({ key }, { signal: hand.signal });
    hand.abort();
    const error = await untilSettled(answer).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "EtcdError", message: "context canceled" });
    await turns(20, 10);
    expect(server.calls).toEqual([]);
  });

  test("ends a call at its deadline, with the reason why nothing was connected", async () => {
    const client = await open({ endpoints: ["dead:1"] });
    await turns(5);
    const answer = client.kv.range({ key }, { deadlineMs: clock.nowMs() + 50 });
    await expect(untilSettled(answer)).rejects.toThrow(/^context deadline exceeded$/);
    expect(log.lines[0].fields["error"]).toBe(
      "rpc error: code = DeadlineExceeded desc = latest balancer error: last connection error: " +
        'connection error: desc = "transport: Error while dialing: dial tcp dead:1: connect: ' +
        'connection refused"',
    );
  });

  test("ends a call at its deadline when the server does not answer", async () => {
    serve("one:1", { [PUT]: () => undefined });
    const client = await open();
    const answer = client.kv.put({ key }, { deadlineMs: clock.nowMs() + 50 });
    await expect(untilSettled(answer)).rejects.toMatchObject({
      message: "context deadline exceeded",
      code: GrpcCode.DeadlineExceeded,
    });
  });

  test("refuses a call whose deadline has passed, without a connection", async () => {
    const client = await open({ endpoints: ["dead:1"] });
    const answer = client.kv.range({ key }, { deadlineMs: clock.nowMs() });
    await expect(answer).rejects.toThrow(/^context deadline exceeded$/);
  });

  test("ends a call when its signal aborts: while it waits, and while it is under way", async () => {
    serve("one:1", { [PUT]: () => undefined });
    const waiting = await open({ endpoints: ["dead:1"] });
    const busy = await open();
    for (const client of [waiting, busy]) {
      const aborter = new AbortController();
      const answer = client.kv.put({ key }, { signal: aborter.signal });
      await turns(10);
      aborter.abort();
      await expect(untilSettled(answer)).rejects.toThrow(/^context canceled$/);
    }
    const aborted = busy.kv.put({ key }, { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toThrow(/^context canceled$/);
  });

  test("uses the endpoints in turn, and passes over one that is down", async () => {
    const one = serve("one:1", { [RANGE]: found });
    const two = serve("two:2", { [RANGE]: found });
    const client = await open({ endpoints: ["one:1", "dead:1", "two:2"] });
    await turns(20);
    for (let i = 0; i < 6; i++) await untilSettled(client.kv.range({ key }));
    expect([one.calls.length, two.calls.length]).toEqual([3, 3]);
  });

  test("goes elsewhere for a while when a server cannot reach a leader", async () => {
    const { code, message } = Errors.Timeout;
    const alone = serve("one:1", { [PUT]: fail(code, message), [RANGE]: fail(code, message) });
    const others = serve("two:2", { [PUT]: stored, [RANGE]: found });
    const client = await open({ endpoints: ["one:1", "two:2"] });
    await turns(20);
    const first = await Promise.allSettled([client.kv.put({ key }), turns(20)]);
    expect(first[0]).toMatchObject({ status: "rejected", reason: { name: "UnknownOutcomeError" } });
    for (let i = 0; i < 4; i++) await untilSettled(client.kv.put({ key }));
    expect([alone.calls.length, others.calls.length]).toEqual([1, 4]);
    await turns(60, 100);
    for (let i = 0; i < 2; i++) await untilSettled(client.kv.range({ key }), 10);
    expect(alone.calls.filter((path) => path === RANGE)).toHaveLength(1);
  });

  test("tries a read again for as long as it may take", async () => {
    const { code, message } = Errors.NoLeader;
    let isLed = false;
    const server = serve("one:1", {
      [RANGE]: (call, request) => (isLed ? found : fail(code, message))(call, request),
    });
    const client = await open();
    const reading = client.kv.range({ key }, { deadlineMs: clock.nowMs() + 60_000 });
    await turns(300, 100);
    isLed = true;
    await untilSettled(reading, 100);
    expect(server.calls.length).toBeLessThan(50);
  });

  describe("with a server that is silent", () => {
    let silent: MemoryServer;
    let lively: MemoryServer;
    let client: Client;

    beforeEach(async () => {
      silent = serve("one:1", { [RANGE]: () => undefined, [PUT]: () => undefined });
      lively = serve("two:2", { [RANGE]: found, [PUT]: stored });
      client = await open({ endpoints: ["one:1", "two:2"], hedgeMs: 300 });
      await turns(20);
    });

    test("asks another one for a read, and leaves the silent one alone for a while", async () => {
      await untilSettled(client.kv.range({ key }), 10);
      expect([silent.calls.length, lively.calls.length]).toEqual([1, 1]);
      for (let i = 0; i < 4; i++) await untilSettled(client.kv.put({ key }));
      expect([silent.calls.length, lively.calls.length]).toEqual([1, 5]);
      await turns(110, 100);
      for (let i = 0; i < 2; i++) await untilSettled(client.kv.range({ key }), 10);
      expect(silent.calls).toHaveLength(2);
    });

    test("makes a change of one alone, and goes elsewhere with the next", async () => {
      const deadlineMs = clock.nowMs() + 500;
      const first = untilSettled(client.kv.put({ key }, { deadlineMs }), 10);
      await expect(first).rejects.toBeInstanceOf(UnknownOutcomeError);
      for (let i = 0; i < 4; i++) await untilSettled(client.kv.put({ key }));
      expect([silent.calls.length, lively.calls.length]).toEqual([1, 4]);
    });

    test("asks it all the same when there is no other", async () => {
      lively.cut();
      network.servers.delete("two:2");
      await turns(20);
      for (let i = 0; i < 2; i++) {
        const late = client.kv.range({ key }, { deadlineMs: clock.nowMs() + 500 });
        await expect(untilSettled(late, 10)).rejects.toBe(Errors.DeadlineExceeded);
      }
      expect(silent.calls).toHaveLength(2);
    });

    test("ends both when the signal aborts", async () => {
      serve("two:2", { [RANGE]: () => undefined });
      lively.cut();
      await turns(20);
      const hand = new AbortController();
      const both = client.kv.range({ key }, { signal: hand.signal });
      await turns(50, 10);
      hand.abort();
      await expect(untilSettled(both, 0)).rejects.toThrow(/^context canceled$/);
    });

    test("waits for a server that is slow, but is heard of", async () => {
      const slow = serve("one:1", {
        [RANGE]: (call, request) => void clock.after(2000, () => found(call, request)),
        [PUT]: stored,
      });
      silent.cut();
      await turns(20);
      const reading = client.kv.range({ key });
      for (let i = 0; i < 6; i++) {
        await untilSettled(client.kv.put({ key }));
        await turns(5, 10);
      }
      await untilSettled(reading, 20);
      expect(slow.calls.filter((path) => path === RANGE)).toHaveLength(1);
      expect(lively.calls.filter((path) => path === RANGE)).toHaveLength(0);
    });
  });

  test("connects again at once when a connection is lost, and by itself when a server comes", async () => {
    const one = serve("one:1", { [RANGE]: found });
    const client = await open();
    await untilSettled(client.kv.range({ key }));
    one.cut();
    await turns(20);
    await untilSettled(client.kv.range({ key }), 0);
    expect(one.connections).toBe(2);

    network.servers.clear();
    one.cut();
    await turns(20);
    const answer = client.kv.range({ key });
    const two = serve("one:1", { [RANGE]: found });
    // The first pause is one second, and a fifth of it at most is random.
    await turns(20, 79);
    expect(two.calls).toHaveLength(1);
    await answer;
  });

  test("pauses longer after each failed attempt, two minutes at most", async () => {
    await open({ endpoints: ["dead:1"] });
    const attemptsAt: number[] = [];
    let attempts = 0;
    for (let i = 0; i < 4000; i++) {
      await turns(1, 200);
      if (network.attempts.length > attempts) attemptsAt.push(clock.nowMs());
      attempts = network.attempts.length;
    }
    const pauses = attemptsAt.slice(1).map((at, i) => at - attemptsAt[i]);
    const expected = pauses.map((_, i) => Math.min(1000 * 1.6 ** i, 120_000));
    for (const [i, pause] of pauses.entries()) {
      expect(pause).toBeGreaterThanOrEqual(expected[i] * 0.8 - 400);
      expect(pause).toBeLessThanOrEqual(expected[i] * 1.2 + 400);
    }
    expect(pauses.length).toBeGreaterThan(10);
  });

  test("pauses between attempts as it was told", async () => {
    await open({ endpoints: ["dead:1"], reconnect: { firstMs: 100, longestMs: 400 } });
    await turns(1000, 10);
    // 10 s: the pauses are 100, 160, 256 and then 400 ms, give or take a fifth.
    expect(network.attempts.length).toBeGreaterThan(20);
    expect(network.attempts.length).toBeLessThan(35);
  });

  test("takes new calls to a new connection when a server drains", async () => {
    let release: (() => void) | undefined;
    const server = serve("one:1", {
      [PUT]: (call, request) => {
        release = () => stored(call, request);
      },
      [RANGE]: found,
    });
    const client = await open();
    const slow = client.kv.put({ key });
    await turns(10);
    server.drain();
    await turns(10);
    await untilSettled(client.kv.range({ key }));
    release?.();
    await untilSettled(slow);
    expect(server.connections).toBe(2);
    expect(log.lines).toEqual([]);
  });

  test("reaches https and TLS clients' endpoints by TLS, http never", async () => {
    const client = await open({ endpoints: ["https://one:1", "two:2"], secure: false });
    const other = await open({ endpoints: ["two:2"], secure: true });
    const plain = await open({ endpoints: ["http://three:3"], secure: true });
    const secures = network.attempts.map(({ address, secure }) => `${address} ${secure}`);
    expect(secures).toEqual(["one:1 true", "two:2 true", "two:2 true", "three:3 false"]);
    for (const each of [client, other, plain]) each.close();
  });
});

describe("Client with a user", () => {
  const { path: AUTHENTICATE, response } = AuthService.authenticate;
  const login: Answer = (call) => call.sendUnary(response.encode(response.create({ token: "t1" })));
  const user = { username: "root", password: "secret" };

  test("gets a token first and sends it with every call", async () => {
    const tokens: (string | undefined)[] = [];
    serve("one:1", {
      [AUTHENTICATE]: login,
      [RANGE]: (call, request) => {
        tokens.push(call.get("token"));
        found(call, request);
      },
    });
    const client = await open(user);
    await untilSettled(client.kv.range({ key }));
    expect(tokens).toEqual(["t1"]);
  });

  test("keeps sending the old token while it gets a new one, which it asks for without any", async () => {
    const tokens: (string | undefined)[] = [];
    const told =
      (answer: Answer): Answer =>
      (call, request) => {
        tokens.push(call.get("token"));
        answer(call, request);
      };
    serve("one:1", { [AUTHENTICATE]: told(login), [RANGE]: told(found) });
    const client = await open(user);
    const again = client.authenticate();
    await untilSettled(client.kv.range({ key }));
    await untilSettled(again);
    expect(tokens).toEqual([undefined, undefined, "t1"]);
  });

  test("gets a new token when the old one is refused, and repeats even a put", async () => {
    const server = serve("one:1", {
      [AUTHENTICATE]: login,
      [PUT]: inTurn(fail(Errors.InvalidAuthToken.code, Errors.InvalidAuthToken.message), stored),
    });
    const client = await open(user);
    await untilSettled(client.kv.put({ key }));
    expect(server.calls).toEqual([AUTHENTICATE, PUT, AUTHENTICATE, PUT]);
  });

  test("asks for one token when many calls are refused at once, and no longer than a call may take", async () => {
    const { code, message } = Errors.InvalidAuthToken;
    let tokens = 0;
    let isAnswered = true;
    let isRefused = (token: string | undefined): boolean => token === "t1";
    const server = serve("one:1", {
      [AUTHENTICATE]: (call) => {
        tokens++;
        if (isAnswered) call.sendUnary(response.encode(response.create({ token: `t${tokens}` })));
      },
      [RANGE]: (call, request) => {
        if (isRefused(call.get("token"))) call.sendStatus(code, message);
        else found(call, request);
      },
    });
    const client = await open(user);
    const many = Array.from({ length: 20 }, () => client.kv.range({ key }));
    await untilSettled(Promise.all(many));
    expect(tokens).toBe(2);
    expect(server.calls.filter((path) => path === RANGE)).toHaveLength(40);

    [isAnswered, isRefused] = [false, () => true];
    const late = client.kv.range({ key }, { deadlineMs: clock.nowMs() + 100 });
    await expect(untilSettled(late)).rejects.toBe(Errors.DeadlineExceeded);
    const hand = new AbortController();
    const left = client.kv.range({ key }, { signal: hand.signal });
    await turns(10);
    hand.abort();
    await expect(untilSettled(left, 0)).rejects.toThrow("context canceled");
    expect(tokens).toBe(3);
  });

  test("goes on without a token where authentication is off, and fails where it is refused", async () => {
    const off = fail(Errors.AuthNotEnabled.code, Errors.AuthNotEnabled.message);
    serve("one:1", { [AUTHENTICATE]: off, [RANGE]: found });
    const client = await open(user);
    await untilSettled(client.kv.range({ key }));

    serve("two:2", { [AUTHENTICATE]: fail(Errors.AuthFailed.code, Errors.AuthFailed.message) });
    await expect(open({ ...user, endpoints: ["two:2"] })).rejects.toBe(Errors.AuthFailed);
  });
});

describe("Maintenance", () => {
  test("asks each endpoint over a connection of its own", async () => {
    const { path, response } = MaintenanceService.status;
    const say =
      (version: string): Answer =>
      (call) =>
        call.sendUnary(response.encode(response.create({ version })));
    serve("one:1", { [path]: say("1") });
    serve("two:2", { [path]: say("2") });
    const client = await open({ endpoints: ["one:1", "two:2"] });
    const versions: string[] = [];
    for (const endpoint of ["two:2", "one:1", "two:2"]) {
      versions.push((await untilSettled(client.maintenance.status(endpoint))).version);
    }
    expect(versions).toEqual(["2", "1", "2"]);
  });
});

describe("Maintenance of one member or all", () => {
  test("ends when the client is closed while the way to the member is opened", async () => {
    serve("one:1", { [MaintenanceService.status.path]: () => undefined });
    const client = await open();
    const status = client.maintenance.status("one:1");
    client.close();
    await expect(untilSettled(status)).rejects.toMatchObject({ code: GrpcCode.Canceled });
  });

  const { alarm, defragment, hashKV, snapshot, moveLeader, downgrade } = MaintenanceService;
  /** Answers with `answer` and keeps the requests, decoded. */
  function answering<Request extends object, Response extends object>(
    { request, response }: MethodInfo<Request, Response>,
    seen: unknown[],
    answer: (asked: Request) => Partial<Response>,
  ): Answer {
    return (call, bytes) => {
      const asked = request.decode(bytes);
      seen.push(asked);
      call.sendUnary(response.encode(response.create(answer(asked))));
    };
  }

  test("sends every request as it is meant", async () => {
    const seen: unknown[] = [];
    serve("one:1", {
      [moveLeader.path]: answering(moveLeader, seen, () => ({})),
      [downgrade.path]: answering(downgrade, seen, () => ({ version: "3.5.0" })),
    });
    serve("two:2", {
      [defragment.path]: answering(defragment, seen, () => ({})),
      [hashKV.path]: answering(hashKV, seen, () => ({ hash: 9, compactRevision: 3 })),
    });
    const { maintenance } = await open();
    await untilSettled(maintenance.moveLeader(7n));
    const { VALIDATE } = DowngradeAction;
    expect(await untilSettled(maintenance.downgrade(VALIDATE, "3.4"))).toMatchObject({
      version: "3.5.0",
    });
    await untilSettled(maintenance.defragment("two:2"));
    expect(await untilSettled(maintenance.hashKv("two:2", 5))).toMatchObject({ hash: 9 });
    expect(seen).toEqual([
      { targetId: 7n },
      { action: VALIDATE, version: "3.4" },
      {},
      { revision: 5 },
    ]);
  });

  test("takes back one alarm, or each that there is", async () => {
    const seen: unknown[] = [];
    const alarms = [1n, 2n].map((memberId) => ({ memberId, alarm: AlarmType.NOSPACE }));
    serve("one:1", {
      [alarm.path]: answering(alarm, seen, ({ action, memberId }) => ({
        alarms: action === AlarmAction.GET ? alarms : [{ memberId, alarm: AlarmType.NOSPACE }],
      })),
    });
    const { maintenance } = await open();
    expect((await untilSettled(maintenance.alarmDisarm(alarms[1]))).alarms).toEqual([alarms[1]]);
    expect((await untilSettled(maintenance.alarmDisarm())).alarms).toEqual(alarms);
    const { GET, DEACTIVATE } = AlarmAction;
    expect(seen).toMatchObject([
      { action: DEACTIVATE, memberId: 2n, alarm: AlarmType.NOSPACE },
      { action: GET },
      { action: DEACTIVATE, memberId: 1n },
      { action: DEACTIVATE, memberId: 2n },
    ]);
  });

  test("yields a snapshot piece by piece", async () => {
    const { response } = snapshot;
    clients.serve(
      "one:1",
      {},
      {
        [snapshot.path]: {
          kind: "stream",
          onMessage: (call) => {
            for (const piece of ["a", "b"]) {
              call.sendMessage(response.encode(response.create({ blob: bytesFromUtf8(piece) })));
            }
            call.sendStatus(GrpcCode.OK, "");
          },
          onHalfClose: () => undefined,
          onCancel: () => undefined,
        },
      },
    );
    const { maintenance } = await open();
    const pieces: Uint8Array[] = [];
    const reading = (async () => {
      for await (const { blob } of maintenance.snapshot()) pieces.push(blob);
    })();
    await untilSettled(reading);
    expect(pieces).toEqual([bytesFromUtf8("a"), bytesFromUtf8("b")]);
  });
});

describe("openRawConnection", () => {
  test("makes many calls at once without promises", async () => {
    serve("one:1", { [PUT]: stored });
    const raw = await untilSettled(
      openRawConnection({
        endpoint: "one:1",
        connector: network,
        clock,
        onClosed: () => undefined,
      }),
    );
    let done = 0;
    for (let i = 0; i < 500; i++) {
      raw.grpc.unary(PUT, raw.metadata, new Uint8Array(), {}, (status) => {
        if (status.code === GrpcCode.OK) done++;
      });
    }
    await turns(50);
    expect(done).toBe(500);
    raw.close();
  });

  test("tells when the connection is lost, and rejects when there is none", async () => {
    const server = serve("one:1", {});
    const reasons: string[] = [];
    const options = {
      connector: network,
      clock,
      onClosed: (reason: string) => reasons.push(reason),
    };
    await untilSettled(openRawConnection({ ...options, endpoint: "one:1" }));
    server.cut();
    await turns(5);
    expect(reasons).toHaveLength(1);
    await expect(openRawConnection({ ...options, endpoint: "dead:1" })).rejects.toThrow("refused");
  });
});
