import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SimulatedDisk } from "../../sim/disk.ts";
import { putFile } from "../../test/harness/wal.ts";
import { crc32c } from "../stdx/crc32c.ts";
import { Prng } from "../stdx/prng.ts";
import { bytesFromHex, concatBytes, equalBytes, hexFromBytes } from "../stdx/bytes.ts";
import { encodeEntry } from "../wire/gen/raft.ts";
import type { Entry } from "../wire/gen/raft.ts";
import { encodeRecord } from "../wire/gen/wal.ts";
import { RecordBuffer } from "./record-buffer.ts";
import type { RecordReader } from "./record-reader.ts";
import { RecordType } from "./record-type.ts";
import { readerOf } from "./read-wal.ts";

function mustHex(text: string): Uint8Array {
  const bytes = bytesFromHex(text.replaceAll(" ", ""));
  if (bytes === undefined) throw new Error("not hex");
  return bytes;
}

/** A frame put together from the generated codec, field by field. */
function frame(type: number, crc: number, data: Uint8Array | undefined): Uint8Array {
  const record = encodeRecord({ type, crc, data });
  const padding = (8 - (record.length % 8)) % 8;
  const length = new Uint8Array(8);
  new DataView(length.buffer).setUint32(0, record.length, true);
  if (padding > 0) length[7] = 0x80 | padding;
  return concatBytes([length, record, new Uint8Array(padding)]);
}

function readerOver(...segments: Uint8Array[]): RecordReader {
  const disk = new SimulatedDisk({ random: new Prng(1) });
  const files = segments.map((bytes, n) => {
    putFile(disk, `/${n}.wal`, bytes);
    return disk.open(`/${n}.wal`, "read");
  });
  return readerOf(files);
}

const entries = fc.record<Entry>({
  type: fc.constantFrom(0, 1, 2),
  term: fc.nat(),
  index: fc.maxSafeNat(),
  data: fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined }),
});

describe("RecordBuffer", () => {
  test("writes the head of a new log as worked out by hand", () => {
    const records = new RecordBuffer(0);
    records.crcRecord();
    records.metadata(Uint8Array.of(8, 1, 16, 2));
    records.snapshot({ index: 0, term: 0 });
    expect(hexFromBytes(records.take())).toBe(
      [
        // type 4, crc 0: four bytes and four of padding.
        "0400000000000084 0804 1000 00000000",
        // type 1, crc 0xc59c3b29, four bytes of data: 14 and 2 of padding.
        "0e00000000000082 0801 10a9f6f0ac0c 1a04 08011002 0000",
        // type 5, crc 0xdfbfe799, data = index 0, term 0.
        "0e00000000000082 0805 1099cffffd0d 1a04 08001000 0000",
      ]
        .join("")
        .replaceAll(" ", ""),
    );
  });

  test("reads back the record of etcd's own tests", () => {
    const known = mustHex("0e00000000000000 0801 1099b5e4d003 1a04 08effd02");
    const reader = readerOver(known);
    expect(reader.next()).toBe(true);
    expect(reader.type).toBe(RecordType.METADATA);
    expect(reader.data).toEqual(mustHex("08effd02"));
    expect(reader.next()).toBe(false);
  });

  test("encodes entries exactly as the generated codec does, crc varints of every length included", () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.array(entries, { maxLength: 5 }), (seed, list) => {
        const records = new RecordBuffer(seed);
        const expected: Uint8Array[] = [];
        let crc = seed;
        for (const entry of list) {
          records.entry(entry);
          const data = encodeEntry(entry);
          crc = crc32c(crc, data);
          expected.push(frame(RecordType.ENTRY, crc, data));
        }
        expect(records.crc).toBe(crc);
        expect(records.take()).toEqual(concatBytes(expected));
      }),
    );
  });

  test("a checksum with a short varint moves the data down", () => {
    const lengths = new Set<number>();
    for (let index = 1; index < 2000; index++) {
      const records = new RecordBuffer(0);
      const entry: Entry = { type: 0, term: 1, index, data: Uint8Array.of(1, 2, 3) };
      records.entry(entry);
      const crc = crc32c(0, encodeEntry(entry));
      lengths.add(Math.ceil((32 - Math.clz32(crc)) / 7));
      expect(records.take()).toEqual(frame(RecordType.ENTRY, crc, encodeEntry(entry)));
    }
    expect([...lengths].sort()).toEqual([4, 5]);
  });

  test("take() lends the bytes while the other buffer fills, and grows with large entries", () => {
    const records = new RecordBuffer(0);
    const large: Entry = { type: 0, term: 1, index: 1, data: new Uint8Array(700_000).fill(3) };
    records.entry(large);
    const taken = records.take();
    const before = taken.slice();
    expect(() => records.take()).toThrow("being written");
    records.entry({ type: 0, term: 1, index: 2, data: Uint8Array.of(9) });
    expect(equalBytes(taken, before)).toBe(true);
    records.giveBack(taken);
    const reader = readerOver(concatBytes([before, records.take()]));
    expect(reader.next()).toBe(true);
    expect(reader.next()).toBe(true);
    expect(reader.next()).toBe(false);
  });
});

describe("RecordReader", () => {
  const data = (n: number): Uint8Array => new Uint8Array(n).fill(7);

  test("goes over segments and follows the chain of checksums", () => {
    const records = new RecordBuffer(0);
    records.crcRecord();
    records.metadata(data(100));
    const first = records.take().slice();
    records.giveBack(new Uint8Array(0));
    records.crcRecord();
    records.metadata(data(100));
    const second = records.take();
    const reader = readerOver(first, second);
    const types: number[] = [];
    while (reader.next()) types.push(reader.type);
    expect(types).toEqual([4, 1, 4, 1]);
    expect(reader.crc).toBe(records.crc);
    expect(reader.offset).toBe(second.length);
    const swapped = readerOver(second, first);
    expect(swapped.next()).toBe(true);
    expect(swapped.next()).toBe(true);
    expect(() => swapped.next()).toThrow("wal: crc mismatch");
  });

  test("a wrong record is torn only in the last segment and with a sector of zeros", () => {
    const crc = crc32c(0, data(2000));
    const good = frame(RecordType.METADATA, crc, data(2000));
    const torn = good.slice();
    torn.fill(0, 1024, 1536);
    expect(() => readerOver(torn).next()).toThrow("unexpected EOF: the last record is torn");
    expect(() => readerOver(torn, good).next()).toThrow("wal: crc mismatch");
    const flipped = good.slice();
    flipped[1024] ^= 1;
    expect(() => readerOver(flipped).next()).toThrow(
      /^wal: crc mismatch: the record says \d+, its data \d+, at offset 0 of "\/0.wal"; restore/,
    );
    // A length that covers the records behind and the zeros after them: cutting there would lose them.
    const chained = frame(RecordType.ENTRY, crc32c(crc, data(9)), data(9));
    const tooLong = concatBytes([good, chained, new Uint8Array(2048)]);
    tooLong[1] += 4;
    expect(() => readerOver(tooLong).next()).toThrow("but intact records begin inside it");
    // Behind a torn record there may well be a later one of the same write.
    const early = concatBytes([torn, chained, new Uint8Array(2048)]);
    expect(() => readerOver(early).next()).toThrow("unexpected EOF: the last record is torn");
    const partZero = good.slice();
    partZero.fill(0, 1025, 1536);
    expect(() => readerOver(partZero).next()).toThrow("wal: crc mismatch");
  });

  test("a record over the end is torn, unless it is not the last segment or intact ones follow", () => {
    const good = frame(RecordType.METADATA, crc32c(0, data(40)), data(40));
    const cut = good.subarray(0, good.length - 8);
    expect(() => readerOver(cut).next()).toThrow("unexpected EOF: the record runs over the end");
    expect(() => readerOver(good.subarray(0, 5)).next()).toThrow("unexpected EOF");
    expect(() => readerOver(cut, good).next()).toThrow("wal: crc mismatch: the record runs over");
    const first = crc32c(0, data(40));
    const follow = frame(RecordType.METADATA, crc32c(first, data(9)), data(9));
    const damaged = concatBytes([good, good, follow]);
    damaged[2] = 1;
    expect(() => readerOver(damaged).next()).toThrow("but intact records follow it");
    for (const [at, mask] of [
      [7, 1],
      [7, 0x80],
      [7, 0x08],
      [6, 1],
      [3, 0x80],
    ]) {
      const impossible = good.slice();
      impossible[at] ^= mask;
      expect(() => readerOver(impossible).next()).toThrow("the length word is impossible");
    }
  });

  test("hostile length words end in an error, never in a hang or a huge allocation", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 64 }), (bytes) => {
        const reader = readerOver(bytes);
        try {
          for (let n = 0; n < 10; n++) if (!reader.next()) return;
        } catch (error) {
          expect((error as Error).name).toBe("WalError");
        }
      }),
    );
  });
});
