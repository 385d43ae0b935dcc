/**
 * What a member under repair notes beside its data, so that every start knows of it until it is over:
 *
 * ```
 *   <data-dir>/member/repair     asking            or   catching up
 *                                <cluster id>           <term>
 *                                <member id>            <members>
 *                                <members>
 * ```
 *
 * "asking": damaged files are moved aside and the others asked for their terms; whatever data there is counts
 * for nothing. "catching up": the data is new, and the member must not vote (member/vote-hold.ts). Members
 * are JSON as the others tell them.
 */
import {
  decodeMemberList,
  encodeMemberList,
  formatId,
  MemberFormatError,
  type MemberInfo,
  parseId,
} from "../../membership/member-info.ts";
import type { Disk } from "../../ports/disk.ts";
import { bytesFromUtf8, utf8FromBytes } from "../../stdx/bytes.ts";
import { JsonError } from "../../stdx/json.ts";
import type { DataDirectory } from "./data-dir.ts";
import { REPAIR_NOTE_BYTES_MAX } from "../limits.ts";
import { StartError } from "./start-error.ts";

/** Who is being repaired, and among whom. */
export interface RepairIdentity {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  /** All members, as the others told. */
  readonly members: readonly MemberInfo[];
}

export type RepairNote =
  | ({ readonly stage: "asking" } & RepairIdentity)
  | {
      readonly stage: "catching up";
      /** Above every term that this member has voted in. */
      readonly term: number;
      readonly members: readonly MemberInfo[];
    };

/** `undefined` when no repair is under way. Throws `StartError` for a note that cannot be read; DiskError. */
export function readRepairNote(disk: Disk, directory: DataDirectory): RepairNote | undefined {
  const path = pathOf(directory);
  if (disk.stat(path) === undefined) return undefined;
  const file = disk.open(path, "read");
  try {
    const bytes = new Uint8Array(Math.min(file.size(), REPAIR_NOTE_BYTES_MAX));
    const note = parse(utf8FromBytes(bytes.subarray(0, file.read(bytes, 0))));
    if (note !== undefined) return note;
  } catch (error) {
    if (!(error instanceof JsonError || error instanceof MemberFormatError)) throw error;
  } finally {
    file.close();
  }
  throw new StartError(
    `"${path}" is no note of a repair, which was under way; remove this member from the cluster and add ` +
      "it again with an empty data directory",
  );
}

function parse(text: string): RepairNote | undefined {
  const [stage, first, second, third] = text.split("\n");
  if (stage === "asking") {
    const [clusterId, memberId] = [parseId(first), parseId(second)];
    if (clusterId === undefined || memberId === undefined) return undefined;
    return { stage, clusterId, memberId, members: decodeMemberList(third ?? "") };
  }
  const term = Number(first);
  if (stage !== "catching up" || !Number.isSafeInteger(term) || term <= 0) return undefined;
  return { stage, term, members: decodeMemberList(second ?? "") };
}

/** Makes the note durable, in the place of an earlier one. Rejects with `DiskError`. */
export async function writeRepairNote(
  disk: Disk,
  directory: DataDirectory,
  note: RepairNote,
): Promise<void> {
  const path = pathOf(directory);
  const temporary = `${path}.part`;
  const head =
    note.stage === "asking"
      ? [formatId(note.clusterId), formatId(note.memberId)]
      : [String(note.term)];
  const text = [note.stage, ...head, encodeMemberList(note.members)].join("\n");
  disk.remove(temporary);
  const file = disk.open(temporary, "create", 0o600);
  try {
    await new Promise<void>((resolve, reject) => {
      file.write([bytesFromUtf8(text)], 0, "durable", (error) => {
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  } finally {
    file.close();
  }
  disk.rename(temporary, path);
  disk.syncDirectory(directory.member);
}

/** The repair is over. Errors: DiskError. */
export function removeRepairNote(disk: Disk, directory: DataDirectory): void {
  disk.remove(pathOf(directory));
  disk.syncDirectory(directory.member);
}

function pathOf(directory: DataDirectory): string {
  return `${directory.member}/repair`;
}
