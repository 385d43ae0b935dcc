import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, equalBytes } from "../stdx/bytes.ts";
import { SPARE_BUFFER_BYTES_MAX, SPARE_BUFFER_BYTES_MIN, SPARE_BYTES_MAX } from "./limits.ts";
import { OutBuffer } from "./out-buffer.ts";
import { SpareBuffers } from "./spare-buffers.ts";

describe("OutBuffer", () => {
  /** What a writer of the bytes does: lets go of them, or reads them much later. */
  const step = fc.record({
    appends: fc.array(fc.nat({ max: 200_000 }), { maxLength: 4 }),
    writtenAtOnce: fc.boolean(),
  });

  test("what was taken stays as it is until it is said to be written, whatever other buffers do", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 2 }), step), { maxLength: 30 }), (steps) => {
        const buffers = [new OutBuffer(), new OutBuffer(), new OutBuffer()];
        const slow = buffers.map((): { taken: Uint8Array; copy: Uint8Array }[] => []);
        let fill = 0;
        for (const [at, { appends, writtenAtOnce }] of steps) {
          const pieces = appends.map((count) => new Uint8Array(count).fill(++fill));
          for (const piece of pieces) buffers[at].append(piece, 0, piece.length);
          const taken = buffers[at].take() ?? new Uint8Array(0);
          expect(equalBytes(taken, concatBytes(pieces))).toBe(true);
          const waits = slow[at].length > 0;
          // As a socket: once it is behind, nothing is written whole before everything is.
          if (writtenAtOnce && !waits) buffers[at].reuse();
          else if (writtenAtOnce) slow[at].length = 0;
          else slow[at].push({ taken, copy: taken.slice() });
          for (const { taken: kept, copy } of slow.flat())
            expect(equalBytes(kept, copy)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("small output goes into the same memory again once it was written", () => {
    const out = new OutBuffer();
    out.append(new Uint8Array(100), 0, 100);
    const first = out.take();
    out.reuse();
    out.append(new Uint8Array(50), 0, 50);
    const second = out.take();
    expect(second?.buffer).toBe(first?.buffer);
    expect(second?.byteOffset).toBe(first?.byteOffset);
  });

  test("large output of one connection goes into the memory of another's", () => {
    const [one, other] = [new OutBuffer(), new OutBuffer()];
    one.append(new Uint8Array(300_000), 0, 300_000);
    const first = one.take();
    one.reuse();
    other.append(new Uint8Array(300_000), 0, 300_000);
    expect(other.take()?.buffer).toBe(first?.buffer);
  });

  test("what comes after a take is not lost by reuse", () => {
    const out = new OutBuffer();
    out.append(new Uint8Array([1]), 0, 1);
    out.take();
    out.append(new Uint8Array([2]), 0, 1);
    out.reuse();
    expect(out.take()).toEqual(new Uint8Array([2]));
  });
});

describe("SpareBuffers", () => {
  test("a buffer is as large as asked for, and comes back to who asks for its size", () => {
    const spare = new SpareBuffers();
    const buffer = spare.take(SPARE_BUFFER_BYTES_MIN + 1);
    expect(buffer.length).toBe(2 * SPARE_BUFFER_BYTES_MIN);
    spare.give(buffer);
    expect(spare.bytes).toBe(buffer.length);
    expect(spare.take(1)).not.toBe(buffer);
    expect(spare.take(buffer.length)).toBe(buffer);
    expect(spare.bytes).toBe(0);
  });

  test("no more is kept than the bound, and nothing that is too large", () => {
    const spare = new SpareBuffers();
    const many = 2 * (SPARE_BYTES_MAX / SPARE_BUFFER_BYTES_MAX);
    for (let i = 0; i < many; i++) spare.give(new Uint8Array(SPARE_BUFFER_BYTES_MAX));
    expect(spare.bytes).toBe(SPARE_BYTES_MAX);
    const huge = spare.take(SPARE_BUFFER_BYTES_MAX + 1);
    expect(huge.length).toBe(SPARE_BUFFER_BYTES_MAX + 1);
    const other = new SpareBuffers();
    other.give(huge);
    expect(other.bytes).toBe(0);
  });
});
