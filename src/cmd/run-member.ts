/**
 * A member as a process: start, signals, the ways to end.
 */
import type { AuditFile } from "../platform/audit-file.ts";
import type { NamedLog } from "../ports/log.ts";
import type { ProcessLog } from "../platform/log.ts";
import { ServiceManager } from "../platform/service-manager.ts";
import type { ServerConfig } from "../server/config/config.ts";
import { type EtcdServer, startEtcd } from "../server/etcd-server.ts";
import { RemovedError } from "../server/member-host.ts";
import { memberEnvironment } from "./member-environment.ts";
import { openAudit } from "./server-outlets.ts";
import { bidFarewell, greet } from "./greeting.ts";
import { rememberCode } from "./launch/remember-code.ts";

const UNSYNCED =
  "--unsafe-no-fsync is set: nothing waits for the disk, and what was acknowledged can be lost";

/** Milliseconds until a new cluster has told its log what it has agreed on. */
const GREETING_PAUSE_MS = 100;

/** A member that is to be this process. */
export interface MemberProcess {
  readonly config: ServerConfig;
  readonly processLog: ProcessLog;
  /** For what happens to the process. */
  readonly log: NamedLog;
  /** Whether somebody sits at the terminal who may be told what to do next. */
  readonly mayGreet: boolean;
}

/** Starts the member and stays until a signal or a failure ends it. */
export async function runMember({
  config,
  processLog,
  log,
  mayGreet,
}: MemberProcess): Promise<void> {
  // A bug, or state that contradicts itself: going on could lose or invent data.
  process.on("uncaughtException", (error) => end(log, "unexpected failure", error));
  let audit: AuditFile | undefined;
  try {
    audit = openAudit(config.audit, processLog);
    process.once("exit", () => audit?.flushAtExit());
  } catch (error) {
    end(log, "failed to open the audit log", error);
  }
  const server = await start(config, processLog, audit, log);
  if (server === undefined) return;
  const managerLog = processLog.named("platform/service-manager.ts");
  const manager = new ServiceManager(process.env["NOTIFY_SOCKET"], managerLog);
  const stop = async (): Promise<void> => {
    await Promise.all([manager.stopping("stopping"), server.stop()]);
    await audit?.close();
    if (mayGreet) bidFarewell(config);
  };
  stopOnSignal("SIGTERM", stop, log);
  stopOnSignal("SIGINT", stop, log);
  await server.ready;
  await manager.ready("serving clients");
  rememberCode("server", "now");
  if (!mayGreet) return;
  // Below the last lines of the start, not among them.
  setTimeout(() => greet(config, server.clientPorts), GREETING_PAUSE_MS).unref();
}

/** Starts the member. Ends the process when that cannot be, or when the member cannot go on later. */
async function start(
  config: ServerConfig,
  processLog: ProcessLog,
  audit: AuditFile | undefined,
  log: NamedLog,
): Promise<EtcdServer | undefined> {
  if (config.unsafeNoFsync) log.warn(UNSYNCED);
  const environment = memberEnvironment(config, processLog, audit);
  let server: EtcdServer | undefined;
  try {
    server = await startEtcd(config, environment, (reason) => {
      if (reason instanceof RemovedError) leave(reason, server, log);
      else end(log, "cannot go on after a failed write; restart when its cause is removed", reason);
    });
    return server;
  } catch (error) {
    end(log, "failed to start etcd", error);
    return undefined;
  }
}

/** Ends the process of a member that is no longer one of its cluster: there is nothing left to do. */
function leave(reason: RemovedError, server: EtcdServer | undefined, log: NamedLog): void {
  log.warn("server error", { error: reason.message });
  log.warn("data-dir used by this member must be removed");
  const stopped = server?.stop() ?? Promise.resolve();
  stopped.then(
    () => process.exit(0),
    (error: unknown) => end(log, "failed to stop cleanly", error),
  );
}

/** Logs why, and ends the process at once: what is not durable was not acknowledged. */
function end(log: NamedLog, message: string, reason: unknown): void {
  const error = reason instanceof Error ? reason : new Error(String(reason));
  const isExpected = EXPECTED.has(error.name) || "code" in error;
  log.fatal(message, {
    error: error.message,
    ...(isExpected ? {} : { stack: error.stack ?? "" }),
  });
  process.exit(1);
}

/** Errors that name a file, flag or address; for others the place in the program helps more. */
const EXPECTED = new Set([
  "StartError",
  "WalError",
  "BoltError",
  "DiskError",
  "CorruptionError",
  "UnsupportedEntryError",
  "V2ContentError",
  "LogOutputError",
]);

/** Stops cleanly, then dies of the same signal, as a parent process expects. */
function stopOnSignal(signal: NodeJS.Signals, stop: () => Promise<void>, log: NamedLog): void {
  process.once(signal, () => {
    log.info("received signal; shutting down", { signal: SIGNAL_NAMES[signal] ?? signal });
    stop().then(
      () => {
        process.removeAllListeners(signal);
        process.kill(process.pid, signal);
      },
      (error: unknown) => end(log, "failed to stop cleanly", error),
    );
  });
}

const SIGNAL_NAMES: { readonly [signal: string]: string } = {
  SIGTERM: "terminated",
  SIGINT: "interrupt",
};
