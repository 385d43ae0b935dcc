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

/** Fills in who answers, and in which term; the revision is there already. */
export function completeHeader(context: ServiceContext, header: ResponseHeader): void {
  header.clusterId = context.clusterId;
  header.memberId = context.member.id;
  header.raftTerm = context.member.term;
}

/** A header with the given revision; the Cluster service tells 0, which means none. */
export function headerAt(context: ServiceContext, revision: number): ResponseHeader {
  const { member, clusterId } = context;
  return { clusterId, memberId: member.id, revision, raftTerm: member.term };
}
