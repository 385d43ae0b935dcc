import { describe, expect, test } from "vitest";
import { utf8FromBytes } from "../stdx/bytes.ts";
import {
  ConfChangeType,
  createConfState,
  decodeConfChange,
  encodeConfChange,
  type Entry,
  EntryType,
} from "../wire/gen/raft.ts";
import { standaloneEntries } from "./standalone-entries.ts";

const ADD = ConfChangeType.ConfChangeAddNode;
const ADD_LEARNER = ConfChangeType.ConfChangeAddLearnerNode;
const REMOVE = ConfChangeType.ConfChangeRemoveNode;
const UPDATE = ConfChangeType.ConfChangeUpdateNode;

function entryOf(type: ConfChangeType, nodeId: bigint, index: number): Entry {
  const data = encodeConfChange({ id: 0n, type, nodeId, context: undefined });
  return { type: EntryType.EntryConfChange, term: 1, index, data };
}

/** What is said at which index, as "+1" and "-2". */
function changesIn(entries: readonly Entry[]): string[] {
  return entries.map(({ index, data }) => {
    const { type, nodeId } = decodeConfChange(data ?? new Uint8Array(0));
    return `${index}:${type === REMOVE ? "-" : "+"}${nodeId}`;
  });
}

describe("standaloneEntries", () => {
  const place = { lastIndex: 9, term: 4 };

  test("removes voters and learners of the snapshot and of the log", () => {
    const confState = createConfState({ voters: [5n, 1n, 7n], learners: [3n] });
    const log = [entryOf(ADD, 4n, 7), entryOf(ADD_LEARNER, 2n, 8), entryOf(REMOVE, 7n, 9)];
    const entries = standaloneEntries(1n, confState, log, place);
    expect(changesIn(entries)).toEqual(["10:-2", "11:-3", "12:-4", "13:-5"]);
    expect(entries.every(({ term }) => term === 4)).toBe(true);
  });

  test("leaves a cluster of one as it is, whatever it was told of addresses", () => {
    const log = [entryOf(ADD, 1n, 1), entryOf(UPDATE, 2n, 2)];
    expect(standaloneEntries(1n, undefined, log, place)).toEqual([]);
  });

  test("adds first the member itself when the log does not name it", () => {
    const entries = standaloneEntries(1n, createConfState({ voters: [2n] }), [], place);
    expect(changesIn(entries)).toEqual(["10:+1", "11:-2"]);
    const { context } = decodeConfChange(entries[0].data ?? new Uint8Array(0));
    expect(utf8FromBytes(context ?? new Uint8Array(0))).toBe(
      '{"id":1,"peerURLs":["http://localhost:2380"]}',
    );
  });
});
