/**
 * Every message of proto/ against protobufjs, an independent implementation that reads the same files.
 *
 * Random values are made in protobufjs' terms. Its bytes must decode here to the same values under our
 * names, encode here to the same bytes, and those must decode there to the original again.
 */

import { basename, join } from "node:path";
import * as fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, test } from "vitest";
import { parseFolder } from "../../tools/gen-proto/schema.mjs";
import type { Codec } from "./codec.ts";
import { METHODS } from "./gen/services.ts";
import { jsonFromMessage } from "./json.ts";
import { messageFromJson } from "./json-input.ts";
import { WireError } from "./wire-error.ts";

const PROTO = join(import.meta.dirname, "../../proto");
const MAX_DEPTH = 3;

interface Generated {
  readonly encode: (message: object) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => object;
}

const types = typesOf(parseFolder(PROTO));
const codecs = new Map<string, Generated>();
for (const type of types) codecs.set(type.fullName, await loadCodec(type));

/** The messages that services carry also have a JSON form. */
const jsonCodecs = new Map<string, Codec<object>>();
for (const { request, response } of METHODS) {
  jsonCodecs.set(request.typeName, request).set(response.typeName, response);
}

function typesOf(namespace: protobuf.NamespaceBase): protobuf.Type[] {
  return namespace.nestedArray.flatMap((object) => {
    if (object instanceof protobuf.Type) return [object, ...typesOf(object)];
    return object instanceof protobuf.Namespace ? typesOf(object) : [];
  });
}

async function loadCodec(type: protobuf.Type): Promise<Generated> {
  const file = basename(type.filename ?? "", ".proto");
  const module = file === "etcdserver" ? "raft-internal" : file;
  const all: Record<string, unknown> = await import(`./gen/${module}.ts`);
  const name = type.name.charAt(0).toUpperCase() + type.name.slice(1);
  return {
    encode: all[`encode${name}`] as Generated["encode"],
    decode: all[`decode${name}`] as Generated["decode"],
  };
}

function isImplicit(field: protobuf.Field): boolean {
  return !field.required && !field.hasPresence && !field.partOf && !isMessage(field);
}

function isMessage(field: protobuf.Field): boolean {
  return field.resolvedType instanceof protobuf.Type;
}

function isNumber(field: protobuf.Field): boolean {
  return field.options?.["jstype"] === "JS_NUMBER";
}

/** Values of one field in protobufjs' terms; 64-bit integers are bigints until `toLong`. */
function valueOf(field: protobuf.Field, depth: number): fc.Arbitrary<unknown> {
  const type = field.resolvedType;
  if (type instanceof protobuf.Type) return messageOf(type, depth + 1);
  if (type instanceof protobuf.Enum) {
    const known = fc.constantFrom(...Object.values(type.values));
    // protobufjs drops unknown values of proto2 enums; etcd and this code keep them.
    return field.required ? known : fc.oneof(known, fc.integer());
  }
  const safe = BigInt(Number.MAX_SAFE_INTEGER);
  switch (field.type) {
    case "bytes":
      return fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 300 }));
    case "string":
      return fc.string({ unit: "binary", maxLength: 30 });
    case "bool":
      return fc.boolean();
    case "uint32":
    case "fixed32":
      return fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 0xffffffff }));
    case "uint64":
    case "fixed64":
      return edgy(0n, isNumber(field) ? safe : 2n ** 64n - 1n);
    case "int64":
      return isNumber(field) ? edgy(-safe, safe) : edgy(-(2n ** 63n), 2n ** 63n - 1n);
    default:
      throw new Error(`No arbitrary for ${field.fullName}: ${field.type}`);
  }
}

/** Integers of all sizes in bits, and those next to a power of two. */
function edgy(min: bigint, max: bigint): fc.Arbitrary<bigint> {
  const edges = Array.from({ length: 65 }, (_, bits) => 2n ** BigInt(bits));
  const near = edges.flatMap((edge) => [edge - 1n, edge, edge + 1n, -edge, -edge - 1n, 1n - edge]);
  const legal = [min, max, ...near].filter((value) => value >= min && value <= max);
  return fc.oneof(fc.constantFrom(...legal), fc.bigInt({ min, max }));
}

function messageOf(type: protobuf.Type, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const members: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of type.fieldsArray) {
    if (field.partOf || (depth > MAX_DEPTH && !field.required)) continue;
    const value = valueOf(field, depth);
    const optional = fc.option(value, { nil: undefined, freq: 2 });
    members[field.name] = field.repeated
      ? fc.array(value, { maxLength: 3 })
      : field.required
        ? value
        : optional;
  }
  const oneofs = depth > MAX_DEPTH ? [] : type.oneofsArray;
  const cases = oneofs.map((oneof) => {
    const entries = oneof.fieldsArray.map((f) => valueOf(f, depth).map((v) => ({ [f.name]: v })));
    return fc.oneof(fc.constant({}), ...entries);
  });
  return fc
    .tuple(fc.record(members), ...cases)
    .map(([plain, ...chosen]) => normalized(type, Object.assign({}, plain, ...chosen)));
}

/** Drops what a canonical encoder would not write. */
function normalized(type: protobuf.Type, plain: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.entries(plain).filter(([name, value]) => {
    const field = type.fields[name];
    if (value === undefined) return false;
    if (field.repeated) return (value as unknown[]).length > 0;
    if (field.options?.["(empty_is_absent)"] === true) return !isZero(value);
    return !isImplicit(field) || !isZero(value);
  });
  return Object.fromEntries(kept);
}

function isZero(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value === "object" && value !== null) return Object.values(value).every(isZero);
  return value === 0 || value === 0n || value === "" || value === false || value === undefined;
}

/** The message as protobufjs takes it: bigints as its Longs. */
function toTheirs(value: unknown): unknown {
  if (typeof value === "bigint") {
    const bits = BigInt.asUintN(64, value);
    return new protobuf.util.Long(Number(bits & 0xffffffffn) | 0, Number(bits >> 32n) | 0, true);
  }
  if (Array.isArray(value)) return value.map(toTheirs);
  if (value instanceof Uint8Array || typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, toTheirs(inner)]));
}

/** `peerURLs` is `peerUrls` here, `remaining_TTL` `remainingTtl`, `ID` `id`. */
function ourName(name: string): string {
  const spelled = name.replace(/IDs?|URLs?|TTL/g, (a) => `_${a.toLowerCase()}_`).replace(/_+$/, "");
  const joined = spelled.replace(/^_/, "").replace(/_+(.)/g, (_, c: string) => c.toUpperCase());
  return joined.charAt(0).toLowerCase() + joined.slice(1);
}

/** The message as our decoder must return it. */
function toOurs(type: protobuf.Type, plain: Record<string, unknown>): Record<string, unknown> {
  const ours: Record<string, unknown> = {};
  for (const oneof of type.oneofsArray) ours[ourName(oneof.name)] = undefined;
  for (const field of type.fieldsArray) {
    const given = plain[field.name];
    const convert = (value: unknown): unknown => ourValue(field, value);
    if (field.partOf) {
      if (given === undefined) continue;
      const chosen = { case: ourName(field.name), value: convert(given) };
      ours[ourName(field.partOf.name)] = chosen;
    } else if (field.repeated) {
      ours[ourName(field.name)] = ((given ?? []) as unknown[]).map(convert);
    } else {
      ours[ourName(field.name)] = given === undefined ? ourDefault(field) : convert(given);
    }
  }
  return ours;
}

function ourValue(field: protobuf.Field, value: unknown): unknown {
  if (field.resolvedType instanceof protobuf.Type) {
    return toOurs(field.resolvedType, value as Record<string, unknown>);
  }
  return typeof value === "bigint" && isNumber(field) ? Number(value) : value;
}

function ourDefault(field: protobuf.Field): unknown {
  if (!isImplicit(field)) return undefined;
  switch (field.type) {
    case "bytes":
      return new Uint8Array(0);
    case "string":
      return "";
    case "bool":
      return false;
    case "int64":
    case "uint64":
    case "fixed64":
      return isNumber(field) ? 0 : 0n;
    default:
      return 0;
  }
}

/** Decodes hostile bytes, and what came out of it encodes again. */
function survives(codec: Generated, bytes: Uint8Array): void {
  try {
    codec.encode(codec.decode(bytes));
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
  }
}

test("every message of proto/ has a generated codec", () => {
  expect(types.length).toBeGreaterThan(120);
  for (const codec of codecs.values()) {
    expect(codec.encode).toBeTypeOf("function");
    expect(codec.decode).toBeTypeOf("function");
  }
});

describe.each(types.map((type) => [type.fullName.slice(1), type] as const))("%s", (_name, type) => {
  const codec = codecs.get(type.fullName) as Generated;
  const jsonCodec = jsonCodecs.get(type.fullName.slice(1));

  test("encodes and decodes as protobufjs does", () => {
    fc.assert(
      fc.property(messageOf(type, 0), (plain) => {
        const theirs = type.encode(toTheirs(plain) as Record<string, unknown>).finish();
        const decoded = codec.decode(theirs);
        expect(decoded).toEqual(toOurs(type, plain));
        const ours = codec.encode(decoded);
        expect(Buffer.compare(ours, theirs)).toBe(0);
        const again = type.encode(type.decode(ours)).finish();
        expect(Buffer.compare(again, theirs)).toBe(0);
      }),
      { numRuns: 20 },
    );
  });

  if (jsonCodec !== undefined) {
    test("has the JSON form that protobufjs gives it", () => {
      fc.assert(
        fc.property(messageOf(type, 0), (plain) => {
          const bytes = type.encode(toTheirs(plain) as Record<string, unknown>).finish();
          const message = codec.decode(bytes);
          const json = jsonFromMessage(jsonCodec, message);
          const options = { longs: String, enums: String, bytes: String };
          expect(JSON.parse(json)).toEqual(type.toObject(type.decode(bytes), options));
          expect(messageFromJson(jsonCodec, json)).toEqual(message);
        }),
        { numRuns: 12 },
      );
    });
  }

  test("every truncation and changed bits give a value or a WireError", () => {
    for (const plain of fc.sample(messageOf(type, 0), { numRuns: 4, seed: 42 })) {
      const bytes = type.encode(toTheirs(plain) as Record<string, unknown>).finish();
      const step = Math.ceil(bytes.length / 200);
      for (let length = 0; length < bytes.length; length += step) {
        survives(codec, bytes.slice(0, length));
        const changed = bytes.slice();
        changed[length] ^= 1 << (length % 8);
        survives(codec, changed);
      }
    }
  });

  test("the encoding of a fresh message is that of no values", () => {
    const fresh = codec.encode(codec.decode(new Uint8Array(0)));
    const ours = codec.encode(codec.decode(fresh));
    expect(Buffer.compare(fresh, ours)).toBe(0);
    if (!type.fieldsArray.some((field) => field.required)) expect(fresh).toHaveLength(0);
  });
});
