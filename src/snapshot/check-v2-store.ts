/**
 * Whether a member that does not run has content of the v2 API besides what the cluster keeps there itself.
 *
 * Differs from etcd: a key that was written after the snapshot counts, even when it was deleted again.
 *
 * Source: etcd etcdutl/etcdutl/check_command.go (3.5, releases after 3.5.16).
 */
import { decodeV2Store, V2ContentError } from "../membership/v2-store.ts";
import type { Disk } from "../ports/disk.ts";
import type { NamedLog } from "../ports/log.ts";
import { EMPTY_BYTES, utf8FromBytes } from "../stdx/bytes.ts";
import { readWal, validSnapshots } from "../wal/read-wal.ts";
import { walExists } from "../wal/segment-name.ts";
import { loadSnapshot } from "../wal/snapshot-files.ts";
import { EntryType } from "../wire/gen/raft.ts";
import { placesOf } from "./member-places.ts";
import { asSnapshotError } from "./snapshot-error.ts";
import { requestsOf } from "./translate-entries.ts";

/** What of the v2 API belongs to the cluster. */
const CLUSTER_PATH = "/0/";

/** `walDir` as in `placesOf`. Errors: SnapshotError, JsonError, MemberFormatError, WireError. */
export function hasV2Content(
  { disk, log }: { readonly disk: Disk; readonly log: NamedLog },
  dataDir: string,
  walDir: string | undefined,
): boolean {
  const { snap, wal } = placesOf(dataDir, walDir);
  if (!walExists(disk, wal)) return false;
  const location = { disk, log: log.named("wal/read-wal.ts"), directory: wal };
  try {
    const snapshot = loadSnapshot({ ...location, directory: snap }, validSnapshots(location));
    if (snapshot === undefined) return false;
    decodeV2Store(utf8FromBytes(snapshot.data ?? EMPTY_BYTES), 0n);
    const { entries } = readWal(location, snapshot.metadata);
    return entries.some(
      ({ type, data }) => type === EntryType.EntryNormal && writesKeys(data ?? EMPTY_BYTES),
    );
  } catch (error) {
    if (error instanceof V2ContentError) return true;
    throw asSnapshotError(error);
  }
}

function writesKeys(data: Uint8Array): boolean {
  const { v2 } = requestsOf(data);
  if (v2 === undefined || v2.path.startsWith(CLUSTER_PATH)) return false;
  return v2.method === "PUT" || v2.method === "POST";
}
