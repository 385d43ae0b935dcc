/** Bytes that a member of etcd 3.5.16 sent on its streams: read, and written again. */
import { expect, test } from "vitest";
import { bytesFromHex, concatBytes, EMPTY_BYTES, hexFromBytes } from "../stdx/bytes.ts";
import { createSnapshot, MessageType } from "../wire/gen/raft.ts";
import type { Message } from "../wire/gen/raft.ts";
import { AppendDecoder, AppendEncoder, EntriesFrames } from "./append-stream.ts";
import { MessageDecoder, messageEncoder } from "./message-stream.ts";
import type { StreamDecoder } from "./stream-codec.ts";

const THEM = 0xbbb1_c133_f9a9_abb4n;
const US = 0xab9c_9cdd_08d4_6393n;

/** To us, from them. */
const IDS = "1093c7d1c6d09ba7ceab0118b4d7a6cdbfa6f0d8bb01";

const MESSAGES = [
  ["MsgPreVote", `000000000000003008 11 ${IDS} 20022801300240004a0a12080a0228001000180050005800`],
  ["MsgVote", `000000000000003008 05 ${IDS} 20022801300240004a0a12080a0228001000180050005800`],
  [
    "MsgHeartbeat",
    `000000000000003a08 08 ${IDS} 20022800300040044a0a12080a02280010001800500058006208abb4a218eefeec03`,
  ],
] as const;

/** Between members that have nothing to say. */
const LINK_HEARTBEAT =
  "000000000000001e 08081000180020002800300040004a0a12080a0228001000180050005800";

const APPENDS = [
  // The leader's first entry, of its term and before that of no other.
  `02 0000000000000038 0803${IDS}2002280130023a0608001002180340024a0a12080a0228001000180050005800`,
  // A new commit index: both ends know term and place by now.
  "01 0000000000000000 0000000000000004",
  `01 0000000000000001 000000000000001d 0800100218042215220e0a0966726f6d2d6f757273120176a206020807
    0000000000000006`,
  "00",
  "01 0000000000000000 0000000000000007",
];

function bytesOf(hex: string): Uint8Array {
  return bytesFromHex(hex.replace(/\s/g, "")) ?? EMPTY_BYTES;
}

function decodeAll(decoder: StreamDecoder, bytes: Uint8Array): Message[] {
  const messages: Message[] = [];
  decoder.decode(bytes, (message) => messages.push(message));
  return messages;
}

/** As etcd 3.5 writes it: with an empty snapshot, which is left out here. */
function withSnapshot(message: Message): Message {
  return { ...message, snapshot: createSnapshot() };
}

test.each(MESSAGES)("%s on the message stream", (name, hex) => {
  const bytes = bytesOf(hex);
  const [message] = decodeAll(new MessageDecoder(), bytes);
  expect(message).toMatchObject({ type: MessageType[name], from: THEM, to: US, term: 2 });
  expect(hexFromBytes(messageEncoder.encode(withSnapshot(message)))).toBe(hexFromBytes(bytes));
});

test("heartbeats of the message stream are left out", () => {
  expect(decodeAll(new MessageDecoder(), bytesOf(LINK_HEARTBEAT))).toEqual([]);
});

test("appends on their own stream", () => {
  const stream = concatBytes(APPENDS.map(bytesOf));
  const messages = decodeAll(new AppendDecoder(US, THEM), stream);
  const shared = { type: MessageType.MsgApp, from: THEM, to: US, term: 2 };
  expect(messages).toMatchObject([
    { ...shared, index: 2, logTerm: 1, commit: 2, entries: [{ term: 2, index: 3 }] },
    { ...shared, index: 3, logTerm: 2, commit: 4, entries: [] },
    { ...shared, index: 3, logTerm: 2, commit: 6, entries: [{ term: 2, index: 4 }] },
    { ...shared, index: 4, logTerm: 2, commit: 7, entries: [] },
  ]);
  const encoder = new AppendEncoder(new EntriesFrames());
  const frames = [withSnapshot(messages[0]), ...messages.slice(1)].map((message) =>
    encoder.encode(message),
  );
  frames.splice(3, 0, encoder.heartbeat());
  expect(hexFromBytes(concatBytes(frames))).toBe(hexFromBytes(stream));
});
