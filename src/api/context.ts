/** What every service needs: the member, and the header that its answers carry. */
import type { Member } from "../member/member.ts";
import type { ResponseHeader } from "../wire/gen/rpc.ts";

/** Facts of the storage below the member, which only the shell knows. */
export interface StorageFacts {
  /** Bytes of the database: its high-water mark times the page size. */
  databaseBytes(): number;
  /** Bytes of it that hold data. */
  databaseBytesInUse(): number;
}

/** Physical work that goes on after a request was applied. */
export interface Compactor {
  /** Calls `done` once everything below the compact revision is removed, durably. */
  whenCompacted(done: () => void): void;
}

export interface ServiceContext {
  readonly member: Member;
  readonly clusterId: bigint;
  readonly storage: StorageFacts;
  readonly compactor: Compactor;
  /** Operations that one transaction may hold. */
  readonly txnOpsMax: number;
  /** What `Maintenance.Status` and `/version` report. */
  readonly serverVersion: string;
}

/** Header with the store's revision, as KV and Maintenance answers carry it. */
export function headerAt(context: ServiceContext, revision: number): ResponseHeader {
  const { member, clusterId } = context;
  return { clusterId, memberId: member.id, revision, raftTerm: member.status().term };
}

/** Header of the Cluster service, which never tells a revision. */
export function clusterHeader(context: ServiceContext): ResponseHeader {
  return headerAt(context, 0);
}
