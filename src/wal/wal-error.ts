/** What the write-ahead log and snapshot files can refuse: etcd's text first, then where and the way out. */

/**
 * - `metadata-conflict`, `snapshot-mismatch`, `snapshot-not-found`, `slice-out-of-range`, `file-not-found`:
 *   the log does not fit together, or not to the snapshot.
 * - `crc-mismatch`, `malformed`, `unexpected-type`: bytes are not what was written.
 * - `unexpected-eof`: the last write did not reach the device as a whole; can be repaired.
 * - `locked`, `exists`: somebody else uses the directory, or it has a log already.
 * - `closed`: the log was closed.
 * - `empty-snapshot`, `snapshot-crc-mismatch`: of snapshot files.
 */
export type WalErrorCode =
  | "metadata-conflict"
  | "snapshot-mismatch"
  | "snapshot-not-found"
  | "slice-out-of-range"
  | "file-not-found"
  | "crc-mismatch"
  | "malformed"
  | "unexpected-type"
  | "unexpected-eof"
  | "locked"
  | "exists"
  | "closed"
  | "empty-snapshot"
  | "snapshot-crc-mismatch";

const TEXTS: Readonly<Record<WalErrorCode, string>> = {
  "metadata-conflict": "wal: conflicting metadata found",
  "snapshot-mismatch": "wal: snapshot mismatch",
  "snapshot-not-found": "wal: snapshot not found",
  "slice-out-of-range": "wal: slice bounds out of range",
  "file-not-found": "wal: file not found",
  "crc-mismatch": "wal: crc mismatch",
  malformed: "wal: malformed record",
  "unexpected-type": "unexpected block type",
  "unexpected-eof": "unexpected EOF",
  locked: "fileutil: file already locked",
  exists: "file already exists",
  closed: "wal: closed",
  "empty-snapshot": "snap: empty snapshot",
  "snapshot-crc-mismatch": "snap: crc mismatch",
};

/** What an operator can do about a log that cannot be read. */
export const WAY_OUT =
  "restore the data directory from a snapshot or a copy, or remove this member from the cluster and add " +
  "it again with an empty data directory";

export class WalError extends Error {
  readonly code: WalErrorCode;

  /** `detail` says where and what; the message is etcd's text, a colon, and the detail. */
  constructor(code: WalErrorCode, detail?: string) {
    super(detail === undefined ? TEXTS[code] : `${TEXTS[code]}: ${detail}`);
    this.name = "WalError";
    this.code = code;
  }
}
