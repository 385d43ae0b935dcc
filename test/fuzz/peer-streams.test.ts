/** Bytes on the streams between members: messages come out, or an error that says what is wrong. */
import { expect, test } from "vitest";
import { AppendDecoder, AppendEncoder, EntriesFrames } from "../../src/peer/append-stream.ts";
import { LeadingMessage, MessageDecoder, messageEncoder } from "../../src/peer/message-stream.ts";
import { type StreamDecoder, StreamError } from "../../src/peer/stream-codec.ts";
import { concatBytes } from "../../src/stdx/bytes.ts";
import type { Prng } from "../../src/stdx/prng.ts";
import {
  createMessage,
  decodeMessage,
  encodeMessage,
  MessageType,
} from "../../src/wire/gen/raft.ts";
import type { Message } from "../../src/wire/gen/raft.ts";
import { WireError } from "../../src/wire/wire-error.ts";
import { entryOf } from "../harness/wal.ts";
import { fuzz, FUZZ_TIMEOUT_MS, inPieces, MANY_INPUTS, mutated } from "../harness/fuzz.ts";

function appendOf(random: Prng, index: number, count: number): Message {
  const entries = Array.from({ length: count }, (_, i) =>
    entryOf(index + 1 + i, 3, random.below(60)),
  );
  const commit = random.below(index + count + 1);
  return createMessage({
    type: MessageType.MsgApp,
    from: 1n,
    to: 2n,
    term: 3,
    logTerm: 3,
    index,
    commit,
    entries,
  });
}

function conversation(random: Prng, encode: (message: Message) => Uint8Array): Uint8Array {
  const frames: Uint8Array[] = [];
  for (let index = 5, left = random.between(1, 6); left > 0; left--) {
    const count = random.below(4);
    frames.push(encode(appendOf(random, index, count)));
    index += count;
  }
  return concatBytes(frames);
}

/** How many messages came out, and whether the stream was found broken. */
function read(decoder: StreamDecoder, bytes: Uint8Array, random: Prng): [number, boolean] {
  let messages = 0;
  let isBroken = false;
  inPieces(bytes, random, (piece) => {
    if (isBroken) return;
    try {
      decoder.decode(piece, (message) => {
        messages++;
        expect(encodeMessage(message).length).toBeLessThan(100_000);
      });
    } catch (error) {
      if (!(error instanceof StreamError || error instanceof WireError)) throw error;
      expect(error.message).not.toBe("");
      isBroken = true;
    }
  });
  return [messages, isBroken];
}

test(
  "streams of appends, streams of messages, and single bodies",
  async () => {
    const seen = { messages: 0, broken: 0 };
    const count = await fuzz((random) => {
      const appends = new AppendEncoder(new EntriesFrames());
      const kinds = [
        [new AppendDecoder(2n, 1n), conversation(random, (message) => appends.encode(message))],
        [new MessageDecoder(), conversation(random, (message) => messageEncoder.encode(message))],
      ] as const;
      for (const [decoder, bytes] of kinds) {
        const [messages, isBroken] = read(decoder, mutated(bytes, random), random);
        seen.messages += messages;
        if (isBroken) seen.broken++;
      }
      const body = mutated(encodeMessage(appendOf(random, 9, 2)), random);
      const [, framed] = kinds[1];
      for (const attempt of [
        () => decodeMessage(body),
        () => new LeadingMessage().decode(framed),
      ]) {
        try {
          attempt();
        } catch (error) {
          if (!(error instanceof StreamError || error instanceof WireError)) throw error;
        }
      }
    });
    if (count >= MANY_INPUTS) expect(seen.messages).toBeGreaterThan(0);
    if (count >= MANY_INPUTS) expect(seen.broken).toBeGreaterThan(0);
  },
  FUZZ_TIMEOUT_MS,
);
