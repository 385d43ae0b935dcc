import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesFromHex, bytesFromLatin1, concatBytes, hexFromBytes } from "../stdx/bytes.ts";
import type { HeaderBlock } from "./header-block.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { type FieldUse, HpackEncoder, writeInteger } from "./hpack-encoder.ts";
import { DYNAMIC_INDEX_MIN, STATIC_TABLE } from "./hpack-table.ts";
import { decodeHuffman, huffmanLength, writeHuffman } from "./huffman.ts";
import { HEADER_LIST_BYTES_MAX, HPACK_TABLE_BYTES_MAX } from "./limits.ts";
import { OutBuffer } from "./out-buffer.ts";

function hex(text: string): Uint8Array {
  const bytes = bytesFromHex(text.replaceAll(" ", ""));
  if (bytes === undefined) throw new Error(`Cannot read ${text}`);
  return bytes;
}

function decoded(decoder: HpackDecoder, bytes: Uint8Array): string[] | undefined {
  return lines(decoder.decode(bytes, 0, bytes.length));
}

function lines(block: HeaderBlock | undefined): string[] | undefined {
  return block?.fields.map(({ name, value }) => `${name}: ${value}`);
}

/** The dynamic table, newest first. */
function tableOf(decoder: HpackDecoder): string[] {
  const { table } = decoder;
  return Array.from({ length: table.count }, (_, i) => {
    const field = table.get(DYNAMIC_INDEX_MIN + i);
    return `${field?.name}: ${field?.value}`;
  });
}

function taken(out: OutBuffer): Uint8Array {
  return out.take() ?? new Uint8Array(0);
}

describe("RFC 7541 appendix C.1: integers", () => {
  test.each([
    ["C.1.1", 10, 5, "0a"],
    ["C.1.2", 1337, 5, "1f9a0a"],
    ["C.1.3", 42, 8, "2a"],
  ])("%s: writeInteger(%i) with %i bits", (_, value, bits, bytes) => {
    const out = new OutBuffer();
    writeInteger(out, 0, bits, value);
    expect(hexFromBytes(taken(out))).toBe(bytes);
  });

  test("decoding: a size update of 1337 is read as one integer", () => {
    const decoder = new HpackDecoder(HEADER_LIST_BYTES_MAX);
    expect(decoded(decoder, hex("3f9a0a"))).toEqual([]);
  });
});

describe("RFC 7541 appendix C.2: literals and indexes", () => {
  test.each([
    [
      "C.2.1",
      "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
      "custom-key: custom-header",
      ["custom-key: custom-header"],
    ],
    ["C.2.2", "040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path", []],
    ["C.2.3", "1008 7061 7373 776f 7264 0673 6563 7265 74", "password: secret", []],
    ["C.2.4", "82", ":method: GET", []],
  ])("%s", (_, bytes, field, table) => {
    const decoder = new HpackDecoder(HEADER_LIST_BYTES_MAX);
    expect(decoded(decoder, hex(bytes))).toEqual([field]);
    expect(tableOf(decoder)).toEqual(table);
  });
});

interface Step {
  readonly bytes: string;
  readonly fields: readonly string[];
  readonly table: readonly string[];
  readonly tableBytes: number;
}

const REQUESTS: readonly (readonly string[])[] = [
  [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
  [
    ":method: GET",
    ":scheme: http",
    ":path: /",
    ":authority: www.example.com",
    "cache-control: no-cache",
  ],
  [
    ":method: GET",
    ":scheme: https",
    ":path: /index.html",
    ":authority: www.example.com",
    "custom-key: custom-value",
  ],
];

const REQUEST_TABLES: readonly (readonly string[])[] = [
  [":authority: www.example.com"],
  ["cache-control: no-cache", ":authority: www.example.com"],
  ["custom-key: custom-value", "cache-control: no-cache", ":authority: www.example.com"],
];

const REQUEST_TABLE_BYTES = [57, 110, 164];

const DATE = "Mon, 21 Oct 2013 20:13:21 GMT";
const COOKIE = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";

const RESPONSES: readonly (readonly string[])[] = [
  [":status: 302", "cache-control: private", `date: ${DATE}`, "location: https://www.example.com"],
  [":status: 307", "cache-control: private", `date: ${DATE}`, "location: https://www.example.com"],
  [
    ":status: 200",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:22 GMT",
    "location: https://www.example.com",
    "content-encoding: gzip",
    `set-cookie: ${COOKIE}`,
  ],
];

const RESPONSE_TABLES: readonly (readonly string[])[] = [
  ["location: https://www.example.com", `date: ${DATE}`, "cache-control: private", ":status: 302"],
  [":status: 307", "location: https://www.example.com", `date: ${DATE}`, "cache-control: private"],
  [`set-cookie: ${COOKIE}`, "content-encoding: gzip", "date: Mon, 21 Oct 2013 20:13:22 GMT"],
];

const RESPONSE_TABLE_BYTES = [222, 222, 215];

function steps(
  bytes: readonly string[],
  fields: readonly (readonly string[])[],
  tables: readonly (readonly string[])[],
  tableBytes: readonly number[],
): Step[] {
  return bytes.map((each, i) => ({
    bytes: each,
    fields: fields[i],
    table: tables[i],
    tableBytes: tableBytes[i],
  }));
}

describe.each([
  [
    "C.3 requests without Huffman coding",
    0,
    steps(
      [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
      ],
      REQUESTS,
      REQUEST_TABLES,
      REQUEST_TABLE_BYTES,
    ),
  ],
  [
    "C.4 requests with Huffman coding",
    0,
    steps(
      [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
      ],
      REQUESTS,
      REQUEST_TABLES,
      REQUEST_TABLE_BYTES,
    ),
  ],
  [
    "C.5 responses without Huffman coding",
    256,
    steps(
      [
        `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a
         3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
        "4803 3330 37c1 c0bf",
        `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04
         677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49
         553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31`,
      ],
      RESPONSES,
      RESPONSE_TABLES,
      RESPONSE_TABLE_BYTES,
    ),
  ],
  [
    "C.6 responses with Huffman coding",
    256,
    steps(
      [
        `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e
         919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
        "4883 640e ffc1 c0bf",
        `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7
         821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed
         4ee5 b106 3d50 07`,
      ],
      RESPONSES,
      RESPONSE_TABLES,
      RESPONSE_TABLE_BYTES,
    ),
  ],
])("RFC 7541 appendix %s", (_, tableBytesMax, examples) => {
  test("every block and every state of the table", () => {
    const decoder = new HpackDecoder(HEADER_LIST_BYTES_MAX);
    if (tableBytesMax > 0) decoder.table.setBytesMax(tableBytesMax);
    for (const { bytes, fields, table, tableBytes } of examples) {
      expect(decoded(decoder, hex(bytes.replaceAll(/\s/g, "")))).toEqual(fields);
      expect(tableOf(decoder)).toEqual(table);
      expect(decoder.table.bytes).toBe(tableBytes);
    }
  });
});

describe("huffman", () => {
  test("writeHuffman and decodeHuffman are inverse for all bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = String.fromCharCode(...bytes);
        const coded = new Uint8Array(huffmanLength(text) + 2);
        expect(writeHuffman(text, coded, 1)).toBe(coded.length - 1);
        expect(decodeHuffman(coded, 1, coded.length - 1)).toBe(text);
      }),
    );
  });

  test.each([
    ["padding of eight ones", "ff"],
    ["padding of zeros", "00 00"],
    ["the end-of-string symbol", "3fff ffff ff"],
    ["a symbol cut short", "ff ff fe"],
  ])("decodeHuffman refuses %s (RFC 7541 section 5.2)", (_, bytes) => {
    const coded = hex(bytes);
    expect(decodeHuffman(coded, 0, coded.length)).toBeUndefined();
  });
});

describe("HpackDecoder refuses", () => {
  test.each([
    ["index 0", "80"],
    ["an index beyond the table", "be"],
    ["a literal whose name index is beyond the table", "7e 01 61"],
    ["an integer of too many bytes", "ff 80 80 80 80 80 01"],
    ["an integer that is cut off", "ff 80"],
    ["a string longer than the block", "00 01 61 05 61"],
    ["a missing value", "00 01 61"],
    ["a broken Huffman string", "00 81 ff 01 61"],
    ["a size update above what was announced", "3f e2 1f"],
    ["a size update after a field", "82 20"],
    ["a third size update", "20 20 20"],
  ])("%s", (_, bytes) => {
    expect(decoded(new HpackDecoder(HEADER_LIST_BYTES_MAX), hex(bytes))).toBeUndefined();
  });
});

describe("HpackDecoder bounds", () => {
  test("a header bomb: the list stops at its limit, the table stays in step", () => {
    const decoder = new HpackDecoder(10_000);
    const big = bytesFromLatin1("v".repeat(3000));
    // One large entry, then a thousand references to it.
    const bomb = concatBytes([
      hex("40 01 61 7f b9 16"),
      big,
      new Uint8Array(1000).fill(0xbe),
      hex("40 01 62 01 63"),
    ]);
    const block = decoder.decode(bomb, 0, bomb.length);
    expect(block?.truncated).toBe(true);
    expect(block?.fields.length).toBe(3);
    expect(decoded(decoder, hex("be"))).toEqual(["b: c"]);
  });

  test("a table bomb: entries beyond the table's size evict, and one too large empties it", () => {
    const decoder = new HpackDecoder(HEADER_LIST_BYTES_MAX);
    for (let i = 0; i < 1000; i++) decoded(decoder, hex("40 01 61 01 62"));
    expect(decoder.table.bytes).toBeLessThanOrEqual(HPACK_TABLE_BYTES_MAX);
    expect(decoder.table.count).toBe(Math.floor(HPACK_TABLE_BYTES_MAX / 34));
    const huge = concatBytes([hex("40 01 61 7f 81 1f"), bytesFromLatin1("v".repeat(4096))]);
    expect(decoded(decoder, huge)).toHaveLength(1);
    expect(decoder.table.count).toBe(0);
  });

  test("size updates down to 0 and up again", () => {
    const decoder = new HpackDecoder(HEADER_LIST_BYTES_MAX);
    decoded(decoder, hex("40 01 61 01 62"));
    expect(decoded(decoder, hex("20 3f e1 1f"))).toEqual([]);
    expect(decoder.table.count).toBe(0);
    decoded(decoder, hex("40 01 61 01 62"));
    expect(decoder.table.count).toBe(1);
  });
});

describe("HpackDecoder memory of blocks", () => {
  test("a repeated indexed block is the same object until the table changes", () => {
    const decoder = new HpackDecoder(HEADER_LIST_BYTES_MAX);
    decoded(decoder, hex("40 01 61 01 62"));
    const bytes = hex("82 be");
    const first = decoder.decode(bytes, 0, 2);
    expect(decoder.decode(bytes, 0, 2)).toBe(first);
    decoded(decoder, hex("40 01 63 01 64"));
    const after = decoder.decode(bytes, 0, 2);
    expect(after).not.toBe(first);
    expect(lines(after)).toEqual([":method: GET", "c: d"]);
  });

  test("a block with a literal is never remembered", () => {
    const decoder = new HpackDecoder(HEADER_LIST_BYTES_MAX);
    const bytes = hex("40 01 61 01 62");
    for (let i = 1; i <= 3; i++) {
      decoder.decode(bytes, 0, bytes.length);
      expect(decoder.table.count).toBe(i);
    }
  });
});

describe("HpackEncoder", () => {
  const names = fc.constantFrom(":path", "grpc-status", "token", "a", "x-y");
  const values = fc.oneof(
    fc.constantFrom("0", "/etcdserverpb.KV/Put", "abc", ""),
    fc.string({ maxLength: 300, unit: "grapheme-ascii" }),
  );
  const uses = fc.constantFrom<FieldUse>("repeated", "once", "secret");
  const blocks = fc.array(
    fc.record({
      fields: fc.array(fc.tuple(names, values, uses), { maxLength: 12 }),
      tableBytes: fc.option(fc.nat(5000), { nil: undefined, freq: 4 }),
    }),
    { maxLength: 30 },
  );

  test("whatever it writes, with any changes of the peer's table size, decodes to the same", () => {
    fc.assert(
      fc.property(blocks, (sequence) => {
        const encoder = new HpackEncoder();
        const decoder = new HpackDecoder(1 << 20);
        const out = new OutBuffer();
        for (const { fields, tableBytes } of sequence) {
          if (tableBytes !== undefined) encoder.setPeerTableBytes(tableBytes);
          encoder.begin(out);
          for (const [name, value, use] of fields) encoder.field(out, name, value, use);
          const bytes = taken(out);
          const expected = fields.map(([name, value]) => `${name}: ${value}`);
          expect(decoded(decoder, bytes)).toEqual(expected);
          expect(decoder.table.bytes).toBe(encoder.tableBytes);
        }
      }),
    );
  });

  test("a repeated field costs one byte, and leaves `changes` as it is", () => {
    const encoder = new HpackEncoder();
    const out = new OutBuffer();
    encoder.field(out, "grpc-status", "0", "repeated");
    taken(out);
    const { changes } = encoder;
    encoder.field(out, "grpc-status", "0", "repeated");
    expect(hexFromBytes(taken(out))).toBe("be");
    expect(encoder.changes).toBe(changes);
  });

  test("a secret is never indexed (RFC 7541 section 7.1.3)", () => {
    const out = new OutBuffer();
    new HpackEncoder().field(out, "authorization", "x", "secret");
    expect(hexFromBytes(taken(out))).toBe("1f080178");
  });

  test("the static table has 61 entries", () => {
    expect(STATIC_TABLE.length - 1).toBe(61);
    expect(STATIC_TABLE[31].name).toBe("content-type");
    expect(STATIC_TABLE[61].name).toBe("www-authenticate");
  });
});
