/**
 * The public entry of raft, usable on its own: a node, its storage, what goes in and what comes out.
 * docs/internals/raft.md explains how to drive a node.
 */
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
