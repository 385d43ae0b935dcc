/**
 * The membership of one cluster as the log has made it: members, ids that were removed for good, and the
 * cluster version. A pure value with named changes; persisting them is `backend/`'s business, deciding
 * them is Raft's.
 *
 * Source: etcd server/etcdserver/api/membership/cluster.go (3.5).
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { assert } from "../stdx/assert.ts";
import { type Downgrade, NO_DOWNGRADE } from "./downgrade.ts";
import { LEARNERS_MAX } from "./limits.ts";
import type { Attributes, MemberInfo, RaftAttributes } from "./member-info.ts";

export class Cluster {
  readonly id: bigint;
  readonly #members = new Map<bigint, MemberInfo>();
  readonly #removed = new Set<bigint>();
  #version: string | undefined;
  /** The downgrade that goes on, if any. */
  downgrade: Downgrade = NO_DOWNGRADE;
  /** Most learners that it may have, as this member is told. */
  learnersMax = LEARNERS_MAX;

  constructor(id: bigint) {
    this.id = id;
  }

  /** Cluster version such as "3.5.0"; `undefined` before the first leader decided it. */
  get version(): string | undefined {
    return this.#version;
  }

  set version(version: string | undefined) {
    this.#version = version;
  }

  member(id: bigint): MemberInfo | undefined {
    return this.#members.get(id);
  }

  /** Members by ascending id. */
  members(): MemberInfo[] {
    return [...this.#members.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  removedIds(): bigint[] {
    return [...this.#removed].sort((a, b) => (a < b ? -1 : 1));
  }

  isRemoved(id: bigint): boolean {
    return this.#removed.has(id);
  }

  add(member: MemberInfo): void {
    this.#members.set(member.id, member);
  }

  /** Removes the member; its id may never come back. */
  remove(id: bigint): void {
    this.#members.delete(id);
    this.#removed.add(id);
  }

  /** Makes a learner a voter. */
  promote(id: bigint): void {
    this.#change(id, { isLearner: false });
  }

  /** What the member has published about itself stays, also when `attributes` is a whole member without it. */
  updateRaftAttributes(id: bigint, { peerUrls, isLearner }: RaftAttributes): void {
    this.#change(id, { peerUrls, isLearner });
  }

  /** Returns false, changing nothing, for a member that is no longer there. */
  updateAttributes(id: bigint, attributes: Attributes): boolean {
    if (!this.#members.has(id)) {
      assert(this.#removed.has(id), `Attributes for unknown member ${id.toString(16)}`);
      return false;
    }
    this.#change(id, attributes);
    return true;
  }

  /** Whether the member may be added; the answer a client sees when not. */
  checkAdd(member: MemberInfo): EtcdError | undefined {
    if (this.#removed.has(member.id)) return Errors.MemberNotFound;
    if (this.#members.has(member.id)) return Errors.MemberExist;
    if (this.#usesAnyPeerUrl(member.peerUrls, undefined)) return Errors.PeerUrlExist;
    if (member.isLearner && this.#learners() >= this.learnersMax) return Errors.TooManyLearners;
    return undefined;
  }

  checkPromote(id: bigint): EtcdError | undefined {
    const member = this.#members.get(id);
    if (this.#removed.has(id) || member === undefined) return Errors.MemberNotFound;
    return member.isLearner ? undefined : Errors.NotLearner;
  }

  checkRemove(id: bigint): EtcdError | undefined {
    return this.#members.has(id) ? undefined : Errors.MemberNotFound;
  }

  checkUpdate(id: bigint, peerUrls: readonly string[]): EtcdError | undefined {
    if (!this.#members.has(id)) return Errors.MemberNotFound;
    return this.#usesAnyPeerUrl(peerUrls, id) ? Errors.PeerUrlExist : undefined;
  }

  #change(id: bigint, change: Partial<MemberInfo>): void {
    const member = this.#members.get(id);
    assert(member !== undefined, () => `Change of unknown member ${id.toString(16)}`);
    this.#members.set(id, { ...member, ...change });
  }

  #usesAnyPeerUrl(urls: readonly string[], except: bigint | undefined): boolean {
    for (const member of this.#members.values()) {
      if (member.id !== except && member.peerUrls.some((url) => urls.includes(url))) return true;
    }
    return false;
  }

  #learners(): number {
    let count = 0;
    for (const member of this.#members.values()) if (member.isLearner) count++;
    return count;
  }
}

/**
 * Whether every member ends the leases of a batch, and not their keys alone. Only a member that is alone can
 * know: any other may be, or become, one of etcd's, long after it was asked, and finds the entry in its log.
 * Why: docs/adr/0020-batches-of-leases-end-with-the-second-member.md.
 */
export function allEndBatchedLeases(cluster: Cluster): boolean {
  return cluster.members().length === 1;
}
