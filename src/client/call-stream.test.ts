import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MemoryClients } from "../../test/harness/memory-client.ts";
import { GrpcCode } from "../errors/codes.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import { decodeLeaseKeepAliveRequest, encodeLeaseKeepAliveResponse } from "../wire/gen/rpc.ts";
import { createLeaseKeepAliveResponse, encodeSnapshotResponse } from "../wire/gen/rpc.ts";
import { createSnapshotResponse } from "../wire/gen/rpc.ts";
import type { CallOptions } from "./call-options.ts";
import { AuthService, LeaseService, MaintenanceService } from "../wire/gen/services.ts";

const { leaseKeepAlive } = LeaseService;
const { snapshot } = MaintenanceService;

let clients: MemoryClients;

beforeEach(() => {
  clients = new MemoryClients();
});

afterEach(() => clients.close());

/** Answers each message with its lease id, and the end of messages with the end of the call. */
const echo: GrpcMethodHandler = {
  kind: "stream",
  onMessage: (call, message) => {
    const { id } = decodeLeaseKeepAliveRequest(message);
    call.sendMessage(encodeLeaseKeepAliveResponse(createLeaseKeepAliveResponse({ id })));
  },
  onHalfClose: (call) => call.sendStatus(GrpcCode.OK, ""),
  onCancel: () => undefined,
};

function withHandler(parts: Partial<GrpcMethodHandler>): GrpcMethodHandler {
  return { ...echo, onMessage: () => undefined, onHalfClose: () => undefined, ...parts };
}

const chunk = (bytes: number, remainingBytes = 0): Uint8Array =>
  encodeSnapshotResponse(createSnapshotResponse({ blob: new Uint8Array(bytes), remainingBytes }));

describe("Channel.openStream", () => {
  test("sends and receives in any order, and ends with success", async () => {
    clients.serve("one:1", {}, { [leaseKeepAlive.path]: echo });
    const { channel } = await clients.open();
    const stream = await clients.untilSettled(channel.openStream(leaseKeepAlive));
    for (const id of [1n, 2n, 3n]) stream.send({ id });
    const seen = [await clients.untilSettled(stream.next())];
    stream.send({ id: 4n });
    stream.closeSend();
    for (let i = 0; i < 4; i++) seen.push(await clients.untilSettled(stream.next()));
    expect(seen.map((response) => response?.id)).toEqual([1n, 2n, 3n, 4n, undefined]);
    expect(stream.status).toMatchObject({ code: GrpcCode.OK });
  });

  test("throws the server's error behind the answers that came before it", async () => {
    const onMessage: GrpcMethodHandler["onMessage"] = (call, message) => {
      echo.onMessage(call, message);
      call.sendStatus(Errors.NoLeader.code, Errors.NoLeader.message);
    };
    clients.serve("one:1", {}, { [leaseKeepAlive.path]: withHandler({ onMessage }) });
    const { channel } = await clients.open();
    const stream = await clients.untilSettled(channel.openStream(leaseKeepAlive));
    stream.send({ id: 7n });
    await clients.turns(20);
    expect(await stream.next()).toMatchObject({ id: 7n });
    await expect(stream.next()).rejects.toBe(Errors.NoLeader);
    expect(stream.send({ id: 8n })).toBe(true);
  });

  test("ends at its deadline, by its signal and by cancel, and tells the server", async () => {
    let cancelled = 0;
    const onCancel = (): void => {
      cancelled++;
    };
    clients.serve("one:1", {}, { [leaseKeepAlive.path]: withHandler({ onCancel }) });
    const { channel } = await clients.open();
    const aborter = new AbortController();
    const open = (options: CallOptions) =>
      clients.untilSettled(channel.openStream(leaseKeepAlive, options));
    const late = await open({ deadlineMs: clients.clock.nowMs() + 50 });
    const aborted = await open({ signal: aborter.signal });
    const left = await open({});
    const ends = [late, aborted, left].map((stream) => stream.next().catch((error) => error));
    await clients.turns(20);
    aborter.abort();
    left.cancel();
    const messages = (await clients.untilSettled(Promise.all(ends))).map(
      (error) => (error as Error).message,
    );
    expect(messages).toEqual(["context deadline exceeded", "context canceled", "context canceled"]);
    await clients.turns(20);
    expect(cancelled).toBe(3);
  });

  test("waits for a connection, and not for longer than it may", async () => {
    const { channel } = await clients.open();
    const opening = channel.openStream(leaseKeepAlive, { deadlineMs: clients.clock.nowMs() + 50 });
    await expect(clients.untilSettled(opening)).rejects.toThrow(/^context deadline exceeded$/);
    const waiting = channel.openStream(leaseKeepAlive);
    clients.serve("one:1", {}, { [leaseKeepAlive.path]: echo });
    await clients.turns(30, 79);
    const stream = await waiting;
    stream.send({ id: 5n });
    expect(await clients.untilSettled(stream.next())).toMatchObject({ id: 5n });
  });

  test("tells when the connection is lost", async () => {
    const server = clients.serve("one:1", {}, { [leaseKeepAlive.path]: echo });
    const { channel } = await clients.open();
    const stream = await clients.untilSettled(channel.openStream(leaseKeepAlive));
    const end = clients.untilSettled(stream.next());
    await clients.turns(5);
    server.cut();
    await expect(end).rejects.toMatchObject({ code: GrpcCode.Unavailable });
  });

  test("begins with a new token", async () => {
    let logins = 0;
    const tokens: (string | undefined)[] = [];
    const { path, response } = AuthService.authenticate;
    const login = (call: GrpcServerCall): void =>
      call.sendUnary(response.encode(response.create({ token: `t${++logins}` })));
    const onCall = (call: GrpcServerCall): void => void tokens.push(call.get("token"));
    clients.serve("one:1", { [path]: login }, { [leaseKeepAlive.path]: withHandler({ onCall }) });
    const { channel } = await clients.open({ username: "root", password: "secret" });
    for (let i = 0; i < 2; i++) {
      await clients.untilSettled(channel.openStream(leaseKeepAlive));
    }
    await clients.turns(20);
    expect(tokens).toEqual(["t2", "t3"]);
  });

  test("stops sending above the high mark until there is room", async () => {
    clients.serve("one:1", {}, { [leaseKeepAlive.path]: echo });
    const { channel } = await clients.open();
    const stream = await clients.untilSettled(channel.openStream(leaseKeepAlive));
    await clients.turns(10);
    let sent = 0;
    while (stream.send({ id: BigInt(sent) }) && sent < 1_000_000) sent++;
    expect(sent).toBeLessThan(1_000_000);
    await clients.untilSettled(stream.writable());
    expect(stream.send({ id: 1n })).toBe(true);
    await stream.writable();
    stream.cancel();
  });
});

describe("Channel.serverStream", () => {
  const sendAll = (chunks: number, bytes: number): GrpcMethodHandler => {
    const rest = new Map<GrpcServerCall, number>();
    const send = (call: GrpcServerCall): void => {
      let left = rest.get(call) ?? chunks;
      while (left > 0 && call.sendMessage(chunk(bytes, --left))) continue;
      rest.set(call, left);
      if (left === 0) call.sendStatus(GrpcCode.OK, "");
    };
    return withHandler({ onMessage: send, onWritable: send });
  };

  test("yields every answer, far more than fit in memory at once", async () => {
    clients.serve("one:1", {}, { [snapshot.path]: sendAll(400, 64 * 1024) });
    const { channel } = await clients.open();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { remainingBytes } of channel.serverStream(snapshot, {})) {
        seen.push(remainingBytes);
      }
    })();
    for (let i = 0; i < 3000 && seen.length < 400; i++) await clients.turns(1);
    await reading;
    expect(seen).toEqual(Array.from({ length: 400 }, (_, i) => 399 - i));
  });

  test("holds the server while nobody reads", async () => {
    let sent = 0;
    const size = 64 * 1024;
    const send = (call: GrpcServerCall): void => {
      do sent++;
      while (sent < 10_000 && call.sendMessage(chunk(size)));
    };
    const handler = withHandler({ onMessage: send, onWritable: send });
    clients.serve("one:1", {}, { [snapshot.path]: handler });
    const { channel } = await clients.open();
    const answers = channel.serverStream(snapshot, {});
    await clients.untilSettled(answers.next());
    await clients.turns(500);
    // The mark, one stream window, and what the server's own side keeps.
    expect(sent * size).toBeLessThan(8 * 1024 * 1024);
    const held = sent;
    for (let i = 0; i < 100; i++) await clients.untilSettled(answers.next());
    await clients.turns(100);
    expect(sent).toBeGreaterThan(held);
    await answers.return();
  });

  test("cancels the call when the loop is left", async () => {
    let cancelled = 0;
    const handler = { ...sendAll(1000, 64 * 1024), onCancel: () => void cancelled++ };
    clients.serve("one:1", {}, { [snapshot.path]: handler });
    const { channel } = await clients.open();
    const first = (async () => {
      for await (const answer of channel.serverStream(snapshot, {})) return answer;
      return undefined;
    })();
    expect(await clients.untilSettled(first)).toMatchObject({ remainingBytes: 999 });
    await clients.turns(20);
    expect(cancelled).toBe(1);
  });
});
