/**
 * Where the files of a member are made, and how they become one.
 *
 * Differs from etcd: everything is made under `<data-dir>/member.restoring`, and a log elsewhere under
 * `<wal-dir>.restoring`. Only when all of it is on the device is the log given its name, and last of all the
 * directory `<data-dir>/member`: what was interrupted has none, and no member starts from it. etcd makes all
 * in place, and after a crash in between founds a cluster on top of what is there.
 */
import type { Disk } from "../ports/disk.ts";
import { cleanPath } from "../stdx/clean-path.ts";
import { parentOf } from "../wal/segment-name.ts";

/** Name of a member's directory that is not finished; no server starts beside it. */
export const RESTORING_NAME = "member.restoring";

export interface MemberPlaces {
  /** Everything but a log in another place is made below. */
  readonly temporary: string;
  readonly member: string;
  readonly temporaryWal: string;
  readonly wal: string;
  readonly temporarySnap: string;
  readonly snap: string;
}

/** `walDir` may be anywhere; `<data-dir>/member/wal` when absent. */
export function placesOf(dataDir: string, walDir: string | undefined): MemberPlaces {
  const member = cleanPath(`${dataDir}/member`);
  const temporary = cleanPath(`${dataDir}/${RESTORING_NAME}`);
  const wal = cleanPath(walDir ?? `${member}/wal`);
  const isInside = wal.startsWith(`${member}/`);
  return {
    temporary,
    member,
    temporaryWal: isInside ? temporary + wal.slice(member.length) : `${wal}.restoring`,
    wal,
    temporarySnap: `${temporary}/snap`,
    snap: `${member}/snap`,
  };
}

/** Gives everything its name, durably. Nothing, or an empty directory, may have it. Throws `DiskError`. */
export function publishMember(disk: Disk, places: MemberPlaces): void {
  if (!places.temporaryWal.startsWith(`${places.temporary}/`)) {
    disk.rename(places.temporaryWal, places.wal);
    disk.syncDirectory(parentOf(places.wal));
  }
  disk.rename(places.temporary, places.member);
  disk.syncDirectory(parentOf(places.member));
}

/** Removes what was made so far. Throws `DiskError`. */
export function discardMember(disk: Disk, places: MemberPlaces): void {
  disk.remove(places.temporary);
  disk.remove(places.temporaryWal);
}
