/** HTTP/2 input: whatever comes, the connection answers or ends with a reason, and keeps little. */
import { expect, test } from "vitest";
import { GrpcServerConnection } from "../../src/http2/grpc-server.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../../src/http2/grpc-server-types.ts";
import { CLIENT_PREFACE, FrameType } from "../../src/http2/protocol.ts";
import { RecordedEvents } from "../../src/http2/testing/memory-link.ts";
import {
  callFields,
  END_BOTH,
  END_STREAM,
  frame,
  grpcMessage,
  headersFrame,
  messageFrame,
  uint32,
} from "../../src/http2/testing/raw-peer.ts";
import { concatBytes } from "../../src/stdx/bytes.ts";
import type { Prng } from "../../src/stdx/prng.ts";
import { fuzz, FUZZ_TIMEOUT_MS, inPieces, MANY_INPUTS, mutated } from "../harness/fuzz.ts";

/** Bytes that a connection may keep of conversations of some kilobytes. */
const KEPT_BYTES_MAX = 2_000_000;

class Echo implements GrpcMethodHandler {
  readonly kind: "unary" | "stream";

  constructor(kind: "unary" | "stream") {
    this.kind = kind;
  }

  onMessage(call: GrpcServerCall, message: Uint8Array): void {
    const { kind } = this;
    if (kind === "unary") call.sendUnary(message.slice());
    else call.sendMessage(message.slice());
  }

  onHalfClose(call: GrpcServerCall): void {
    call.sendStatus(0, "");
  }

  onCancel(): void {}
}

const METHODS = new Map([
  ["/a.B/U", new Echo("unary")],
  ["/a.B/S", new Echo("stream")],
]);

function someFrame(random: Prng): Uint8Array {
  const id = random.chance(0.9) ? 1 + 2 * random.below(6) : random.below(10);
  const payload = new Uint8Array(random.below(40));
  random.fill(payload);
  switch (random.below(9)) {
    case 0:
      return headersFrame(id, callFields(random.chance(0.5) ? "/a.B/U" : "/a.B/S"));
    case 1:
      return headersFrame(id, callFields("/a.B/U"), END_BOTH);
    case 2:
      return messageFrame(id, payload, random.chance(0.3) ? END_STREAM : 0);
    case 3:
      return frame(FrameType.DATA, 0, id, grpcMessage(payload).subarray(0, random.below(20)));
    case 4:
      return frame(
        FrameType.SETTINGS,
        random.below(2),
        0,
        payload.subarray(0, 6 * random.below(4)),
      );
    case 5:
      return frame(
        FrameType.WINDOW_UPDATE,
        0,
        random.chance(0.5) ? 0 : id,
        uint32(random.below(1 << 30)),
      );
    case 6:
      return frame(FrameType.RST_STREAM, 0, id, uint32(random.below(20)));
    case 7:
      return frame(random.below(12), random.below(256), id, payload);
    default:
      return frame(FrameType.PING, random.below(2), 0, new Uint8Array(8));
  }
}

test(
  "conversations with changed bytes, and frames in any order",
  async () => {
    let ended = 0;
    const count = await fuzz((random) => {
      const events = new RecordedEvents();
      const config = { lookup: (path: string) => METHODS.get(path) };
      const connection = new GrpcServerConnection({ config, events });
      connection.start(0);
      const frames = Array.from({ length: random.between(1, 30) }, () => someFrame(random));
      const greeting = [CLIENT_PREFACE, frame(FrameType.SETTINGS, 0, 0)];
      const bytes = concatBytes([...greeting, ...frames]);
      let nowMs = 0;
      inPieces(random.chance(0.6) ? mutated(bytes, random) : bytes, random, (piece) => {
        connection.receive(piece, nowMs++);
        if (random.chance(0.5)) while (connection.takeOutput() !== undefined);
        expect(connection.bufferedBytes).toBeLessThan(KEPT_BYTES_MAX);
      });
      while (connection.takeOutput() !== undefined);
      if (connection.shouldClose) {
        ended++;
        expect(connection.closeReason).not.toBe("");
      }
      connection.socketClosed("gone");
      expect(connection.openCalls).toBe(0);
      expect(connection.bufferedBytes).toBe(0);
    });
    // Both ends of what can be are reached.
    if (count >= MANY_INPUTS) expect(ended).toBeGreaterThan(count / 10);
    if (count >= MANY_INPUTS) expect(ended).toBeLessThan(count);
  },
  FUZZ_TIMEOUT_MS,
);
