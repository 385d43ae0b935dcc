/**
 * Text forms of everything raft hands out: messages, entries, `Ready`. Logs use them, and the scripts
 * that raft is tested with compare them letter by letter, so the wording is that of the library those
 * scripts come from.
 *
 * Source: etcd-io/raft util.go.
 */
import { EMPTY_BYTES, bytesFromLatin1, latin1FromBytes, utf8FromBytes } from "../stdx/bytes.ts";
import { goQuote } from "../stdx/go-quote.ts";
import { ConfChangeTransition, ConfChangeType, EntryType, MessageType } from "../wire/gen/raft.ts";
import type {
  ConfChangeV2,
  ConfState,
  Entry,
  HardState,
  Message,
  Snapshot,
} from "../wire/gen/raft.ts";
import { confChangeOfEntry, describeSteps } from "./confchange/conf-change.ts";
import { LOCAL_APPEND_TARGET, LOCAL_APPLY_TARGET, NONE, formatId } from "./node-id.ts";
import type { NodeId } from "./node-id.ts";
import type { Role, SoftState } from "./raft.ts";
import type { ReadState } from "./read-only.ts";
import type { Ready } from "./ready.ts";
import { isEmptyHardState, isEmptySnapshot } from "./snapshot.ts";

/** Turns the data of an entry into text; the default quotes it. */
export type EntryFormatter = (data: Uint8Array) => string;

/** Bytes as quoted text: printable characters as they are, the rest escaped. */
function quoteBytes(bytes: Uint8Array): string {
  return utf8FromBytes(bytesFromLatin1(goQuote(latin1FromBytes(bytes))));
}

const ROLE_NAMES: Readonly<Record<Role, string>> = {
  follower: "StateFollower",
  candidate: "StateCandidate",
  leader: "StateLeader",
  preCandidate: "StatePreCandidate",
};

const MESSAGE_TYPE_NAMES = namesByValue(MessageType);
const ENTRY_TYPE_NAMES = namesByValue(EntryType);
const CONF_CHANGE_TYPE_NAMES = namesByValue(ConfChangeType);
const TRANSITION_NAMES = namesByValue(ConfChangeTransition);

function namesByValue(values: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(values).map(([name, value]) => [value, name]));
}

/** The protocol's name of a role. */
export function describeRole(role: Role): string {
  return ROLE_NAMES[role];
}

/** The protocol's name of a message type, its number when it has none. */
export function describeMessageType(type: MessageType): string {
  return MESSAGE_TYPE_NAMES.get(type) ?? String(type);
}

/** `Term:1 Vote:1 Commit:2`; a vote not cast is left out. */
export function describeHardState(state: HardState): string {
  const vote = state.vote === NONE ? "" : ` Vote:${state.vote}`;
  return `Term:${state.term}${vote} Commit:${state.commit}`;
}

/** `Lead:1 State:StateFollower`. */
export function describeSoftState(state: SoftState): string {
  return `Lead:${state.lead} State:${describeRole(state.role)}`;
}

/** All parts of a configuration, in the form snapshots carry. */
export function describeConfState(state: ConfState): string {
  return (
    `Voters:${list(state.voters)} VotersOutgoing:${list(state.votersOutgoing)} ` +
    `Learners:${list(state.learners)} LearnersNext:${list(state.learnersNext)} ` +
    `AutoLeave:${state.autoLeave}`
  );
}

function list(values: readonly (NodeId | number)[]): string {
  return `[${values.join(" ")}]`;
}

/** Index, term and configuration of a snapshot; not its data. */
export function describeSnapshot(snapshot: Snapshot): string {
  const { index, term, confState } = snapshot.metadata;
  return `Index:${index} Term:${term} ConfState:${describeConfState(confState)}`;
}

/** A change with its transition and steps. */
export function describeConfChange(change: ConfChangeV2): string {
  const transition = TRANSITION_NAMES.get(change.transition) ?? String(change.transition);
  let text = `transition:${transition}`;
  for (const { type, nodeId } of change.changes) {
    const name = CONF_CHANGE_TYPE_NAMES.get(type) ?? String(type);
    text += ` changes:{type:${name} node_id:${nodeId}}`;
  }
  const { context } = change;
  if (context !== undefined && context.length > 0) text += ` context:${quoteBytes(context)}`;
  return text;
}

/** An entry in one line, `term/index type data`; `format` gives the text of the data, which is quoted by default. */
export function describeEntry(entry: Entry, format: EntryFormatter = quoteBytes): string {
  const type = ENTRY_TYPE_NAMES.get(entry.type) ?? String(entry.type);
  const content = describeEntryContent(entry, format);
  return `${entry.term}/${entry.index} ${type}${content === "" ? "" : ` ${content}`}`;
}

function describeEntryContent(entry: Entry, format: EntryFormatter): string {
  switch (entry.type) {
    case EntryType.EntryNormal:
      return format(entry.data ?? EMPTY_BYTES);
    case EntryType.EntryConfChange:
    case EntryType.EntryConfChangeV2:
      return describeSteps(confChangeOfEntry(entry).changes);
    default:
      return "";
  }
}

/** One line per entry. */
export function describeEntries(entries: readonly Entry[], format?: EntryFormatter): string {
  return entries.map((entry) => `${describeEntry(entry, format)}\n`).join("");
}

/** A message in one line, or more when it has several entries, a snapshot, or responses. */
export function describeMessage(message: Message, format?: EntryFormatter): string {
  return describeMessageIndented("", message, format);
}

function describeMessageIndented(
  indent: string,
  message: Message,
  format: EntryFormatter | undefined,
): string {
  const { from, to, vote, entries, snapshot, responses } = message;
  let text =
    `${indent}${describeTarget(from)}->${describeTarget(to)} ` +
    `${describeMessageType(message.type)} ` +
    `Term:${message.term} Log:${message.logTerm}/${message.index}`;
  if (message.reject) text += ` Rejected (Hint: ${message.rejectHint})`;
  if (message.commit !== 0) text += ` Commit:${message.commit}`;
  if (vote !== undefined && vote !== NONE) text += ` Vote:${vote}`;
  if (entries.length === 1) {
    text += ` Entries:[${describeEntry(entries[0], format)}]`;
  } else if (entries.length > 1) {
    const lines = entries.map((entry) => `\n${indent}  ${describeEntry(entry, format)}`);
    text += ` Entries:[${lines.join("")}\n${indent}]`;
  }
  if (snapshot !== undefined && !isEmptySnapshot(snapshot)) {
    text += `\n${indent}  Snapshot: ${describeSnapshot(snapshot)}`;
  }
  if (responses.length > 0) {
    const lines = responses.map(
      (response) => `\n${describeMessageIndented(`${indent}  `, response, format)}`,
    );
    text += ` Responses:[${lines.join("")}\n${indent}]`;
  }
  return text;
}

function describeTarget(id: NodeId): string {
  switch (id) {
    case NONE:
      return "None";
    case LOCAL_APPEND_TARGET:
      return "AppendThread";
    case LOCAL_APPLY_TARGET:
      return "ApplyThread";
    default:
      return formatId(id);
  }
}

/** Everything a `Ready` asks for, part by part; parts without content are left out. */
export function describeReady(ready: Ready, format?: EntryFormatter): string {
  let text = "";
  if (ready.softState !== undefined) text += `${describeSoftState(ready.softState)}\n`;
  const { hardState, snapshot } = ready;
  if (hardState !== undefined && !isEmptyHardState(hardState)) {
    text += `HardState ${describeHardState(hardState)}\n`;
  }
  if (ready.readStates.length > 0) {
    text += `ReadStates [${ready.readStates.map(describeReadState).join(" ")}]\n`;
  }
  if (ready.entries.length > 0) text += `Entries:\n${describeEntries(ready.entries, format)}`;
  if (snapshot !== undefined && !isEmptySnapshot(snapshot)) {
    text += `Snapshot ${describeSnapshot(snapshot)}\n`;
  }
  if (ready.committedEntries.length > 0) {
    text += `CommittedEntries:\n${describeEntries(ready.committedEntries, format)}`;
  }
  if (ready.messages.length > 0) {
    text += "Messages:\n";
    for (const message of ready.messages) text += `${describeMessage(message, format)}\n`;
  }
  return text === "" ? "<empty Ready>" : `Ready MustSync=${ready.mustSync}:\n${text}`;
}

function describeReadState(state: ReadState): string {
  return `{${state.index} ${list(Array.from(state.context))}}`;
}
