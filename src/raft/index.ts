/**
 * The public entry of raft, usable on its own: a node, its storage, what goes in and what comes out, and
 * the messages with their encoding. docs/internals/raft.md explains how to drive a node.
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
