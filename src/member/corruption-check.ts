/**
 * Whether members hold the same data, decided over hashes of their keyspaces: before a member serves, from
 * time to time, and after compactions. Pure: hashes and the peers' answers are arguments.
 *
 * A mismatch does not tell whose data is wrong, so the alarm that follows names no member.
 *
 * Differs from etcd: it also compares hashes of a keyspace in which all keys are deleted. Those depend on how
 * far each member's compaction has come, and it raises an alarm over equal data.
 *
 * Source: etcd server/etcdserver/corrupt.go (3.5).
 */
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { formatId } from "../membership/member-info.ts";
import type { KeyValueHash } from "../mvcc/kv-hash.ts";
import type { Log } from "../ports/log.ts";

/** The hash of a keyspace, and the newest revision when it was taken. */
export interface TakenHash {
  readonly hash: KeyValueHash;
  readonly currentRevision: number;
}

/** What a peer answers when it is asked for its hash at a revision. */
export interface PeerHash {
  readonly peerId: bigint;
  readonly endpoints: readonly string[];
  /** FutureRevision when it is behind, Compacted when it is ahead; others when it cannot be reached. */
  readonly answer: TakenHash | EtcdError;
}

/** Whether a member whose keyspace has `own` may serve beside its peers, asked for that revision. */
export function passesInitialCheck(
  memberId: bigint,
  own: TakenHash,
  peers: readonly PeerHash[],
  log: Log,
): boolean {
  const local = {
    "local-member-id": formatId(memberId),
    "local-member-revision": own.currentRevision,
    "local-member-compact-revision": own.hash.compactRevision,
    "local-member-hash": own.hash.hash,
  };
  let isEqual = true;
  for (const { peerId, endpoints, answer } of peers) {
    const remote = { "remote-peer-id": formatId(peerId), "remote-peer-endpoints": endpoints };
    if (answer instanceof EtcdError) {
      const message = UNFETCHED.get(answer);
      if (message !== undefined) log.warn(message, { ...local, ...remote, error: answer.message });
      continue;
    }
    if (answer.hash.hash === own.hash.hash || !own.hash.isComparable) continue;
    const fields = {
      ...local,
      ...remote,
      "remote-peer-revision": answer.currentRevision,
      "remote-peer-compact-revision": answer.hash.compactRevision,
      "remote-peer-hash": answer.hash.hash,
    };
    if (answer.hash.compactRevision === own.hash.compactRevision) {
      isEqual = false;
      log.warn("found different hash values from remote peer", fields);
    } else {
      log.warn("found different compact revision values from remote peer", fields);
    }
  }
  return isEqual;
}

const UNFETCHED: ReadonlyMap<EtcdError, string> = new Map([
  [Errors.FutureRevision, "cannot fetch hash from slow remote peer"],
  [Errors.Compacted, "cannot fetch hash from remote peer; local member is behind"],
  [Errors.ClusterIdMismatch, "cluster ID mismatch"],
]);

/**
 * Whether the leader and its peers agree: `before` was taken, then the peers were asked for their hash at
 * its newest revision, and `after` was taken once everything they can have was applied here too.
 */
export function passesPeriodicCheck(
  before: TakenHash,
  after: TakenHash,
  peers: readonly PeerHash[],
  log: Log,
): boolean {
  let isEqual = passesOwnCheck(before, after, log);
  let checked = 0;
  for (const { peerId, answer } of peers) {
    if (answer instanceof EtcdError) continue;
    checked++;
    if (!agreesWithLeader(before, after, formatId(peerId), answer, log)) isEqual = false;
  }
  log.info("finished peer corruption check", { "number-of-peers-checked": checked });
  return isEqual;
}

/** The same revision must not have two hashes. */
function passesOwnCheck(before: TakenHash, after: TakenHash, log: Log): boolean {
  const [first, second] = [before.hash, after.hash];
  const isComparable =
    first.isComparable &&
    before.currentRevision === after.currentRevision &&
    first.compactRevision === second.compactRevision;
  if (!isComparable || first.hash === second.hash) return true;
  log.warn("found hash mismatch", {
    "revision-1": before.currentRevision,
    "compact-revision-1": first.compactRevision,
    "hash-1": first.hash,
    "revision-2": after.currentRevision,
    "compact-revision-2": second.compactRevision,
    "hash-2": second.hash,
  });
  return false;
}

function agreesWithLeader(
  before: TakenHash,
  after: TakenHash,
  peerId: string,
  answer: TakenHash,
  log: Log,
): boolean {
  const id = { "follower-peer-id": peerId };
  let agrees = true;
  if (answer.currentRevision > after.currentRevision) {
    agrees = false;
    log.warn("revision from follower must be less than or equal to leader's", {
      "leader-revision": after.currentRevision,
      "follower-revision": answer.currentRevision,
      ...id,
    });
  }
  const compactRevisions = {
    "leader-compact-revision": after.hash.compactRevision,
    "follower-compact-revision": answer.hash.compactRevision,
  };
  if (answer.hash.compactRevision > after.hash.compactRevision) {
    agrees = false;
    log.warn("compact revision from follower must be less than or equal to leader's", {
      ...compactRevisions,
      ...id,
    });
  }
  const isComparable =
    before.hash.isComparable && answer.hash.compactRevision === before.hash.compactRevision;
  if (isComparable && answer.hash.hash !== before.hash.hash) {
    agrees = false;
    log.warn("same compact revision then hashes must match", {
      ...compactRevisions,
      "leader-hash": before.hash.hash,
      "follower-hash": answer.hash.hash,
      ...id,
    });
  }
  return agrees;
}

/** Compares hashes that compactions left, newest first, until all peers agree on one. */
export class CompactHashCheck {
  readonly #log: Log;
  #agreedRevision = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Of the hashes that compactions have left, those to compare, newest first. */
  unchecked(hashes: readonly KeyValueHash[]): KeyValueHash[] {
    return hashes
      .filter(({ revision }) => revision > this.#agreedRevision)
      .sort((a, b) => b.revision - a.revision);
  }

  /**
   * What the peers' hashes at the revision of `own` say: "mismatch" ends the check with an alarm, "agreed"
   * ends it, "unknown" goes on to the next older hash.
   */
  compare(own: KeyValueHash, peers: readonly PeerHash[]): "mismatch" | "agreed" | "unknown" {
    if (peers.length === 0) return "unknown";
    let checked = 0;
    for (const { peerId, answer } of peers) {
      if (answer instanceof EtcdError) continue;
      const { hash } = answer;
      if (hash.compactRevision !== own.compactRevision) continue;
      if (hash.hash !== own.hash) {
        this.#log.error("failed compaction hash check", {
          revision: own.revision,
          "leader-compact-revision": own.compactRevision,
          "leader-hash": own.hash,
          "follower-compact-revision": hash.compactRevision,
          "follower-hash": hash.hash,
          "follower-peer-id": formatId(peerId),
        });
        return "mismatch";
      }
      checked++;
    }
    const fields = { "number-of-peers-checked": checked, revision: own.revision };
    if (checked === peers.length) {
      this.#log.info("successfully checked hash on whole cluster", fields);
      this.#agreedRevision = Math.max(this.#agreedRevision, own.revision);
      return "agreed";
    }
    this.#log.warn("skipped revision in compaction hash check; was not able to check all peers", {
      ...fields,
      "number-of-peers": peers.length,
    });
    return "unknown";
  }
}
