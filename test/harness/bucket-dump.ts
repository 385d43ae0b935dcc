/** Every item of every bucket of a database file, as hex. */
import { Db } from "../../src/bolt/db.ts";
import { SystemDisk } from "../../src/platform/disk.ts";
import { hexFromBytes, latin1FromBytes } from "../../src/stdx/bytes.ts";

export type BucketDump = Record<string, Record<string, string>>;

export function dumpBuckets(path: string): BucketDump {
  const db = Db.open(new SystemDisk({ warn: () => undefined }), path, { readOnly: true });
  const reader = db.beginRead();
  const dump: BucketDump = {};
  reader.forEachBucket((name) => {
    const items: Record<string, string> = {};
    const cursor = reader.bucket(name)?.cursor();
    for (let found = cursor?.first(); found === true; found = cursor?.next()) {
      const { key, value } = cursor ?? {};
      if (key !== undefined && value !== undefined) items[hexFromBytes(key)] = hexFromBytes(value);
    }
    dump[latin1FromBytes(name)] = items;
  });
  db.close();
  return dump;
}
