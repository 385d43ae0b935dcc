/**
 * The cut of the input must not matter, and no input may throw. Invariants:
 *
 * 1. Any split and merge of a client's bytes gives the same handler calls and the same output bytes.
 * 2. The same for a server's bytes and what callers see.
 * 3. Whatever bytes come, an endpoint answers with whole frames, or ends with a reason; it never throws.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, hexFromBytes } from "../stdx/bytes.ts";
import { GrpcClientConnection } from "./grpc-client.ts";
import { GrpcServerConnection } from "./grpc-server.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "./grpc-server-types.ts";
import { CLIENT_PREFACE, FLAG_PADDED, FrameType } from "./protocol.ts";
import { MemoryLink, RecordedEvents } from "./testing/memory-link.ts";
import {
  callFields,
  END_BOTH,
  END_STREAM,
  frame,
  grpcMessage,
  headersFrame,
  literalBlock,
  messageFrame,
  parseFrames,
  RawPeer,
  uint32,
} from "./testing/raw-peer.ts";

/** Answers every message, and writes down what happens. */
class Scribe implements GrpcMethodHandler {
  readonly kind: "unary" | "stream";
  readonly log: string[];

  constructor(kind: "unary" | "stream", log: string[]) {
    this.kind = kind;
    this.log = log;
  }

  onMessage(call: GrpcServerCall, message: Uint8Array): void {
    this.log.push(`${call.path} ${hexFromBytes(message)}`);
    if (this.kind === "unary") call.sendUnary(message.slice());
    else call.sendMessage(message.slice());
  }

  onHalfClose(call: GrpcServerCall): void {
    this.log.push(`${call.path} half-close`);
    call.sendStatus(0, "");
  }

  onCancel(call: GrpcServerCall): void {
    this.log.push(`${call.path} cancel`);
  }
}

function newServer(log: string[]): GrpcServerConnection {
  const unary = new Scribe("unary", log);
  const stream = new Scribe("stream", log);
  const lookup = (path: string): GrpcMethodHandler | undefined =>
    path === "/a.B/U" ? unary : path === "/a.B/S" ? stream : undefined;
  const limits = { receiveMessageBytesMax: 400 };
  return new GrpcServerConnection({ config: { lookup, limits }, events: new RecordedEvents() });
}

/** Feeds `bytes` in pieces of the given sizes, over and over; returns everything that came out. */
function feed(
  server: GrpcServerConnection,
  bytes: Uint8Array,
  sizes: readonly number[],
): Uint8Array {
  const out: Uint8Array[] = [];
  server.start(0);
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const chunk = bytes.slice(at, at + sizes[i % sizes.length]);
    server.receive(chunk, 0);
    chunk.fill(0xee);
    at += chunk.length;
  }
  for (let each = server.takeOutput(); each !== undefined; each = server.takeOutput()) {
    out.push(each);
  }
  return concatBytes(out);
}

const smallBytes = fc.uint8Array({ maxLength: 60 });

/** The frames of one call, some of them broken; numbers of streams are given later. */
const callFrames = fc
  .record({
    path: fc.constantFrom("/a.B/U", "/a.B/S", "/a.B/None"),
    messages: fc.array(smallBytes, { maxLength: 4 }),
    perFrame: fc.integer({ min: 1, max: 90 }),
    padding: fc.nat(5),
    split: fc.boolean(),
    end: fc.constantFrom("data", "empty", "trailers", "reset", "none"),
  })
  .map(({ path, messages, perFrame, padding, split, end }) => (id: number): Uint8Array[] => {
    const block = literalBlock(callFields(path));
    const frames = split
      ? [
          frame(FrameType.HEADERS, 0, id, block.subarray(0, 7)),
          frame(FrameType.CONTINUATION, 4, id, block.subarray(7)),
        ]
      : [frame(FrameType.HEADERS, 4, id, block)];
    const body = concatBytes(messages.map((message) => grpcMessage(message)));
    for (let at = 0; at < body.length; at += perFrame) {
      const ends = end === "data" && at + perFrame >= body.length ? END_STREAM : 0;
      const piece = body.subarray(at, at + perFrame);
      const padded = concatBytes([new Uint8Array([padding]), piece, new Uint8Array(padding)]);
      frames.push(
        padding > 0
          ? frame(FrameType.DATA, ends | FLAG_PADDED, id, padded)
          : frame(FrameType.DATA, ends, id, piece),
      );
    }
    if (end === "empty") frames.push(frame(FrameType.DATA, END_STREAM, id));
    if (end === "trailers") frames.push(headersFrame(id, [["x", "y"]], END_BOTH));
    if (end === "reset") frames.push(frame(FrameType.RST_STREAM, 0, id, uint32(8)));
    return frames;
  });

const otherFrames = fc.constantFrom(
  frame(FrameType.PING, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]),
  frame(FrameType.SETTINGS, 0, 0, [0, 4, ...uint32(70)]),
  frame(FrameType.SETTINGS, 0, 0, [0, 1, ...uint32(0)]),
  frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(1000)),
  frame(0x99, 0, 0, [1, 2, 3]),
);

const conversation = fc
  .array(fc.oneof({ weight: 3, arbitrary: callFrames }, { weight: 1, arbitrary: otherFrames }), {
    maxLength: 8,
  })
  .map((parts) =>
    concatBytes([
      CLIENT_PREFACE,
      frame(FrameType.SETTINGS, 0, 0),
      frame(FrameType.SETTINGS, 1, 0),
      ...parts.flatMap((part, i) => (part instanceof Uint8Array ? [part] : part(2 * i + 1))),
    ]),
  );

const cuts = fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 20 });

describe("any cut of the input", () => {
  test("gives a server the same calls and the same output", () => {
    fc.assert(
      fc.property(conversation, cuts, (bytes, sizes) => {
        const whole: string[] = [];
        const cut: string[] = [];
        const expected = feed(newServer(whole), bytes, [bytes.length]);
        const actual = feed(newServer(cut), bytes, sizes);
        expect(cut).toEqual(whole);
        expect(hexFromBytes(actual)).toBe(hexFromBytes(expected));
      }),
      { numRuns: 100 },
    );
  });

  test("of one byte each, too", () => {
    fc.assert(
      fc.property(conversation, (bytes) => {
        const whole: string[] = [];
        const cut: string[] = [];
        const expected = feed(newServer(whole), bytes, [bytes.length]);
        expect(feed(newServer(cut), bytes, [1])).toEqual(expected);
        expect(cut).toEqual(whole);
      }),
      { numRuns: 60 },
    );
  });

  test("gives both sides the same calls, whatever is sent by whom", () => {
    const calls = fc.array(fc.tuple(fc.boolean(), fc.array(smallBytes, { maxLength: 5 })), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(calls, cuts, (plan, sizes) => {
        const run = (cut: (available: number) => number): string[] => {
          const log: string[] = [];
          const unary = new Scribe("unary", log);
          const stream = new Scribe("stream", log);
          const lookup = (path: string) => (path === "/a.B/U" ? unary : stream);
          const link = new MemoryLink({ lookup }, {}, cut);
          const seen: string[][] = plan.map(() => []);
          for (const [i, [isUnary, messages]] of plan.entries()) {
            if (isUnary) {
              const body = concatBytes(messages);
              link.client.unary("/a.B/U", [], body, {}, (status, message) => {
                seen[i].push(
                  `${status.code} ${message === undefined ? "" : hexFromBytes(message)}`,
                );
              });
              continue;
            }
            const call = link.client.stream("/a.B/S", [], {
              onMessage: (_, message) => seen[i].push(hexFromBytes(message)),
              onStatus: (_, status) => seen[i].push(`status ${status.code}`),
            });
            for (const message of messages) call.sendMessage(message);
            call.halfClose();
          }
          link.settle();
          return seen.flat();
        };
        let turn = 0;
        const expected = plan.flatMap(([isUnary, messages]) =>
          isUnary
            ? [`0 ${hexFromBytes(concatBytes(messages))}`]
            : [...messages.map((message) => hexFromBytes(message)), "status 0"],
        );
        expect(run((available) => available)).toEqual(expected);
        expect(run(() => sizes[turn++ % sizes.length])).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });
});

describe("broken input", () => {
  test("never throws, and what comes out is whole frames", () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(conversation, damage, cuts, (bytes, places, sizes) => {
        const broken = bytes.slice();
        for (const [place, value] of places) broken[24 + (place % (broken.length - 24))] = value;
        const server = newServer([]);
        parseFrames(feed(server, broken, sizes));
        server.tick(1e6);
        if (server.shouldClose) expect(server.closeReason).not.toBe("");
        server.socketClosed("gone");
        expect(server.openCalls).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  test("of random frames neither", () => {
    const anyFrame = fc
      .tuple(fc.nat(11), fc.nat(255), fc.nat(9), fc.uint8Array({ maxLength: 30 }))
      .map(([type, flags, id, payload]) => frame(type, flags, id, payload));
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 30 }), (frames) => {
        const server = new RawPeer(newServer([])).greetServer();
        server.send(...frames).read();
        const client = new GrpcClientConnection({
          authority: "x",
          events: new RecordedEvents(),
          clock: { nowMs: () => 0 },
        });
        const peer = new RawPeer(client).greetClient();
        let ended = 0;
        for (let i = 0; i < 4; i++) {
          client.unary("/a.B/U", [], new Uint8Array(3), {}, () => {
            ended++;
          });
        }
        peer.send(...frames).read();
        client.socketClosed("gone");
        expect(ended).toBe(4);
      }),
      { numRuns: 200 },
    );
  });
});

test("a message as large as the limit passes in frames of any size", () => {
  const log: string[] = [];
  const server = new RawPeer(newServer(log)).greetServer();
  const message = new Uint8Array(400).map((_, i) => i);
  server.send(headersFrame(1, callFields("/a.B/U")), messageFrame(1, message, END_STREAM));
  expect(log).toEqual([`/a.B/U ${hexFromBytes(message)}`]);
});
