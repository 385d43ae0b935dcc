/**
 * JSON into messages, against what Go's jsonpb made of the same bytes: `testdata/jsonpb.jsonl` has one line per
 * text (a character per byte) with the JSON that came out again, or the error.
 */
import * as fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { bytesFromLatin1, bytesFromUtf8 } from "../stdx/bytes.ts";
import { JsonScanner } from "../stdx/go-json-scanner.ts";
import { JsonError } from "../stdx/json.ts";
import { Prng } from "../stdx/prng.ts";
import type { Codec } from "./codec.ts";
import * as services from "./gen/services.ts";
import { jsonFromMessage } from "./json.ts";
import { messageFromJson, messageFromTape } from "./json-input.ts";

interface Golden {
  readonly type: string;
  readonly text: string;
  readonly json?: string;
  readonly error?: string;
}

const FILE = path.join(import.meta.dirname, "testdata", "jsonpb.jsonl");
const GOLDEN = fs
  .readFileSync(FILE, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Golden);

const codecs = new Map<string, Codec<object>>();
for (const service of Object.values(services)) {
  for (const { request, response } of Object.values(service)) {
    for (const codec of [request, response]) codecs.set(codec.typeName, codec);
  }
}

function codecOf(type: string): Codec<object> {
  const codec = codecs.get(type);
  if (codec === undefined) throw new Error(`There is no message ${type}`);
  return codec;
}

/** Reads the first value of `bytes`, which come in pieces. */
function outcome(
  codec: Codec<object>,
  bytes: Uint8Array,
  prng: Prng,
): Omit<Golden, "type" | "text"> {
  const scanner = new JsonScanner();
  try {
    let tape = scanner.next();
    for (let at = 0; at < bytes.length && tape === "more"; ) {
      const end = at + 1 + prng.below(bytes.length - at);
      scanner.push(bytes.subarray(at, end));
      at = end;
      tape = scanner.next();
    }
    if (tape === "more") {
      scanner.finish();
      tape = scanner.next();
    }
    if (tape === "end" || tape === "more") return { error: "EOF" };
    return { json: jsonFromMessage(codec, messageFromTape(codec, tape)) };
  } catch (error) {
    if (error instanceof JsonError) return { error: error.message };
    throw error;
  }
}

test("messageFromTape makes of JSON what Go's jsonpb makes of it", () => {
  const prng = new Prng(1);
  expect(GOLDEN.length).toBeGreaterThan(200);
  for (const { type, text, ...wanted } of GOLDEN) {
    for (let cuts = 0; cuts < 3; cuts++) {
      expect(outcome(codecOf(type), bytesFromLatin1(text), prng), text).toEqual(wanted);
    }
  }
});

test("any bytes are read, or refused in words, in time that grows with their number", () => {
  const prng = new Prng(2);
  const types = [...codecs.values()];
  const endMs = Date.now() + 1500;
  for (let round = 0; Date.now() < endMs || round < 200; round++) {
    const { text } = prng.pick(GOLDEN);
    const bytes = bytesFromLatin1(text.repeat(1 + prng.below(3)));
    for (let change = prng.below(6); change > 0 && bytes.length > 0; change--) {
      bytes[prng.below(bytes.length)] = prng.below(256);
    }
    expect(outcome(prng.pick(types), bytes, prng)).toBeTypeOf("object");
  }
  const deep = '{"success":[{"request_txn":'.repeat(200_000);
  expect(outcome(codecOf("etcdserverpb.TxnRequest"), bytesFromUtf8(deep), prng)).toEqual({
    error: "invalid character '[' exceeded max depth",
  });
  const wide = `{"compare":[${"{},".repeat(300_000)}{}]}`;
  expect(outcome(codecOf("etcdserverpb.TxnRequest"), bytesFromUtf8(wide), prng).error).toBe(
    undefined,
  );
}, 60_000);

test("messages in each other are bounded as in what is decoded from bytes", () => {
  const nested = (depth: number): string =>
    `${'{"success":[{"request_txn":'.repeat(depth)}{}${"}]}".repeat(depth)}`;
  const codec = services.KVService.txn.request;
  expect(messageFromJson(codec, nested(140)).success).toHaveLength(1);
  expect(() => messageFromJson(codec, nested(200))).toThrow(
    "proto: messages nested deeper than 300",
  );
});
