/**
 * The small buckets as plain values: membership, cluster version, alarms, leases, the configuration of
 * Raft. Each write goes into the open transaction; reads happen at start.
 */
import { bytesFromLatin1, bytesFromUtf8, EMPTY_BYTES, utf8FromBytes } from "../stdx/bytes.ts";
import {
  decodeMember,
  encodeMember,
  formatId,
  type MemberInfo,
} from "../membership/member-info.ts";
import {
  decodeDowngrade,
  type Downgrade,
  encodeDowngrade,
  NO_DOWNGRADE,
} from "../membership/downgrade.ts";
import { decodeLease, encodeLease, type Lease } from "../wire/gen/lease.ts";
import type { ConfState } from "../wire/gen/raft.ts";
import { type AlarmMember, decodeAlarmMember, encodeAlarmMember } from "../wire/gen/rpc.ts";
import type { Backend } from "./backend.ts";
import { encodeConfState } from "./conf-state.ts";
import { encodeLeaseId } from "./integers.ts";
import { CLUSTER, META } from "./schema.ts";

const REMOVED_MARK = bytesFromLatin1("removed");

export class Records {
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  putMember(member: MemberInfo): void {
    this.#backend.put("members", memberKey(member.id), bytesFromUtf8(encodeMember(member)));
  }

  /** Removes a member and remembers its id for good. */
  removeMember(id: bigint): void {
    this.#backend.put("members_removed", memberKey(id), REMOVED_MARK);
    this.#backend.delete("members", memberKey(id));
  }

  members(): MemberInfo[] {
    const members: MemberInfo[] = [];
    this.#backend.forEach("members", (_, value) =>
      members.push(decodeMember(utf8FromBytes(value))),
    );
    return members;
  }

  putClusterVersion(version: string): void {
    this.#backend.put("cluster", CLUSTER.clusterVersion, bytesFromUtf8(version));
  }

  /** The cluster version as the last change of it was stored; `undefined` before the first. */
  clusterVersion(): string | undefined {
    const bytes = this.#backend.get("cluster", CLUSTER.clusterVersion);
    return bytes === undefined ? undefined : utf8FromBytes(bytes);
  }

  putDowngrade(downgrade: Downgrade): void {
    this.#backend.put("cluster", CLUSTER.downgrade, bytesFromUtf8(encodeDowngrade(downgrade)));
  }

  /** Asserts that what is stored can be read. */
  downgrade(): Downgrade {
    const bytes = this.#backend.get("cluster", CLUSTER.downgrade);
    return bytes === undefined ? NO_DOWNGRADE : decodeDowngrade(utf8FromBytes(bytes));
  }

  putConfState(state: ConfState): void {
    this.#backend.put("meta", META.confState, bytesFromLatin1(encodeConfState(state)));
  }

  putAlarm(alarm: AlarmMember): void {
    this.#backend.put("alarm", encodeAlarmMember(alarm), EMPTY_BYTES);
  }

  removeAlarm(alarm: AlarmMember): void {
    this.#backend.delete("alarm", encodeAlarmMember(alarm));
  }

  alarms(): AlarmMember[] {
    const alarms: AlarmMember[] = [];
    this.#backend.forEach("alarm", (key) => alarms.push(decodeAlarmMember(key)));
    return alarms;
  }

  putLease(lease: Lease): void {
    this.#backend.put("lease", encodeLeaseId(lease.id), encodeLease(lease));
  }

  removeLease(id: bigint): void {
    this.#backend.delete("lease", encodeLeaseId(id));
  }

  leases(): Lease[] {
    const leases: Lease[] = [];
    this.#backend.forEach("lease", (_, value) => leases.push(decodeLease(value)));
    return leases;
  }

  /** The storage version that a 3.6 server has left; `undefined` in databases of 3.5. */
  storageVersion(): string | undefined {
    const bytes = this.#backend.get("meta", META.storageVersion);
    return bytes === undefined ? undefined : utf8FromBytes(bytes);
  }
}

function memberKey(id: bigint): Uint8Array {
  return bytesFromLatin1(formatId(id));
}
