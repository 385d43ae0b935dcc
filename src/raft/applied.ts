/**
 * What follows when local storage reports: entries are durable, applied, or a snapshot is in place.
 *
 * Source: etcd-io/raft raft.go (appliedTo, appliedSnap, Step); Raft thesis section 10.2.1.
 */
import type { Message } from "../wire/gen/raft.ts";
import { releaseUncommitted } from "./append.ts";
import { confChangeEntry } from "./confchange/conf-change.ts";
import { entriesBytes, payloadBytes } from "./entry-size.ts";
import { formatId } from "./node-id.ts";
import { propose } from "./propose.ts";
import type { Raft } from "./raft.ts";
import { isEmptySnapshot } from "./snapshot.ts";
import { describeConfiguration } from "./tracker/configuration.ts";

/** A write was asked for in this term and is durable: entries can leave the unstable end of the log. */
export function handleStorageAppended(raft: Raft, message: Message): void {
  if (message.index !== 0) raft.raftLog.unstable.stableTo(message.index, message.logTerm);
  handleSnapshotStored(raft, message);
}

/**
 * A write of an earlier term is durable. Its entries may have been replaced since, with the replacement
 * still on its way to storage, so nothing is concluded about entries; a later answer will come, because
 * every change of term has one. Snapshots hold committed state, for which terms do not matter.
 */
export function handleOutdatedStorageAppended(raft: Raft, message: Message): void {
  if (message.index !== 0) {
    raft.info(
      () =>
        `${formatId(raft.id)} [term: ${raft.term}] ignored entry appends from a ` +
        `MsgStorageAppendResp message with lower term [term: ${message.term}]`,
    );
  }
  handleSnapshotStored(raft, message);
}

function handleSnapshotStored(raft: Raft, message: Message): void {
  const { snapshot } = message;
  if (snapshot === undefined || isEmptySnapshot(snapshot)) return;
  raft.raftLog.unstable.stableSnapshotTo(snapshot.metadata.index);
  if (raft.raftLog.unstable.snapshot === undefined) raft.overtaken = undefined;
  appliedTo(raft, snapshot.metadata.index, 0);
}

/** Entries were applied: their room in the quotas is free again. */
export function handleStorageApplied(raft: Raft, message: Message): void {
  const { entries } = message;
  if (entries.length === 0) return;
  appliedTo(raft, entries[entries.length - 1].index, entriesBytes(entries));
  releaseUncommitted(raft, payloadBytes(entries));
}

/**
 * Moves the applied index. A leader then leaves a joint configuration that is meant to be left, once
 * nothing in its log can still change the configuration. The proposal is empty, so no quota refuses it;
 * a transfer under way may, and then it is tried again with the next applied entries.
 */
function appliedTo(raft: Raft, index: number, bytes: number): void {
  const { raftLog } = raft;
  const applied = Math.max(index, raftLog.applied);
  raftLog.appliedTo(applied, bytes);
  const { config } = raft.tracker;
  if (!config.autoLeave || applied < raft.pendingConfIndex || raft.role !== "leader") return;
  const error = propose(raft, [confChangeEntry(undefined)]);
  if (error === undefined) {
    raft.info(
      () =>
        "initiating automatic transition out of joint configuration " +
        describeConfiguration(config),
    );
  } else {
    raft.debug(
      () =>
        "not initiating automatic transition out of joint configuration " +
        `${describeConfiguration(config)}: ${error.message}`,
    );
  }
}
