/**
 * Clients of a cluster, of this package or of etcd 3.5, over the network. docs/client.md is a program that shows it all.
 *
 * ```ts
 * const client = await connect({ hosts: "127.0.0.1:2379" });
 * await client.kv.put("name", "etcd");
 * client.close();
 * ```
 *
 * For programs that bring connections, clock and randomness of their own, what the ports of
 * `src/client/index.ts` take is here, too.
 *
 * @module etcd-ts/client
 */
export * from "../client/index.ts";
export type { ClientTlsSources } from "../platform/tls/client-files.ts";
export type {
  GrpcCallOptions,
  GrpcClient,
  GrpcClientCall,
  GrpcStatus,
  GrpcStreamHandlers,
  UnaryDone,
} from "../http2/grpc-client-types.ts";
export type { GrpcMetadata, MetadataEntry } from "../http2/grpc-metadata.ts";
export type { Clock, Timer } from "../ports/clock.ts";
export type { Log, LogFields, LogLevel, LogValue } from "../ports/log.ts";
export type { ByteStream, StreamHandler } from "../ports/network.ts";
export type { Random } from "../ports/random.ts";
export { SnapshotError } from "../snapshot/snapshot-error.ts";
export { GrpcCode } from "../errors/codes.ts";
export type { CallBounds } from "./call-bounds.ts";
export { compare, type Condition, type Relation } from "./condition.ts";
export type { Member, MemberAdmin } from "./admin/member-admin.ts";
export type {
  Alarm,
  KeyHash,
  MemberStatus,
  SaveSnapshotOptions,
  SnapshotOptions,
  SnapshotPart,
  Upkeep,
} from "./admin/upkeep.ts";
export type { Access, AuthState, Permission, UserAdmin } from "./admin/user-admin.ts";
export { connect, type ConnectOptions, type Credentials } from "./connect.ts";
export { Entry } from "./entry.ts";
export { EtcdClient, type EtcdClientParts } from "./etcd-client.ts";
export { type Bytes, KeySpace, type KeyRange, type KeyTarget } from "./key-space.ts";
export type { IterateOptions, KeyValueStore } from "./key-value-store.ts";
export { KeyLostError } from "./held-key.ts";
export {
  type KeepAliveOptions,
  type LeaseHandle,
  LeaseLostError,
  type LeaseOptions,
} from "./lease-handle.ts";
export type { ElectionHandle, Leadership } from "./election-handle.ts";
export type { Lock } from "./lock.ts";
export type { TurnOptions } from "./turn.ts";
export type { BranchResult, Operation, Operations, ResultsOf } from "./branches.ts";
export { op } from "./operation.ts";
export type {
  DeleteOptions,
  DeleteResult,
  GetOptions,
  PutOptions,
  PutResult,
  RangeOptions,
  RangeResult,
  SortKey,
} from "./requests.ts";
export {
  type Isolation,
  StmConflictError,
  type StmOptions,
  type StmResult,
  type StmTransaction,
} from "./stm.ts";
export type { TxnBuilder, TxnResult } from "./txn-builder.ts";
export type {
  AnyEvent,
  CompactedEvent,
  DeleteEvent,
  EventsOf,
  KeyWatchOptions,
  ProgressEvent,
  PutEvent,
  WatchEvent,
  WatchStream,
} from "./watch-stream.ts";
