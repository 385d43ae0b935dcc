/**
 * `etcd` as a process: what its words ask for. A member is loaded only if one is to start.
 */
import { readStartup } from "./server-startup.ts";

/** Reads the command line and does what it says; a member goes on when this returns. */
export async function runServer(): Promise<void> {
  const startup = await readStartup();
  if (startup.kind === "exit") {
    process.exitCode = startup.code;
    return;
  }
  const { config, log: processLog, mayGreet } = startup;
  const log = processLog.named("cmd/etcd.ts");
  if (config.repair) {
    const { runRepair } = await import("./repair-command.ts");
    process.exitCode = await runRepair(config, log);
    return;
  }
  const { runMember } = await import("./run-member.ts");
  await runMember({ config, processLog, log, mayGreet });
}
