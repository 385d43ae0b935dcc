/** The changes of a repair, one at a time. Each is whole or did not happen, whenever it is interrupted. */
import { Backend } from "../../backend/backend.ts";
import { defragmentFile } from "../../backend/defragment-file.ts";
import { encodeUint64 } from "../../backend/integers.ts";
import { AUTH } from "../../backend/schema.ts";
import type { Disk, DiskFile } from "../../ports/disk.ts";
import { repairWal } from "../../wal/repair-wal.ts";
import { parentOf } from "../../wal/segment-name.ts";
import type { WalEnvironment } from "../../wal/types.ts";
import { written } from "../copy-snapshot.ts";
import { COPY_CHUNK_BYTES } from "../limits.ts";
import type { RepairAction, RepairPlaces } from "./plan.ts";

/** Copies `from` to a new file, durably. An older one of that name is replaced. Errors: DiskError. */
export async function keepCopy(disk: Disk, from: string, to: string): Promise<void> {
  disk.remove(to);
  const source = disk.open(from, "read");
  let copy: DiskFile | undefined;
  try {
    copy = disk.open(to, "create");
    const target = copy;
    const size = source.size();
    for (let position = 0; position < size; position += COPY_CHUNK_BYTES) {
      const piece = new Uint8Array(Math.min(COPY_CHUNK_BYTES, size - position));
      source.read(piece, position);
      await written((done) => target.write([piece], position, "volatile", done));
    }
    await written((done) => target.sync(done));
  } finally {
    copy?.close();
    source.close();
  }
}

/** Makes one change; returns what was done, for people. Errors: WalError, BoltError, DiskError. */
export async function perform(
  environment: WalEnvironment,
  places: RepairPlaces,
  action: RepairAction,
): Promise<string> {
  const { disk } = environment;
  const [path] = action.files;
  switch (action.kind) {
    case "cut log":
      await written((done) => repairWal({ ...environment, directory: places.wal }, done));
      // The copy that this makes is one that we have already.
      disk.remove(`${path}.broken`);
      disk.syncDirectory(places.wal);
      return `cut off the torn end of "${path}"`;
    case "remove":
      disk.remove(path);
      disk.syncDirectory(parentOf(path));
      return `removed "${path}"`;
    case "adopt database":
      disk.rename(action.from, places.database);
      disk.syncDirectory(places.snap);
      return `renamed "${action.from}" to "${places.database}"`;
    case "create database":
      await createDatabase(disk, places);
      return `made an empty database "${places.database}"`;
    case "rewrite database":
      await rewriteDatabase(disk, places);
      return `rewrote "${places.database}"`;
  }
}

/** Such a name is removed at the next start when it is left behind. */
function temporaryOf({ database }: RepairPlaces): string {
  return `${database}.tmp.repair`;
}

/** The database of a member that has not applied anything yet takes the place of what is there. */
async function createDatabase(disk: Disk, places: RepairPlaces): Promise<void> {
  const temporary = temporaryOf(places);
  disk.remove(temporary);
  const backend = Backend.open(disk, temporary);
  try {
    backend.put("auth", AUTH.authRevision, encodeUint64(1));
    await written((done) => backend.commit({ index: 0, term: 0 }, done));
  } finally {
    backend.close();
  }
  disk.rename(temporary, places.database);
  disk.syncDirectory(places.snap);
}

async function rewriteDatabase(disk: Disk, places: RepairPlaces): Promise<void> {
  const result = await new Promise<unknown>((resolve) => {
    const temporaryPath = temporaryOf(places);
    defragmentFile({ disk, path: places.database, temporaryPath }, resolve);
  });
  if (result instanceof Error) throw result;
}
