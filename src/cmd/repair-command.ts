/** `etcd --repair`: what was found and done goes to standard output, line by line. */
import { systemClock } from "../platform/clock.ts";
import { SystemDisk } from "../platform/disk.ts";
import type { NamedLog } from "../ports/log.ts";
import type { ServerConfig } from "../server/config/config.ts";
import { repairDataDir } from "../snapshot/repair/repair-data-dir.ts";

/** Resolves with the exit code: 0 when the member can start, 1 when nothing could be done about it. */
export async function runRepair(config: ServerConfig, log: NamedLog): Promise<number> {
  const say = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  const environment = {
    disk: new SystemDisk({ warn: (message) => log.warn(message) }),
    clock: systemClock,
    log: log.named("cmd/repair-command.ts"),
  };
  const walDir = config.dedicatedWalDir === "" ? undefined : config.dedicatedWalDir;
  try {
    const outcome = await repairDataDir(environment, { dataDir: config.dataDir, walDir }, say);
    return outcome === "refused" ? 1 : 0;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    say(`the repair was interrupted: ${reason}; remove the cause and run it again`);
    return 1;
  }
}
