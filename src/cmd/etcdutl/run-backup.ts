/**
 * backup: the files of a member that does not run, as etcd 2 did it.
 *
 * Source: etcd etcdutl/etcdutl/backup_command.go (3.5).
 */
import { BackupFailure } from "../../snapshot/backup-failure.ts";
import { backupMember } from "../../snapshot/backup-member.ts";
import { textOf } from "../byte-text.ts";
import { consoleLog } from "../console-line.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import type { EtcdutlCall, UtlSession } from "./session.ts";

export async function runBackup(session: UtlSession, { flags }: EtcdutlCall): Promise<void> {
  const { disk, clock, io } = session;
  const log = consoleLog(clock, (line) => io.error(line));
  const place = (name: string): string => textOf(flags.getString(name));
  const placeIfGiven = (name: string): string | undefined =>
    flags.getString(name) === "" ? undefined : place(name);
  const options = {
    dataDir: place("data-dir"),
    walDir: placeIfGiven("wal-dir"),
    backupDir: place("backup-dir"),
    backupWalDir: placeIfGiven("backup-wal-dir"),
    withV3: flags.getBool("with-v3"),
  };
  try {
    await backupMember({ disk, clock, log }, options);
  } catch (error) {
    if (!(error instanceof BackupFailure)) throw error;
    log.named("snapshot/backup-member.ts").fatal(error.message, error.fields);
    throw new ToolExit(ExitCode.ERROR, undefined);
  }
}
