/** What can go wrong with a bolt file that is neither a bug nor a failing disk. */

/**
 * Why a call was refused or a file cannot be opened. At opening: `notFound`, `locked` (somebody else has it),
 * `notBolt`, `version` (of the format: not 2), `invalidMeta` (both meta pages are damaged), `truncated`. Of a file:
 * `readOnly`, `databaseClosed`, `databaseBusy`, `databaseFailed` (a write failed earlier). The rest: of a call.
 */
export type BoltErrorCode =
  | "notFound"
  | "locked"
  | "notBolt"
  | "version"
  | "invalidMeta"
  | "truncated"
  | "readOnly"
  | "databaseClosed"
  | "databaseBusy"
  | "databaseFailed"
  | "txClosed"
  | "txNotWritable"
  | "bucketNotFound"
  | "bucketExists"
  | "bucketNameRequired"
  | "bucketTooDeep"
  | "incompatibleValue"
  | "keyRequired"
  | "keyTooLarge"
  | "valueTooLarge";

/** A refused call, or a file that cannot be opened. Nothing was changed. */
export class BoltError extends Error {
  /** Why; texts may change, this does not. */
  readonly code: BoltErrorCode;

  /** `cause`: what it follows from, if anything. */
  constructor(code: BoltErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "BoltError";
    this.code = code;
  }
}

/**
 * The content of the file contradicts the format. The file needs `check`, and most likely a backup: never
 * go on writing to it.
 */
export class CorruptionError extends Error {
  /** Of the file. */
  readonly path: string;
  /** The page whose content it is; its first byte is at this times the page size. */
  readonly pageId: number;

  /** `detail`: what is wrong there. */
  constructor(path: string, pageId: number, detail: string) {
    super(`File "${path}" is corrupt at page ${pageId}: ${detail}`);
    this.name = "CorruptionError";
    this.path = path;
    this.pageId = pageId;
  }
}
