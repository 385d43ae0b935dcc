import { expect, test } from "vitest";
import { MessageType } from "../wire/gen/raft.ts";
import { READ_REQUESTS_PENDING_MAX } from "./limits.ts";
import { newMessage } from "./message.ts";
import { ReadOnly } from "./read-only.ts";

const VOTERS = { incoming: new Set([1n, 2n, 3n]), outgoing: new Set<bigint>() };
const request = newMessage(MessageType.MsgReadIndex, 0n);

function indexes(readOnly: ReadOnly): number[] {
  return readOnly.takeConfirmed(VOTERS).map(({ index }) => index);
}

test("ReadOnly confirms reads in order, as far as a quorum has answered", () => {
  const readOnly = new ReadOnly();
  readOnly.add(request, 10);
  const first = readOnly.heartbeatContext();
  readOnly.add(request, 11);
  const second = readOnly.heartbeatContext();
  readOnly.acknowledge(1n, second);
  expect(indexes(readOnly)).toEqual([]);
  readOnly.acknowledge(2n, first);
  expect(indexes(readOnly)).toEqual([10]);
  readOnly.acknowledge(2n, first);
  expect(indexes(readOnly)).toEqual([]);
  readOnly.acknowledge(3n, second);
  expect(indexes(readOnly)).toEqual([11]);
  expect(readOnly.heartbeatContext()).toBeUndefined();
});

test("ReadOnly ignores contexts that are not its own", () => {
  const readOnly = new ReadOnly();
  readOnly.add(request, 10);
  readOnly.acknowledge(1n, undefined);
  readOnly.acknowledge(2n, new Uint8Array(3));
  expect(indexes(readOnly)).toEqual([]);
});

test("ReadOnly confirms no read that was not asked for, whatever peers answer", () => {
  const readOnly = new ReadOnly();
  readOnly.add(request, 10);
  const huge = new Uint8Array(8).fill(0x1f);
  readOnly.acknowledge(1n, huge);
  readOnly.acknowledge(2n, huge);
  expect(indexes(readOnly)).toEqual([10]);
});

test("ReadOnly writes the number of the newest read as 8 bytes, little endian", () => {
  const readOnly = new ReadOnly();
  for (let i = 0; i < 258; i++) readOnly.add(request, i);
  expect(readOnly.heartbeatContext()).toEqual(Uint8Array.of(2, 1, 0, 0, 0, 0, 0, 0));
});

test("ReadOnly holds a bounded number of reads", () => {
  const readOnly = new ReadOnly();
  for (let i = 0; i < READ_REQUESTS_PENDING_MAX; i++) readOnly.add(request, i);
  expect(readOnly.add(request, 1)).toBe(false);
});
