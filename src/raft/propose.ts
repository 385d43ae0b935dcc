/**
 * Taking proposals on the leader: refused as a whole, or appended and sent on as a whole. Configuration
 * changes in it are checked one by one; one that cannot be made now becomes an empty entry.
 *
 * Source: etcd-io/raft raft.go (MsgProp); Raft thesis sections 3.5, 4.1.
 */
import { assert } from "../stdx/assert.ts";
import { EntryType } from "../wire/gen/raft.ts";
import type { ConfChangeV2, Entry } from "../wire/gen/raft.ts";
import { appendEntries } from "./append.ts";
import { confChangeOfEntry, isConfChangeEntry } from "./confchange/conf-change.ts";
import { describeConfChange } from "./describe.ts";
import { RaftErrors } from "./errors.ts";
import type { RaftError } from "./errors.ts";
import { NONE, formatId } from "./node-id.ts";
import type { Raft } from "./raft.ts";
import { broadcastAppend } from "./replicate.ts";
import { describeConfiguration, isJoint } from "./tracker/configuration.ts";

/** Appends the proposed entries and sends them to the followers. Keeps the entries. */
export function propose(raft: Raft, entries: Entry[]): RaftError | undefined {
  assert(entries.length > 0, () => `${formatId(raft.id)} stepped empty MsgProp`);
  // A leader that was removed from the group leads on until the removal is complete, with nothing new.
  if (!raft.tracker.progress.has(raft.id)) return RaftErrors.ProposalDropped;
  if (raft.leadTransferee !== NONE) {
    raft.debug(
      () =>
        `${formatId(raft.id)} [term ${raft.term}] transfer leadership to ` +
        `${formatId(raft.leadTransferee)} is in progress; dropping proposal`,
    );
    return RaftErrors.ProposalDropped;
  }
  for (let i = 0; i < entries.length; i++) {
    if (isConfChangeEntry(entries[i])) checkConfChange(raft, entries, i);
  }
  if (!appendEntries(raft, entries)) return RaftErrors.ProposalDropped;
  broadcastAppend(raft);
  return undefined;
}

function checkConfChange(raft: Raft, entries: Entry[], position: number): void {
  const change = confChangeOfEntry(entries[position]);
  const refusal = refusalOf(raft, change);
  if (refusal === undefined || raft.config.disableConfChangeValidation) {
    raft.pendingConfIndex = raft.raftLog.lastIndex() + position + 1;
    return;
  }
  raft.info(
    () =>
      `${formatId(raft.id)} ignoring conf change ${describeConfChange(change)} ` +
      `at config ${describeConfiguration(raft.tracker.config)}: ${refusal}`,
  );
  entries[position] = { type: EntryType.EntryNormal, term: 0, index: 0, data: undefined };
}

/** Why the change cannot be made now; undefined when it can. */
function refusalOf(raft: Raft, change: ConfChangeV2): string | undefined {
  if (raft.pendingConfIndex > raft.raftLog.applied) {
    return (
      `possible unapplied conf change at index ${raft.pendingConfIndex} ` +
      `(applied to ${raft.raftLog.applied})`
    );
  }
  const joint = isJoint(raft.tracker.config);
  const leaves = change.changes.length === 0;
  if (joint && !leaves) return "must transition out of joint config first";
  if (!joint && leaves) return "not in joint state; refusing empty conf change";
  return undefined;
}
