/**
 * `defrag --data-dir`: of a member that does not run. etcdctl has it for compatibility.
 *
 * Source: etcd etcdutl/etcdutl/defrag_command.go (3.5).
 */
import { defragFinishedFields, defragSizeFields } from "../server/storage/defrag-log.ts";
import { databasePathOf, defragmentMember } from "../snapshot/defragment-member.ts";
import { SnapshotError } from "../snapshot/snapshot-error.ts";
import { goDurationOfMs } from "../stdx/go-duration.ts";
import { byteString, textOf } from "./byte-text.ts";
import { consoleLog } from "./console-line.ts";
import { fileEnvironment, type FileSession } from "./file-tools.ts";
import { ProgressBar } from "./progress-bar.ts";
import { ExitCode, ToolExit } from "./tool-exit.ts";

/** What to do instead of waiting. */
const WAY_OUT = " To defrag a running etcd instance, omit --data-dir.";

/** Defragments the database below `dataDir`, a byte string. A refusal ends the tool. */
export async function runOfflineDefrag(session: FileSession, dataDir: string): Promise<void> {
  const { clock, io } = session;
  const log = consoleLog(clock, (line) => io.error(line), "cmd/defrag-command.ts");
  const bar = new ProgressBar(io, clock);
  const directory = textOf(dataDir);
  let totalBytes = 0;
  let startMs = clock.nowMs();
  const work = defragmentMember(
    {
      ...fileEnvironment(session, WAY_OUT),
      onStart: (path, sizes) => {
        log.info("defragmenting", { path, ...defragSizeFields(sizes) });
        startMs = clock.nowMs();
        totalBytes = sizes.bytesInUse;
      },
      onProgress: ({ bytes }) => bar.show(bytes, totalBytes),
    },
    directory,
  );
  try {
    const { before, after } = await work;
    bar.clear();
    log.info("finished defragmenting directory", {
      path: databasePathOf(directory),
      ...defragFinishedFields(before, after),
      took: goDurationOfMs(clock.nowMs() - startMs),
    });
  } catch (error) {
    bar.clear();
    if (!(error instanceof SnapshotError)) throw error;
    const text = `Failed to defragment etcd data[${dataDir}] (${byteString(error.message)})`;
    throw new ToolExit(ExitCode.ERROR, text);
  }
}
