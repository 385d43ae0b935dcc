import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MemoryClients } from "../../test/harness/memory-client.ts";
import type { MemoryServer } from "../../test/harness/memory-grpc.ts";
import { GrpcCode } from "../errors/codes.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import { bytesFromUtf8 } from "../stdx/bytes.ts";
import { createEvent, createKeyValue, type Event } from "../wire/gen/kv.ts";
import {
  createResponseHeader,
  createWatchResponse,
  decodeWatchRequest,
  encodeWatchResponse,
  type WatchCreateRequest,
  type WatchRequest,
  type WatchResponse,
} from "../wire/gen/rpc.ts";
import { AuthService, WatchService } from "../wire/gen/services.ts";
import type { Client } from "./client.ts";
import type { Watcher } from "./watch.ts";
import { WatchCanceledError } from "./watch-entry.ts";

const key = bytesFromUtf8("k");

let clients: MemoryClients;
let server: WatchServer;
let client: Client;

beforeEach(async () => {
  clients = new MemoryClients();
  server = new WatchServer();
  client = await clients.open();
});

afterEach(() => clients.close());

/** A watch server whose every answer is given by the test, except that it accepts watches at once. */
class WatchServer {
  /** Requests on the present stream, in order. */
  requests: WatchRequest[] = [];
  streams = 0;
  closed = 0;
  metadata: (string | undefined)[] = [];
  revision = 5;
  /** What is said to requests for watches. */
  answer: Partial<WatchResponse> | "nothing" = {};
  #call: GrpcServerCall | undefined;
  #nextId = 0n;
  readonly #server: MemoryServer;

  constructor() {
    this.#server = clients.serve("one:1", {}, this.streamsOf());
  }

  /** What serves the streams, at one address or several. */
  streamsOf(): Record<string, GrpcMethodHandler> {
    return {
      [WatchService.watch.path]: {
        kind: "stream",
        onCall: (call) => this.#opened(call),
        onMessage: (call, message) => this.#asked(call, decodeWatchRequest(message)),
        onHalfClose: () => undefined,
        onCancel: () => this.closed++,
      },
    };
  }

  get creations(): WatchCreateRequest[] {
    return this.requests.flatMap(({ requestUnion: union }) =>
      union?.case === "createRequest" ? [union.value] : [],
    );
  }

  send(response: Partial<WatchResponse>): void {
    const header = createResponseHeader({ revision: this.revision });
    this.#call?.sendMessage(encodeWatchResponse(createWatchResponse({ header, ...response })));
  }

  /** Sends one put per revision to watch `watchId`. */
  puts(watchId: bigint, ...revisions: number[]): void {
    this.revision = revisions.at(-1) ?? this.revision;
    this.send({ watchId, events: revisions.map((revision) => put(revision)) });
  }

  cut(): void {
    this.#server.cut();
  }

  end(code: number, message: string): void {
    this.#call?.sendStatus(code, message);
  }

  #opened(call: GrpcServerCall): void {
    this.streams++;
    this.metadata.push(call.get("hasleader"));
    this.requests = [];
    this.#call = call;
    this.#nextId = 0n;
  }

  #asked(call: GrpcServerCall, request: WatchRequest): void {
    if (call !== this.#call) return;
    this.requests.push(request);
    if (request.requestUnion?.case !== "createRequest" || this.answer === "nothing") return;
    this.send({ watchId: this.#nextId++, created: true, ...this.answer });
  }
}

function put(modRevision: number, valueBytes = 1): Event {
  const kv = createKeyValue({ key, modRevision, value: new Uint8Array(valueBytes) });
  return createEvent({ kv });
}

function open(...of: Parameters<Client["watch"]["open"]>): Promise<Watcher> {
  return clients.untilSettled(client.watch.open(...of));
}

function next(watcher: Watcher): Promise<WatchResponse | undefined> {
  return clients.untilSettled(watcher.next());
}

/** Revisions of the events of the next answer. */
async function revisions(watcher: Watcher): Promise<number[]> {
  return ((await next(watcher))?.events ?? []).map(({ kv }) => kv?.modRevision ?? 0);
}

describe("Watch.open", () => {
  test("creates a watch as it is asked for, on a stream of watches that it shares", async () => {
    await open({ key, rangeEnd: key, prevKv: true, filters: [1], startRevision: 3 });
    await open({ key, progressNotify: true });
    expect(server.streams).toBe(1);
    expect(server.metadata).toEqual([undefined]);
    expect(server.creations).toMatchObject([
      { key, rangeEnd: key, prevKv: true, filters: [1], startRevision: 3, watchId: 0n },
      { key, progressNotify: true, prevKv: false, startRevision: 0 },
    ]);
  });

  test("gives a watch a stream of its own, and one with a leader, where that is asked for", async () => {
    await open({ key });
    await open({ key }, { requireLeader: true });
    await open({ key }, { requireLeader: true });
    await open({ key }, { ownStream: true });
    expect(server.metadata).toEqual([undefined, "true", undefined]);
  });

  test("is refused as the server says", async () => {
    server.answer = { canceled: true, watchId: -1n, cancelReason: Errors.PermissionDenied.message };
    await expect(open({ key })).rejects.toMatchObject({
      message: Errors.PermissionDenied.message,
      response: { canceled: true },
    });
    server.answer = {};
    expect(await open({ key })).toBeDefined();
  });

  test("waits for a server, and ends when its signal aborts", async () => {
    server.answer = "nothing";
    const aborter = new AbortController();
    const opening = client.watch.open({ key }, { signal: aborter.signal });
    await clients.turns(20);
    aborter.abort();
    await expect(opening).rejects.toThrow(/^context canceled$/);
    const late = client.watch.open({ key }, { signal: AbortSignal.abort() });
    await expect(late).rejects.toThrow(/^context canceled$/);
  });

  test("waits no longer than its start may take; a watch that has started is not bound by it", async () => {
    const deadlineMs = clients.clock.nowMs() + 50;
    const started = await open({ key }, { deadlineMs });
    server.answer = "nothing";
    const opening = client.watch.open({ key }, { deadlineMs, ownStream: true });
    await expect(clients.untilSettled(opening)).rejects.toBe(Errors.DeadlineExceeded);
    await expect(client.watch.open({ key }, { deadlineMs })).rejects.toBe(Errors.DeadlineExceeded);
    await clients.turns(10, 10);
    server.cut();
    server.answer = {};
    await clients.turns(60, 5);
    server.puts(0n, 6);
    expect(await revisions(started)).toEqual([6]);
    expect(server.creations).toHaveLength(1);
  });

  test("tries another stream when the token of its own is known no longer, and not for ever", async () => {
    const old = await open({ key });
    server.puts(0n, 6);
    const cancelReason = "rpc error: code = Unauthenticated desc = etcdserver: invalid auth token";
    server.answer = { canceled: true, cancelReason };
    const opening = client.watch.open({ key });
    while (server.streams < 2) await clients.turns(1);
    server.answer = {};
    const young = await clients.untilSettled(opening);
    const before = server.streams;
    server.puts(0n, 7);
    server.puts(1n, 7);
    expect([await revisions(old), await revisions(old)]).toEqual([[6], [7]]);
    expect(await revisions(young)).toEqual([7]);
    server.answer = { canceled: true, cancelReason };
    await expect(open({ key }, { ownStream: true })).rejects.toBeInstanceOf(WatchCanceledError);
    expect(server.streams).toBe(before + 4);
  });
});

describe("Watcher", () => {
  test("gets its events only, in order, and progress", async () => {
    const [a, b] = [await open({ key }), await open({ key })];
    server.puts(0n, 6, 7);
    server.puts(1n, 7);
    server.puts(0n, 8);
    server.revision = 9;
    server.send({ watchId: 1n });
    expect([await revisions(a), await revisions(a)]).toEqual([[6, 7], [8]]);
    expect(await revisions(b)).toEqual([7]);
    expect(await next(b)).toMatchObject({ events: [], header: { revision: 9 } });
  });

  test("puts the pieces of an answer together", async () => {
    const [a, b] = [await open({ key, fragment: true }), await open({ key })];
    server.send({ watchId: 0n, fragment: true, events: [put(6)] });
    server.puts(1n, 6);
    server.send({ watchId: 0n, fragment: true, events: [put(6), put(6)] });
    server.send({ watchId: 0n, events: [put(7)] });
    expect(await revisions(b)).toEqual([6]);
    const whole = await next(a);
    expect(whole?.events.map(({ kv }) => kv?.modRevision)).toEqual([6, 6, 6, 7]);
    expect(whole?.fragment).toBe(false);
  });

  test("goes on behind its last event when the connection is lost", async () => {
    const fromNow = await open({ key });
    const withEvents = await open({ key, prevKv: true });
    const fromPast = await open({ key, startRevision: 2 });
    const fromFuture = await open({ key, startRevision: 100 });
    server.puts(1n, 6, 8);
    server.revision = 9;
    server.send({ watchId: 3n });
    expect(await revisions(withEvents)).toEqual([6, 8]);
    server.cut();
    await clients.turns(60, 5);
    expect(server.streams).toBe(2);
    expect(server.creations).toMatchObject([
      { startRevision: 6 },
      { startRevision: 9, prevKv: true },
      { startRevision: 2 },
      { startRevision: 100 },
    ]);
    server.puts(0n, 9);
    server.puts(2n, 2);
    expect(await revisions(fromNow)).toEqual([9]);
    expect(await revisions(fromPast)).toEqual([2]);
    fromFuture.cancel();
  });

  test("goes on at another server when its own has no leader, where that is wanted", async () => {
    const other = clients.serve("two:2", {}, server.streamsOf());
    const both = await clients.open({ endpoints: ["one:1", "two:2"] });
    await clients.turns(10);
    const options = { movesToLeader: true };
    const watcher = await clients.untilSettled(both.watch.open({ key }, options));
    expect(server.metadata).toEqual(["true"]);
    const before = other.calls.length;
    for (let i = 0; i < 3; i++) {
      server.end(GrpcCode.Unavailable, Errors.NoLeader.message);
      await clients.turns(100, 10);
      server.puts(0n, 6 + i);
      expect(await revisions(watcher)).toEqual([6 + i]);
    }
    expect(other.calls.length).toBeGreaterThan(before);
    both.watch.requestProgress(options);
    server.send({ watchId: -1n });
    expect(await next(watcher)).toMatchObject({ events: [] });
  });

  test("goes on whatever those between do to its stream, where it need not end", async () => {
    const watcher = await open({ key }, { movesToLeader: true });
    for (const code of [GrpcCode.Canceled, GrpcCode.DeadlineExceeded, GrpcCode.Unavailable]) {
      server.end(code, "stream timeout");
      await clients.turns(60, 5);
    }
    server.puts(0n, 6);
    expect(await revisions(watcher)).toEqual([6]);
    server.end(GrpcCode.Unauthenticated, Errors.InvalidAuthToken.message);
    await expect(next(watcher)).rejects.toBe(Errors.InvalidAuthToken);
    client.close();
    const late = client.watch.open({ key }, { movesToLeader: true });
    await expect(clients.untilSettled(late)).rejects.toThrow("the client connection is closing");
  });

  test("goes on after a time in which nobody could be reached for a new token", async () => {
    const { authenticate } = AuthService;
    const answer = authenticate.response.encode(authenticate.response.create({ token: "t" }));
    let isAnswered = true;
    const twoServer = clients.serve(
      "two:2",
      {
        [authenticate.path]: (call) => {
          if (isAnswered) call.sendUnary(answer);
        },
      },
      server.streamsOf(),
    );
    const user = { username: "u", password: "p", endpoints: ["two:2"], dialTimeoutMs: 100 };
    const watcher = await clients.untilSettled((await clients.open(user)).watch.open({ key }));
    isAnswered = false;
    twoServer.cut();
    await clients.turns(100, 10);
    isAnswered = true;
    await clients.turns(100, 10);
    server.puts(0n, 6);
    expect(await revisions(watcher)).toEqual([6]);
  });

  test("goes on when the server is unavailable for a while, and ends when nobody would serve it", async () => {
    const watcher = await open({ key });
    for (const code of [GrpcCode.Unavailable, GrpcCode.Internal, GrpcCode.OK]) {
      server.end(code, "for a while");
      await clients.turns(60, 5);
    }
    expect(server.streams).toBe(4);
    server.end(GrpcCode.PermissionDenied, Errors.PermissionDenied.message);
    await expect(next(watcher)).rejects.toBe(Errors.PermissionDenied);
    const needy = await open({ key }, { requireLeader: true });
    server.end(GrpcCode.Unavailable, Errors.NoLeader.message);
    await expect(next(needy)).rejects.toBe(Errors.NoLeader);
  });

  test.each([
    [{ compactRevision: 4 }, Errors.Compacted.message],
    [{ cancelReason: Errors.PermissionDenied.message }, Errors.PermissionDenied.message],
    [{ cancelReason: "odd" }, "odd"],
    [{}, Errors.FutureRevision.message],
  ])("ends with the reason of the server: %j", async (reason, message) => {
    const [ended, other] = [await open({ key }), await open({ key })];
    server.puts(0n, 6);
    server.send({ watchId: 0n, canceled: true, ...reason });
    expect(await revisions(ended)).toEqual([6]);
    const error = await next(ended).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WatchCanceledError);
    expect(error).toMatchObject({ message, response: { canceled: true, ...reason } });
    server.puts(1n, 7);
    expect(await revisions(other)).toEqual([7]);
  });

  test("cancels on the server, and the last one closes the stream", async () => {
    const [a, b] = [await open({ key }), await open({ key })];
    server.puts(0n, 6);
    await clients.turns(10);
    a.cancel();
    server.puts(0n, 7);
    expect(await a.next()).toBeUndefined();
    await clients.turns(10);
    expect(server.requests.at(-1)?.requestUnion).toEqual({
      case: "cancelRequest",
      value: { watchId: 0n },
    });
    const left = (async () => {
      for await (const { events } of b) return events.length;
      return undefined;
    })();
    server.puts(1n, 7);
    expect(await clients.untilSettled(left)).toBe(1);
    await clients.turns(10);
    expect(server.closed).toBe(1);
    const again = await open({ key });
    server.puts(0n, 9);
    expect(await revisions(again)).toEqual([9]);
    client.close();
    expect(await again.next()).toBeUndefined();
  });

  test("that left while it was being created is cancelled on the server", async () => {
    const stays = await open({ key });
    server.answer = "nothing";
    const aborter = new AbortController();
    const opening = client.watch.open({ key }, { signal: aborter.signal });
    await clients.turns(10);
    aborter.abort();
    await expect(opening).rejects.toThrow("context canceled");
    server.answer = {};
    server.send({ watchId: 1n, created: true });
    await clients.turns(10);
    expect(server.requests.at(-1)?.requestUnion).toMatchObject({ value: { watchId: 1n } });
    stays.cancel();
  });

  test("is given up while its reader is slow, without delay for others, and then goes on", async () => {
    const [slow, quick] = [await open({ key }), await open({ key })];
    const total = 40;
    for (let revision = 6; revision < 6 + total; revision++) {
      server.revision = revision;
      server.send({ watchId: 0n, events: [put(revision, 1024 * 1024)] });
      server.puts(1n, revision);
    }
    const seen: number[] = [];
    while (seen.length < total) seen.push(...(await revisions(quick)));
    await clients.turns(20);
    expect(server.requests.at(-1)?.requestUnion).toMatchObject({
      case: "cancelRequest",
      value: { watchId: 0n },
    });
    const read: number[] = [];
    while (server.creations.length < 3) read.push(...(await revisions(slow)));
    const from = server.creations[2].startRevision;
    server.puts(2n, ...Array.from({ length: 6 + total - from }, (_, i) => from + i));
    while (read.length < total) read.push(...(await revisions(slow)));
    expect(read).toEqual(seen);
  });
});

describe("Watch.requestProgress", () => {
  test("asks on the shared stream; the answer is for all of its watches", async () => {
    client.watch.requestProgress();
    const [a, b] = [await open({ key }), await open({ key })];
    client.watch.requestProgress();
    await clients.turns(10);
    expect(server.requests.at(-1)?.requestUnion?.case).toBe("progressRequest");
    server.revision = 8;
    server.send({ watchId: -1n });
    for (const watcher of [a, b]) {
      expect(await next(watcher)).toMatchObject({ events: [], header: { revision: 8 } });
    }
    server.cut();
    client.watch.requestProgress();
    await clients.turns(60, 5);
    expect(server.creations).toMatchObject([{ startRevision: 9 }, { startRevision: 9 }]);
  });
});
