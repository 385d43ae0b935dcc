/** Why a backup cannot be: a line of the log, after which the program ends. */
import { BoltError, CorruptionError } from "../bolt/errors.ts";
import { MemberFormatError } from "../membership/member-info.ts";
import { V2ContentError } from "../membership/v2-store.ts";
import { DiskError } from "../ports/disk.ts";
import type { LogFields } from "../ports/log.ts";
import { JsonError } from "../stdx/json.ts";
import { WalError } from "../wal/wal-error.ts";
import { WireError } from "../wire/wire-error.ts";
import { asSnapshotError, SnapshotError } from "./snapshot-error.ts";

export class BackupFailure extends Error {
  readonly fields: LogFields;

  constructor(message: string, fields: LogFields) {
    super(message);
    this.name = "BackupFailure";
    this.fields = fields;
  }
}

/** Does a step; what it is refused with becomes the failure `message`. Bugs are thrown on. */
export function during<T>(message: string, step: () => T, fields: LogFields = {}): T {
  try {
    return step();
  } catch (error) {
    throw failureOf(message, error, fields);
  }
}

/** The same for a step that waits. */
export async function duringWork<T>(message: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw failureOf(message, error, {});
  }
}

/** What content is refused with: its own words say enough. */
const CONTENT_ERRORS = [JsonError, MemberFormatError, V2ContentError, WireError];

const FILE_ERRORS = [SnapshotError, DiskError, BoltError, CorruptionError, WalError];

function failureOf(message: string, error: unknown, fields: LogFields): unknown {
  if (CONTENT_ERRORS.some((kind) => error instanceof kind)) {
    return new BackupFailure(message, { ...fields, error: (error as Error).message });
  }
  if (!FILE_ERRORS.some((kind) => error instanceof kind)) return error;
  return new BackupFailure(message, { ...fields, error: asSnapshotError(error).message });
}
