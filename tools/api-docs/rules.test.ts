import { expect, test } from "vitest";
import { load } from "./rules.mjs";

const INTERFACE = 256;
const PROPERTY = 1024;
const CALL_SIGNATURE = 4096;

interface Fake {
  readonly name: string;
  readonly kind: number;
  readonly says: string;
  readonly type: string;
  readonly isOptional?: boolean;
  readonly isExternal?: boolean;
}

/** What the rules say of one exported thing, in an interface of options. */
function complaints({ name, kind, says, type, isOptional = false, isExternal = false }: Fake) {
  const flags = { isOptional, isExternal, isPrivate: false };
  const parent = {
    name: "SomeOptions",
    kind: INTERFACE,
    flags: { isOptional: false, isExternal: false, isPrivate: false },
    getFullName: () => "SomeOptions",
  };
  const reflection = {
    name,
    kind,
    comment: { summary: [{ kind: "text", text: says }], blockTags: [] },
    parent,
    type: { type: "reference", name: type },
    flags,
    getFullName: () => name,
  };
  const found: string[] = [];
  load({
    on: (_, run) => run({ reflections: { 1: reflection } }),
    logger: { validationWarning: (message) => found.push(message) },
  });
  return found;
}

test("a number says what it counts, in its name or in words", () => {
  const limit = { name: "limit", kind: PROPERTY, says: "Not more.", type: "number" };
  expect(complaints(limit)).toEqual(["limit does not say what it counts"]);
  expect(complaints({ ...limit, name: "limitBytes" })).toEqual([]);
  expect(complaints({ ...limit, says: "Not more seconds." })).toEqual([]);
  expect(complaints({ ...limit, isExternal: true })).toEqual([]);
});

test("an option says what holds without it, unless it is a switch", () => {
  const option = { name: "name", kind: PROPERTY, says: "Of it.", type: "string", isOptional: true };
  expect(complaints(option)).toEqual(["name does not say what holds when it is left out"]);
  expect(complaints({ ...option, says: "Of it; empty when absent." })).toEqual([]);
  expect(complaints({ ...option, type: "boolean" })).toEqual([]);
  expect(complaints({ ...option, isOptional: false })).toEqual([]);
});

test("what waits says how it fails", () => {
  const call = { name: "wait", kind: CALL_SIGNATURE, says: "Until then.", type: "Promise" };
  expect(complaints(call)).toEqual(["wait does not say how it fails"]);
  expect(complaints({ ...call, says: "Throws `EtcdError`." })).toEqual([]);
  expect(complaints({ ...call, type: "void" })).toEqual([]);
});
