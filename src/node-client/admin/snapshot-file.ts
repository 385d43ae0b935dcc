/** Snapshots in files. Loaded when the first one is saved: most programs never do. */
import { sha256 } from "../../platform/digest.ts";
import { SystemDisk } from "../../platform/disk.ts";
import { SnapshotDownload } from "../../snapshot/save-snapshot.ts";
import type { SnapshotPart } from "./upkeep.ts";

/** Saves `parts` under `path` as `SnapshotDownload` does; returns how many bytes there were. */
export async function saveParts(
  path: string,
  parts: AsyncIterable<SnapshotPart>,
  onProgress: (doneBytes: number, remainingBytes: number) => void = () => undefined,
): Promise<number> {
  const disk = new SystemDisk({ warn: () => undefined });
  const download = SnapshotDownload.begin({ disk, sha256, onPiece: onProgress }, path);
  try {
    const size = await download.receive(pieces(parts));
    download.publish();
    return size;
  } finally {
    download.discard();
  }
}

async function* pieces(parts: AsyncIterable<SnapshotPart>) {
  for await (const { bytes, remainingBytes } of parts) yield { blob: bytes, remainingBytes };
}
