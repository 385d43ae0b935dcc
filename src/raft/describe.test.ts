import { expect, test } from "vitest";
import { bytesFromUtf8 } from "../stdx/bytes.ts";
import { EntryType, MessageType } from "../wire/gen/raft.ts";
import { parseSteps } from "../../test/harness/raft-steps.ts";
import { confChangeEntry } from "./confchange/conf-change.ts";
import {
  describeConfChange,
  describeEntry,
  describeHardState,
  describeMessage,
  describeReady,
} from "./describe.ts";
import { newMessage } from "./message.ts";
import { LOCAL_APPEND_TARGET } from "./node-id.ts";

function entry(data: string): { type: number; term: number; index: number; data: Uint8Array } {
  return { type: EntryType.EntryNormal, term: 1, index: 2, data: bytesFromUtf8(data) };
}

test("describeEntry quotes data", () => {
  expect(describeEntry(entry('a "b"\n'))).toBe('1/2 EntryNormal "a \\"b\\"\\n"');
  expect(describeEntry(entry("x"), () => "")).toBe("1/2 EntryNormal");
  expect(describeEntry({ type: 7, term: 1, index: 2, data: undefined })).toBe("1/2 7");
});

test("describeEntry shows the steps of configuration changes of both versions", () => {
  const steps = parseSteps("v1 l2 r3 u4");
  if (typeof steps === "string") throw new Error(steps);
  const change = { transition: 0, changes: steps, context: undefined };
  expect(describeEntry(confChangeEntry(change))).toBe("0/0 EntryConfChangeV2 v1 l2 r3 u4");
  const old = { id: 0n, type: 1, nodeId: 9n, context: undefined };
  expect(describeEntry(confChangeEntry(old))).toBe("0/0 EntryConfChange r9");
});

test("describeConfChange names transition, steps and context", () => {
  const change = {
    transition: 2,
    changes: [{ type: 3, nodeId: 10n }],
    context: bytesFromUtf8("why"),
  };
  expect(describeConfChange(change)).toBe(
    "transition:ConfChangeTransitionJointExplicit " +
      'changes:{type:ConfChangeAddLearnerNode node_id:10} context:"why"',
  );
});

test("describeMessage names targets, ids in hexadecimal", () => {
  const message = newMessage(MessageType.MsgStorageAppend, LOCAL_APPEND_TARGET);
  message.from = 0x8e9en;
  expect(describeMessage(message)).toBe("8e9e->AppendThread MsgStorageAppend Term:0 Log:0/0");
});

test("describeMessage puts several entries on lines of their own", () => {
  const message = newMessage(MessageType.MsgApp, 2n);
  message.entries = [entry("a"), entry("b")];
  expect(describeMessage(message)).toBe(
    'None->2 MsgApp Term:0 Log:0/0 Entries:[\n  1/2 EntryNormal "a"\n  1/2 EntryNormal "b"\n]',
  );
});

test("describeHardState leaves out a vote not cast", () => {
  expect(describeHardState({ term: 1, vote: 0n, commit: 2 })).toBe("Term:1 Commit:2");
});

test("describeReady of nothing says so", () => {
  const ready = {
    softState: undefined,
    hardState: undefined,
    readStates: [],
    entries: [],
    snapshot: undefined,
    committedEntries: [],
    messages: [],
    mustSync: false,
  };
  expect(describeReady(ready)).toBe("<empty Ready>");
});

test.each([
  ["x1", "unknown input: x1"],
  ["v", "unknown token v"],
  ["vx", 'strconv.ParseUint: parsing "x": invalid syntax'],
])("parseSteps refuses %j", (text, error) => {
  expect(parseSteps(text)).toBe(error);
});
