/**
 * Raft, usable on its own: a node, its storage, what goes in and what comes out, and the messages with their encoding,
 * which is that of etcd-io/raft. docs/raft.md is a program that drives three nodes; docs/internals/raft.md has the rules.
 *
 * ```ts
 * node.step(message); // whatever arrived
 * node.tick(); // whenever it is time
 * if (node.hasReady()) for (const message of node.ready().messages) perform(message);
 * ```
 *
 * Everything is synchronous and deterministic: no clock, no chance (`RaftConfig.random` is given), no input or output.
 * Indexes and terms are numbers, ids of nodes bigints of 64 bits. Expected refusals are returned as values of
 * `RaftErrors`, never thrown; what is thrown is a broken promise of the caller, or a bug.
 *
 * @module etcd-ts/raft
 */
export {
  ConfChangeTransition,
  ConfChangeType,
  EntryType,
  MessageType,
  decodeEntry,
  decodeMessage,
  encodeEntry,
  encodeMessage,
} from "../wire/gen/raft.ts";
export type {
  ConfChange,
  ConfChangeSingle,
  ConfChangeV2,
  ConfState,
  Entry,
  HardState,
  Message,
  Snapshot,
  SnapshotMetadata,
} from "../wire/gen/raft.ts";
export type { Peer } from "./bootstrap.ts";
export type { RaftConfig, ReadMode } from "./config.ts";
export {
  confChangeAsV2,
  confChangeOfEntry,
  isConfChangeEntry,
} from "./confchange/conf-change.ts";
export type { AnyConfChange } from "./confchange/conf-change.ts";
export { describeEntry, describeMessage, describeReady } from "./describe.ts";
export type { EntryFormatter } from "./describe.ts";
export { RaftError, RaftErrors } from "./errors.ts";
export { MemoryStorage } from "./memory-storage.ts";
export { LOCAL_APPEND_TARGET, LOCAL_APPLY_TARGET, NONE, isLocalTarget } from "./node-id.ts";
export type { NodeId } from "./node-id.ts";
export type { Role, SoftState } from "./raft.ts";
export { RawNode } from "./raw-node.ts";
export type { ReadState } from "./read-only.ts";
export type { Ready } from "./ready.ts";
export { isEmptyHardState, isEmptySnapshot } from "./snapshot.ts";
export type { BasicStatus, Status } from "./status.ts";
export { describeProgressMap } from "./tracker/describe.ts";
export type { InitialState, Storage } from "./storage.ts";
export type { Configuration } from "./tracker/configuration.ts";
export type { MajorityConfig } from "./quorum/majority.ts";
export type { JointConfig } from "./quorum/joint.ts";
export type { MemberProgress, ProgressState } from "./tracker/progress.ts";
export type { Log, LogFields, LogLevel, LogValue } from "../ports/log.ts";
export type { Random } from "../ports/random.ts";
export { WireError } from "../wire/wire-error.ts";
