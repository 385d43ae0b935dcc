/**
 * Random lives of a connection: calls of both kinds, answers late or never, cancellations, deadlines, small
 * windows, slow sockets, graceful and sudden ends. Invariants:
 *
 * 1. Every call of the client ends exactly once.
 * 2. A handler that has a call either gives its status or is told of its end, never both, and never twice.
 * 3. Messages arrive whole and in order.
 * 4. When all calls are over nothing is kept on either side, and no window is lost: more calls pass.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { GrpcClientCall } from "./grpc-client-types.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "./grpc-server-types.ts";
import { MemoryLink } from "./testing/memory-link.ts";

type Step =
  | { readonly kind: "unary" | "stream"; readonly bytes: number; readonly deadlineMs: number }
  | {
      readonly kind: "send" | "cancel" | "half-close" | "answer" | "status";
      readonly which: number;
    }
  | { readonly kind: "settle" | "drain" | "lose" | "pause" | "resume" }
  | { readonly kind: "advance"; readonly milliseconds: number };

const which = fc.nat(30);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom("unary" as const, "stream" as const),
      bytes: fc.constantFrom(0, 1, 200, 5000, 40_000),
      deadlineMs: fc.constantFrom(Number.POSITIVE_INFINITY, 5, 50),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom<"send" | "cancel" | "half-close" | "answer" | "status">(
        "send",
        "cancel",
        "half-close",
        "answer",
        "status",
      ),
      which,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom("settle" as const, "pause", "resume") }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("drain" as const, "lose" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("advance" as const), milliseconds: fc.nat(30) }),
  },
);

/** What one handler knows of one call. */
interface Held {
  readonly call: GrpcServerCall;
  finished: number;
  cancelled: number;
}

/** Counts of messages are in their first byte, so that order and wholeness show. */
function numbered(bytes: number, number: number): Uint8Array {
  return new Uint8Array(bytes + 1).fill(number & 0xff);
}

class World implements GrpcMethodHandler {
  readonly kind: "unary" | "stream";
  readonly held: Held[] = [];

  constructor(kind: "unary" | "stream") {
    this.kind = kind;
  }

  onCall(call: GrpcServerCall): void {
    const held = { call, finished: 0, cancelled: 0 };
    call.context = { held, received: 0, sent: 0 };
    this.held.push(held);
  }

  onMessage(call: GrpcServerCall, message: Uint8Array): void {
    const state = call.context as { received: number };
    if (this.kind === "stream") {
      expect(message.every((byte) => byte === (state.received & 0xff))).toBe(true);
    }
    state.received++;
  }

  onHalfClose(call: GrpcServerCall): void {
    expect(call.open).toBe(true);
  }

  onCancel(call: GrpcServerCall): void {
    const { held } = call.context as { held: Held };
    expect(call.open).toBe(false);
    held.cancelled++;
  }

  /** Sends a numbered message on a held call. */
  answer(index: number, bytes: number): void {
    const held = this.held[index % Math.max(this.held.length, 1)];
    if (held === undefined || !held.call.open || this.kind === "unary") return;
    const state = held.call.context as { sent: number };
    held.call.sendMessage(numbered(bytes, state.sent++));
  }

  finish(index: number, bytes: number): void {
    const held = this.held[index % Math.max(this.held.length, 1)];
    if (held === undefined || !held.call.open) return;
    held.finished++;
    if (this.kind === "unary") held.call.sendUnary(new Uint8Array(bytes));
    else held.call.sendStatus(index % 3, index % 3 === 0 ? "" : "no");
  }
}

interface Called {
  /** Missing until the client has returned it: a call may end before. */
  call: GrpcClientCall | undefined;
  readonly isStream: boolean;
  sent: number;
  received: number;
  ends: number;
  halfClosed: boolean;
}

class Scene {
  readonly unary = new World("unary");
  readonly stream = new World("stream");
  readonly calls: Called[] = [];
  readonly link: MemoryLink;

  constructor(windowBytes: number, maxConcurrentStreams: number, cut: number) {
    const limits = { streamWindowBytes: windowBytes, connectionWindowBytes: 2 * windowBytes };
    this.link = new MemoryLink(
      {
        lookup: (path) => (path === "/w.W/U" ? this.unary : this.stream),
        limits: { ...limits, maxConcurrentStreams },
      },
      limits,
      () => cut,
    );
  }

  start(isStream: boolean, bytes: number, timeoutMs: number): void {
    const { client, nowMs } = this.link;
    const deadlineMs = nowMs + timeoutMs;
    const called: Called = {
      call: undefined,
      isStream,
      sent: 0,
      received: 0,
      ends: 0,
      halfClosed: false,
    };
    const end = (): void => {
      called.ends++;
    };
    const handlers = {
      onMessage: (_: GrpcClientCall, message: Uint8Array): void => {
        const number = called.received++ & 0xff;
        expect(message.every((byte) => byte === number)).toBe(true);
      },
      onStatus: end,
    };
    called.call = isStream
      ? client.stream("/w.W/S", [], handlers, { deadlineMs })
      : client.unary("/w.W/U", [], new Uint8Array(bytes), { deadlineMs }, end);
    this.calls.push(called);
  }

  run(each: Step): void {
    const { link } = this;
    switch (each.kind) {
      case "unary":
      case "stream":
        return this.start(each.kind === "stream", each.bytes, each.deadlineMs);
      case "answer":
        return this.stream.answer(each.which, each.which * 700);
      case "status":
        return (each.which % 2 === 0 ? this.unary : this.stream).finish(
          each.which,
          each.which * 900,
        );
      case "settle":
        return link.settle();
      case "drain":
        return link.server.drain();
      case "lose":
        link.client.socketClosed("lost");
        return link.server.socketClosed("lost");
      case "advance":
        return link.advance(each.milliseconds);
      case "pause":
      case "resume":
        for (const { call } of this.calls) call?.setReceiving(each.kind === "resume");
        return;
      default:
        this.#runOnCall(each.kind, each.which);
    }
  }

  #runOnCall(kind: "send" | "cancel" | "half-close", index: number): void {
    const called = this.calls[index % Math.max(this.calls.length, 1)];
    if (called === undefined) return;
    if (kind === "cancel") called.call?.cancel();
    if (!called.isStream || called.halfClosed) return;
    if (kind === "send") called.call?.sendMessage(numbered(index * 500, called.sent++));
    if (kind === "half-close") {
      called.halfClosed = true;
      called.call?.halfClose();
    }
  }

  /** Ends whatever is open, and looks at what is left. */
  finish(): void {
    const { link } = this;
    for (const { call } of this.calls) call?.setReceiving(true);
    link.settle();
    for (let round = 0; round < 40 && this.calls.some(({ ends }) => ends === 0); round++) {
      for (const world of [this.unary, this.stream]) {
        for (const [i] of world.held.entries()) world.finish(i, 10);
      }
      link.settle();
      for (const { call, isStream } of this.calls) if (isStream && round > 20) call?.cancel();
      link.advance(10);
    }
    expect(this.calls.map(({ ends }) => ends)).toEqual(this.calls.map(() => 1));
    for (const { held } of [this.unary, this.stream]) {
      for (const { finished, cancelled, call } of held) {
        expect(call.open).toBe(false);
        expect(finished + cancelled).toBeLessThanOrEqual(1);
      }
    }
    expect([link.client.openCalls, link.server.openCalls]).toEqual([0, 0]);
    expect([link.client.bufferedBytes, link.server.bufferedBytes]).toEqual([0, 0]);
  }
}

test("every call ends exactly once, and nothing is left behind", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.constantFrom(65_535, 100_000, 1 << 20),
      fc.constantFrom(1, 3, 0xffff_ffff),
      fc.constantFrom(1e9, 1000, 77),
      (steps, windowBytes, maxStreams, cut) => {
        const scene = new Scene(windowBytes, maxStreams, cut);
        for (const each of steps) scene.run(each);
        scene.finish();
        if (!scene.link.client.acceptsCalls) return;
        // Windows are as good as new: more than a window passes in both directions.
        const before = scene.calls.length;
        for (let i = 0; i < 8; i++) scene.start(false, 40_000, Number.POSITIVE_INFINITY);
        scene.finish();
        expect(scene.calls.slice(before).every(({ ends }) => ends === 1)).toBe(true);
      },
    ),
    { numRuns: 150 },
  );
});
