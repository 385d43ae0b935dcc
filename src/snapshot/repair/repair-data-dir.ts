/**
 * `etcd --repair`: looks at everything a member has on the disk, and makes it startable again where that
 * loses nothing that was acknowledged. Every file that it changes or removes is copied before, into a folder
 * beside the data directory. Where something would be lost, it says what, and changes nothing.
 *
 * Running it again, after a crash or for nothing, goes on where it stopped, or finds nothing to do.
 */
import type { Disk } from "../../ports/disk.ts";
import { assert } from "../../stdx/assert.ts";
import { cleanPath } from "../../stdx/clean-path.ts";
import { listSegments, parentOf, walExists } from "../../wal/segment-name.ts";
import type { WalEnvironment } from "../../wal/types.ts";
import { placesOf, RESTORING_NAME } from "../member-places.ts";
import { keepCopy, perform } from "./perform.ts";
import { BeyondRepair, planRepair, type RepairAction, type RepairPlaces } from "./plan.ts";

export interface RepairRequest {
  readonly dataDir: string;
  /** Where the log is, when it is elsewhere. */
  readonly walDir: string | undefined;
}

export type RepairOutcome = "whole" | "repaired" | "refused";

const DIRECTORY_MODE = 0o700;

/** Does it, and tells each step by `say`. Errors: DiskError; BoltError and WalError of a step that failed. */
export async function repairDataDir(
  environment: WalEnvironment,
  { dataDir, walDir }: RepairRequest,
  say: (line: string) => void,
): Promise<RepairOutcome> {
  const { member, snap, wal } = placesOf(dataDir, walDir);
  const places: RepairPlaces = { snap, wal, database: `${snap}/db` };
  try {
    refuseUnusable(environment, dataDir, member, places);
    const { findings, actions } = planRepair({ ...environment, directory: wal }, places);
    for (const finding of findings) say(finding);
    if (actions.length === 0) {
      say(`nothing to repair in "${dataDir}"`);
      return "whole";
    }
    for (const { reason, files } of actions)
      say(`found: "${files[0] ?? places.database}": ${reason}`);
    await keepCopies(environment, dataDir, places, actions, say);
    for (const action of actions) say(await perform(environment, places, action));
    const { actions: left } = planRepair({ ...environment, directory: wal }, places);
    assert(left.length === 0, () => `A repair left something to be done: ${left[0].reason}`);
    say(`"${dataDir}" is whole again; nothing that was acknowledged is lost`);
    return "repaired";
  } catch (error) {
    if (!(error instanceof BeyondRepair)) throw error;
    say(`cannot repair "${dataDir}": ${error.message}; nothing was changed`);
    say(WAYS_OUT);
    return "refused";
  }
}

const WAYS_OUT =
  "restore the data directory from a snapshot or a copy; or remove this member from its cluster and add it " +
  "again with an empty data directory";

/** Throws `BeyondRepair` for what is no member, or one that somebody uses. */
function refuseUnusable(
  { disk, log }: WalEnvironment,
  dataDir: string,
  member: string,
  places: RepairPlaces,
): void {
  if (disk.stat(`${dataDir}/${RESTORING_NAME}`) !== undefined) {
    throw new BeyondRepair(`a restore into it was interrupted ("${RESTORING_NAME}")`);
  }
  if (disk.stat(member)?.kind !== "directory") {
    throw new BeyondRepair(`there is no member in it ("${member}")`);
  }
  if (!walExists(disk, places.wal)) throw new BeyondRepair(`there is no log in "${places.wal}"`);
  if (disk.stat(places.snap)?.kind !== "directory") {
    throw new BeyondRepair(`there is no directory "${places.snap}"`);
  }
  const segments = listSegments(disk, log, places.wal);
  const used = [places.database, ...segments.map(({ name }) => `${places.wal}/${name}`)];
  for (const path of used) {
    if (disk.stat(path)?.kind === "file" && isLocked(disk, path)) {
      throw new BeyondRepair(`"${path}" is in use; stop the member first`);
    }
  }
}

function isLocked(disk: Disk, path: string): boolean {
  const file = disk.open(path, "readWrite");
  try {
    return !file.tryLock();
  } finally {
    file.close();
  }
}

/** Copies all files that will be changed, before the first change. */
async function keepCopies(
  { disk, clock }: WalEnvironment,
  dataDir: string,
  { wal }: RepairPlaces,
  actions: readonly RepairAction[],
  say: (line: string) => void,
): Promise<void> {
  const stamp = new Date(clock.wallMs()).toISOString().replace(/[-:Z]/g, "").replace("T", ".");
  let folder = `${cleanPath(dataDir)}.before-repair.${stamp}`;
  while (disk.stat(folder) !== undefined) folder += "x";
  const files = new Set(actions.flatMap((action) => action.files));
  if (files.size === 0) return;
  for (const part of ["wal", "snap"]) disk.makeDirectory(`${folder}/${part}`, DIRECTORY_MODE);
  for (const from of files) {
    const part = parentOf(from) === wal ? "wal" : "snap";
    const to = `${folder}/${part}/${from.slice(parentOf(from).length + 1)}`;
    await keepCopy(disk, from, to);
    say(`kept a copy of "${from}" as "${to}"`);
  }
  for (const part of [`${folder}/wal`, `${folder}/snap`, folder, parentOf(folder)]) {
    disk.syncDirectory(part);
  }
}
