/** The metadata of a log that may be damaged: each segment begins with it. */
import { readerOf, type WalLocation } from "./read-wal.ts";
import { RecordType } from "./record-type.ts";
import { listSegments } from "./segment-name.ts";
import { WalError } from "./wal-error.ts";

/** As in the newest segment whose beginning can be read; `undefined` when none has it. Throws `DiskError`. */
export function readMetadata({ disk, log, directory }: WalLocation): Uint8Array | undefined {
  for (const { name } of listSegments(disk, log, directory).toReversed()) {
    const file = disk.open(`${directory}/${name}`, "read");
    try {
      const reader = readerOf([file]);
      while (reader.next()) {
        if (reader.type === RecordType.METADATA) return reader.data?.slice();
        if (reader.type !== RecordType.CRC) break;
      }
    } catch (error) {
      if (!(error instanceof WalError)) throw error;
    } finally {
      file.close();
    }
  }
  return undefined;
}
