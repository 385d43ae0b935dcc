/**
 * `--force-new-cluster`: the data of a member that has lost its cluster becomes a cluster of it alone. What was
 * not committed is dropped, and everybody else is removed by entries that are committed by decree.
 *
 * Source: etcd server/etcdserver/raft.go (restartAsStandaloneNode) (3.5).
 */
import { formatId } from "../../membership/member-info.ts";
import { standaloneEntries } from "../../membership/standalone-entries.ts";
import type { Log } from "../../ports/log.ts";
import type { OpenedLog } from "./open-log.ts";

/**
 * Adds the entries to the log, durably, and returns the member as it starts from it. `appliedIndex` is what
 * its database holds already, and so was committed whatever the log remembers of it.
 */
export async function forceNewCluster(
  opened: OpenedLog,
  appliedIndex: number,
  log: Log,
): Promise<OpenedLog> {
  const { memberId, cluster, wal, stored } = opened;
  const { snapshot, hardState } = stored;
  const { confState, index = 0 } = snapshot?.metadata ?? {};
  const commit = Math.max(hardState.commit, appliedIndex, index);
  const kept = stored.entries.filter((entry) => entry.index <= commit);
  const dropped = stored.entries.length - kept.length;
  if (dropped > 0) {
    log.info("discarding uncommitted WAL entries", {
      "entry-index": commit + 1,
      "commit-index-from-wal": commit,
      "number-of-discarded-entries": dropped,
    });
  }
  const lastIndex = kept.at(-1)?.index ?? index;
  const added = standaloneEntries(memberId, confState, kept, { lastIndex, term: hardState.term });
  if (added.length > 0) {
    await new Promise<void>((resolve, reject) => {
      wal.append({ entries: added, hardState: undefined }, (failure) => {
        if (failure === undefined) resolve();
        else reject(failure);
      });
    });
  }
  const entries = [...kept, ...added];
  const forced = { ...hardState, commit: lastIndex + added.length };
  log.info("forcing restart member", {
    "cluster-id": formatId(cluster.id),
    "local-member-id": formatId(memberId),
    "commit-index": forced.commit,
  });
  return { ...opened, stored: { snapshot, hardState: forced, entries } };
}
