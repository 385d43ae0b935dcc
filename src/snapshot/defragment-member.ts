/**
 * Defragmentation of the database of a member that does not run.
 *
 * Source: etcd etcdutl/etcdutl/defrag_command.go (3.5).
 */
import type { BackendSizes } from "../backend/backend.ts";
import type { CopyProgress } from "../backend/database-copy.ts";
import { type DefragmentedSizes, defragmentFile } from "../backend/defragment-file.ts";
import { Db } from "../bolt/db.ts";
import {
  type FileEnvironment,
  refuseOtherFiles,
  requireIntegrity,
  whenUnlocked,
} from "./database-file.ts";
import { CACHE_BYTES_MAX } from "./limits.ts";
import { placesOf } from "./member-places.ts";
import { asSnapshotError } from "./snapshot-error.ts";

export interface DefragmentEnvironment extends FileEnvironment {
  /** Told the sizes before anything is written. */
  readonly onStart: (path: string, sizes: BackendSizes) => void;
  readonly onProgress: (progress: CopyProgress) => void;
}

/** Where the database of a member is. */
export function databasePathOf(dataDir: string): string {
  return `${placesOf(dataDir, undefined).snap}/db`;
}

/**
 * Waits until nobody uses the database, makes sure that it is whole, and rewrites it. Errors: SnapshotError;
 * the database is as it was then. A crash leaves the old one or the new one.
 */
export async function defragmentMember(
  environment: DefragmentEnvironment,
  dataDir: string,
): Promise<DefragmentedSizes> {
  const { disk, clock } = environment;
  const path = databasePathOf(dataDir);
  const temporaryPath = `${path}.tmp.${Math.floor(clock.wallMs())}`;
  const { onProgress } = environment;
  try {
    refuseOtherFiles(disk, path);
    environment.onStart(
      path,
      await whenUnlocked(environment, path, () => examine(environment, path)),
    );
    return await whenUnlocked(environment, path, async () => {
      const result = await new Promise<DefragmentedSizes | Error>((resolve) => {
        defragmentFile({ disk, path, temporaryPath, onProgress }, resolve);
      });
      if (result instanceof Error) throw result;
      return result;
    });
  } catch (error) {
    throw asSnapshotError(error);
  }
}

/** What it is copied from is removed afterwards, so it must be whole. */
function examine({ disk }: DefragmentEnvironment, path: string): BackendSizes {
  const db = Db.open(disk, path, { cacheBytesMax: CACHE_BYTES_MAX });
  try {
    requireIntegrity(db.beginRead());
    const { sizeBytes, inUseBytes } = db.stats();
    return { bytes: sizeBytes, bytesInUse: inUseBytes };
  } finally {
    db.close();
  }
}
