import fc from "fast-check";
import { expect, test } from "vitest";
import { equalBytes } from "../stdx/bytes.ts";
import { encodeSnapshotResponse } from "./gen/rpc.ts";
import { SNAPSHOT_CHUNK_HEAD_BYTES, snapshotChunk } from "./snapshot-chunk.ts";

test("snapshotChunk is the message that the codec writes", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40_000 }).map((length) => new Uint8Array(length).fill(length)),
      fc.oneof(fc.nat(300), fc.maxSafeNat()),
      (blob, remainingBytes) => {
        const memory = new Uint8Array(SNAPSHOT_CHUNK_HEAD_BYTES + blob.length + 10).fill(0xee);
        memory.set(blob, SNAPSHOT_CHUNK_HEAD_BYTES);
        const message = { header: undefined, remainingBytes, blob };
        const chunk = snapshotChunk(memory, blob.length, remainingBytes);
        expect(equalBytes(chunk, encodeSnapshotResponse(message))).toBe(true);
      },
    ),
  );
});

test("snapshotChunk uses its memory again", () => {
  const memory = new Uint8Array(SNAPSHOT_CHUNK_HEAD_BYTES + 3);
  snapshotChunk(memory, 3, Number.MAX_SAFE_INTEGER);
  memory.set([1, 2, 3], SNAPSHOT_CHUNK_HEAD_BYTES);
  const blob = new Uint8Array([1, 2, 3]);
  const message = { header: undefined, remainingBytes: 0, blob };
  expect(snapshotChunk(memory, 3, 0)).toEqual(encodeSnapshotResponse(message));
});
