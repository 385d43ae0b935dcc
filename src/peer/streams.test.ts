/** The two kinds of streams: whatever is encoded comes out again, however the bytes are cut. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createEntry, createMessage, encodeMessage, MessageType } from "../wire/gen/raft.ts";
import type { Entry, Message } from "../wire/gen/raft.ts";
import { concatBytes } from "../stdx/bytes.ts";
import { AppendDecoder, AppendEncoder, EntriesFrames } from "./append-stream.ts";
import { LeadingMessage, MessageDecoder, messageEncoder } from "./message-stream.ts";
import type { StreamDecoder, StreamEncoder } from "./stream-codec.ts";

const dataBytes = fc.uint8Array({ maxLength: 300 });

const anyMessage: fc.Arbitrary<Message> = fc
  .record({
    type: fc.constantFrom(MessageType.MsgVote, MessageType.MsgHeartbeat, MessageType.MsgReadIndex),
    from: fc.constantFrom(1n, 0xffff_ffff_ffff_fff7n),
    to: fc.constantFrom(2n, 0x8000_0000_0000_0001n),
    term: fc.nat(),
    index: fc.nat(),
    reject: fc.boolean(),
    context: fc.option(dataBytes, { nil: undefined }),
    data: fc.array(dataBytes, { maxLength: 3 }),
  })
  .map(({ data, ...fields }) =>
    createMessage({ ...fields, entries: data.map((bytes) => createEntry({ data: bytes })) }),
  );

/** Appends as a leader makes them: as a rule each goes on where the last one ended. */
const appends: fc.Arbitrary<Message[]> = fc
  .array(
    fc.record({
      data: fc.array(dataBytes, { maxLength: 4 }),
      jump: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 5 })),
      newTerm: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, fc.constant(true)),
      commit: fc.nat(1000),
    }),
    { maxLength: 12 },
  )
  .map((steps) => {
    let index = 7;
    let term = 3;
    return steps.map(({ data, jump, newTerm, commit }) => {
      const logTerm = term;
      if (newTerm) term++;
      index += jump;
      const entries = data.map((bytes) => createEntry({ term, index: ++index, data: bytes }));
      const before = index - entries.length;
      const fields = { from: 1n, to: 2n, term, logTerm, index: before, commit, entries };
      return createMessage({ type: MessageType.MsgApp, ...fields });
    });
  });

/** Decodes `stream` cut at `cuts`, each a fraction of it. */
function decodeInPieces(decoder: StreamDecoder, stream: Uint8Array, cuts: number[]): Message[] {
  const messages: Message[] = [];
  const places = [...cuts.map((cut) => Math.floor(cut * stream.length)), stream.length];
  let start = 0;
  for (const end of places.sort((a, b) => a - b)) {
    if (end > start) decoder.decode(stream.slice(start, end), (message) => messages.push(message));
    start = end;
  }
  return messages;
}

/** The frames of `messages`, with heartbeats between them. */
function encodeAll(encoder: StreamEncoder, messages: readonly Message[]): Uint8Array {
  const frames = messages.flatMap((message) => [encoder.heartbeat(), encoder.encode(message)]);
  return concatBytes([...frames, encoder.heartbeat()]);
}

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 });

describe("message stream", () => {
  test("what is encoded comes out, however it is cut", () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 8 }), cuts, (messages, places) => {
        const stream = encodeAll(messageEncoder, messages);
        expect(decodeInPieces(new MessageDecoder(), stream, places)).toEqual(messages);
      }),
    );
  });

  test("a body that starts with a message gives it and what follows", () => {
    fc.assert(
      fc.property(anyMessage, dataBytes, fc.nat(400), (message, rest, cut) => {
        const body = concatBytes([messageEncoder.encode(message), rest]);
        const leading = new LeadingMessage();
        const first = leading.decode(body.slice(0, cut)) ?? leading.decode(body.slice(cut));
        expect(first?.message).toEqual(message);
        expect(first?.rest).toEqual(rest.slice(0, first?.rest.length));
      }),
    );
  });

  test.each([
    ["a length beyond all bounds", "8000000000000000"],
    ["a length a little beyond the bound", "0000000020000001"],
  ])("%s is refused before anything of it came", (_, hex) => {
    const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
    const decode = (): void => new MessageDecoder().decode(bytes, () => {});
    expect(decode).toThrow("rafthttp: error limit exceeded");
    expect(() => new LeadingMessage().decode(bytes)).toThrow("rafthttp: error limit exceeded");
  });

  test("random bytes end in an error or wait for more, and never hang", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), cuts, (bytes, places) => {
        for (const decoder of [new MessageDecoder(), new AppendDecoder(1n, 2n)]) {
          try {
            decodeInPieces(decoder, bytes, places);
          } catch (error) {
            expect(["StreamError", "WireError"]).toContain((error as Error).name);
          }
        }
      }),
    );
  });
});

describe("append stream", () => {
  test("what is encoded comes out, however it is cut", () => {
    fc.assert(
      fc.property(appends, cuts, (messages, places) => {
        const stream = encodeAll(new AppendEncoder(new EntriesFrames()), messages);
        expect(decodeInPieces(new AppendDecoder(2n, 1n), stream, places)).toEqual(messages);
      }),
    );
  });

  test("two followers get the same bytes, made once, as long as they are at the same place", () => {
    const entries = [3, 4, 5].map((index) => entryAt(index, 2));
    const frames = new EntriesFrames();
    const [first, second] = [new AppendEncoder(frames), new AppendEncoder(frames)];
    const start = append(2, 2, []);
    first.encode(start);
    second.encode({ ...start, to: 3n });
    const frame = first.encode(append(2, 2, entries));
    expect(second.encode({ ...append(2, 2, entries), to: 3n })).toBe(frame);
    expect(frame[0]).toBe(1);
    expect(first.encode(append(5, 2, []))).not.toBe(frame);
  });

  test("a frame is not that of a log which was replaced in between", () => {
    const frames = new EntriesFrames();
    const shared = entryAt(3, 2);
    const old = frames.encode([shared, entryAt(4, 2)], 2);
    const now = frames.encode([shared, entryAt(4, 3)], 2);
    expect(now).not.toEqual(old);
  });

  test("entries may only follow what both ends remember", () => {
    const encoder = new AppendEncoder(new EntriesFrames());
    const types = [
      append(2, 2, [entryAt(3, 2)]),
      append(3, 2, [entryAt(4, 2)]),
      append(3, 2, [entryAt(4, 2)]),
      append(4, 2, []),
      { ...append(4, 3, []), logTerm: 2 },
      append(4, 3, []),
    ].map((message) => encoder.encode(message)[0]);
    expect(types).toEqual([2, 1, 2, 1, 2, 1]);
  });

  test.each([
    ["a type that there is none of", "07", "failed to parse type 7 in msgappv2 stream"],
    ["a message beyond all bounds", "028000000000000000", "rafthttp: error limit exceeded"],
    ["an entry beyond all bounds", "0100000000000000018000000000000000", "error limit exceeded"],
  ])("%s is refused", (_, hex, text) => {
    const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
    expect(() => new AppendDecoder(1n, 2n).decode(bytes, () => {})).toThrow(text);
  });

  test("entries without end wait for bytes, which are few", () => {
    const decoder = new AppendDecoder(1n, 2n);
    const head = Uint8Array.from(Buffer.from("018000000000000000", "hex"));
    decoder.decode(head, () => expect.unreachable());
    for (let i = 0; i < 100; i++) decoder.decode(new Uint8Array(8), () => expect.unreachable());
  });
});

function entryAt(index: number, term: number): Entry {
  return createEntry({ index, term, data: Uint8Array.of(index, term) });
}

function append(index: number, term: number, entries: Entry[]): Message {
  const fields = { from: 1n, to: 2n, term, logTerm: term, index, commit: index, entries };
  return createMessage({ type: MessageType.MsgApp, ...fields });
}

test("a frame of a message is its length and its encoding", () => {
  const message = createMessage({ type: MessageType.MsgVote, from: 1n, to: 2n, term: 5 });
  const frame = messageEncoder.encode(message);
  expect(Buffer.from(frame).readBigUInt64BE()).toBe(BigInt(frame.length - 8));
  expect(frame.subarray(8)).toEqual(encodeMessage(message));
});
