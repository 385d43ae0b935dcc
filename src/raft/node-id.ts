/**
 * Node identities: 64-bit numbers, printed in hexadecimal. Three are reserved: "nobody" and the two local
 * targets, our own disk and our own state machine, which take part in the protocol as if they were peers.
 */

/** Identity of a raft node; uses all 64 bits, so a bigint. */
export type NodeId = bigint;

/** No node: the leader nobody knows, the vote not cast. */
export const NONE: NodeId = 0n;

/** Target of `MsgStorageAppend`: whatever makes entries, hard state and snapshots durable. */
export const LOCAL_APPEND_TARGET: NodeId = 0xffff_ffff_ffff_ffffn;

/** Target of `MsgStorageApply`: whatever applies committed entries to the state machine. */
export const LOCAL_APPLY_TARGET: NodeId = 0xffff_ffff_ffff_fffen;

/** Reports whether `id` names local storage and not a node. */
export function isLocalTarget(id: NodeId): boolean {
  return id === LOCAL_APPEND_TARGET || id === LOCAL_APPLY_TARGET;
}

/** The form of an identity in logs: lower-case hexadecimal without leading zeros. */
export function formatId(id: NodeId): string {
  return id.toString(16);
}

/** Orders identities ascending. */
export function compareIds(a: NodeId, b: NodeId): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The members of `ids` in ascending order, in a fresh array. */
export function sortedIds(ids: Iterable<NodeId>): NodeId[] {
  return Array.from(ids).sort(compareIds);
}
