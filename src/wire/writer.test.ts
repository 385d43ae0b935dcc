import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Reader } from "./reader.ts";
import { beginEncoding, Writer } from "./writer.ts";

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer(64);
  writer.begin();
  write(writer);
  return writer.take();
}

describe("integers", () => {
  const edges = Array.from({ length: 53 }, (_, bits) => 2 ** bits).flatMap((n) => [n - 1, n, -n]);
  const safe = fc.oneof(fc.constantFrom(...edges, Number.MAX_SAFE_INTEGER), fc.maxSafeInteger());

  test("int64 writes what Reader.int64 reads", () => {
    fc.assert(
      fc.property(safe, (value) => {
        const bytes = written((writer) => writer.int64(value));
        expect(new Reader(bytes).int64()).toBe(value === 0 ? 0 : value);
        expect(new Reader(bytes).int64Bigint()).toBe(BigInt(value));
        if (value < 0) expect(bytes).toHaveLength(10);
      }),
    );
  });

  test("bigint writes what Reader reads, signed and unsigned, and as few bytes as possible", () => {
    const value = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n });
    const power = fc.integer({ min: 0, max: 63 }).map((bits) => 2n ** BigInt(bits));
    fc.assert(
      fc.property(fc.oneof(value, power), (n) => {
        const bytes = written((writer) => writer.bigint(n));
        const unsigned = BigInt.asUintN(64, n);
        expect(new Reader(bytes).uint64Bigint()).toBe(unsigned);
        expect(new Reader(bytes).int64Bigint()).toBe(BigInt.asIntN(64, n));
        expect(bytes).toHaveLength(Math.max(1, Math.ceil(unsigned.toString(2).length / 7)));
      }),
    );
  });

  test.each([NaN, Infinity, 1.5e9 + 0.5, 2 ** 53])("int64 refuses %d", (value) => {
    expect(() => written((writer) => writer.int64(value))).toThrow("Cannot encode");
  });
});

describe("memory", () => {
  test("bytes and strings longer than the block are written whole", () => {
    const lengths = fc.integer({ min: 0, max: 400 });
    fc.assert(
      fc.property(lengths, lengths, lengths, (a, b, c) => {
        const parts = [a, b, c].map((length) => new Uint8Array(length).map((_, i) => i));
        const text = "x\u00e9\u{1f600}".repeat(b);
        const bytes = written((writer) => {
          writer.string(text);
          for (const part of parts.toReversed()) writer.bytes(part);
          writer.string("y".repeat(a));
        });
        const reader = new Reader(bytes);
        expect(reader.string()).toBe("y".repeat(a));
        for (const part of parts) expect(reader.bytes()).toEqual(part);
        expect(reader.string()).toBe(text);
        expect(reader.more()).toBe(false);
      }),
    );
  });

  test("what take returned is never written again", () => {
    const writer = new Writer(64);
    const taken: Uint8Array[] = [];
    for (let i = 0; i < 500; i++) {
      writer.begin();
      writer.bytes(new Uint8Array(i % 50).fill(i & 0xff));
      taken.push(writer.take());
    }
    taken.forEach((bytes, i) => {
      expect(new Reader(bytes).bytes()).toEqual(new Uint8Array(i % 50).fill(i & 0xff));
    });
  });

  test("one large value costs its own size and little more", () => {
    const bytes = written((writer) => writer.bytes(new Uint8Array(1_000_000)));
    expect(bytes.buffer.byteLength).toBeLessThan(1_100_000);
  });

  test("begin drops a message that was never taken", () => {
    const writer = new Writer(64);
    writer.begin();
    writer.uint32(1);
    writer.begin();
    writer.uint32(2);
    expect(writer.take()).toEqual(Uint8Array.of(2));
  });

  test("reset reuses the block, also after it grew", () => {
    const writer = new Writer(64);
    writer.bytes(new Uint8Array(500));
    expect(writer.view()).toHaveLength(502);
    writer.reset();
    writer.uint32(300);
    expect(writer.view()).toEqual(Uint8Array.of(0xac, 0x02));
    expect(writer.view().buffer.byteLength).toBeGreaterThan(500);
  });
});

test("tags of one to five bytes are written in order", () => {
  for (const tag of [1, 127, 128, 10418, 16383, 16384, 2 ** 29 * 8 - 1]) {
    const bytes = written((writer) => {
      writer.bool(true);
      writer.tag(tag);
    });
    const reader = new Reader(bytes);
    expect(reader.tag()).toBe(tag);
    expect(reader.bool()).toBe(true);
  }
});

test("a frame can be put around a message", () => {
  const writer = new Writer();
  writer.begin();
  writer.string("hello");
  writer.uint32BigEndian(writer.size(0));
  writer.byte(0);
  expect([...writer.take()]).toEqual([0, 0, 0, 0, 6, 5, ...Buffer.from("hello")]);
  writer.begin();
  writer.uint32BigEndian(0xdeadbeef);
  expect([...writer.take()]).toEqual([0xde, 0xad, 0xbe, 0xef]);
});

test("an encoding that failed leaves the shared writer usable", () => {
  expect(() => beginEncoding().int64(0.1 + 2 ** 40)).toThrow("Cannot encode");
  const writer = beginEncoding();
  writer.uint32(7);
  expect(writer.take()).toEqual(Uint8Array.of(7));
});
