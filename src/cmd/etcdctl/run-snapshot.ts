/**
 * snapshot save; snapshot status and snapshot restore, which etcdutl has taken over.
 *
 * Source: etcd etcdctl/ctlv3/command/snapshot_command.go, client/v3/snapshot/v3_snapshot.go.
 */
import type { Client } from "../../client/client.ts";
import type { Log } from "../../ports/log.ts";
import { type SnapshotPiece, SnapshotDownload } from "../../snapshot/save-snapshot.ts";
import { SnapshotError } from "../../snapshot/snapshot-error.ts";
import { humanAgo, humanBytes } from "../../stdx/humanize.ts";
import type { SnapshotResponse } from "../../wire/gen/rpc.ts";
import { byteString, textOf } from "../byte-text.ts";
import { ProgressBar } from "../progress-bar.ts";
import { outputForm } from "../output-form.ts";
import { runSnapshotRestore, runSnapshotStatus } from "../snapshot-commands.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { zapLog } from "../zap-line.ts";
import { clientConfig, endpointsOf, openWith } from "./client-config.ts";
import { setFlagsFromEnvironment } from "./environment.ts";
import {
  commandDeadlineMs,
  type EtcdctlCall,
  failWith,
  type Session,
  withFiles,
} from "./session.ts";
import { readTls } from "../tls-config.ts";

export async function runSave(session: Session, call: EtcdctlCall): Promise<void> {
  const { args, flags } = call;
  if (args.length !== 1) {
    throw new ToolExit(ExitCode.BAD_ARGUMENTS, "snapshot save expects one argument");
  }
  setFlagsFromEnvironment(call.command.inheritedFlags, session.io, session.clock);
  const endpoints = await endpointsOf(session, flags);
  const config = clientConfig(session, flags);
  // Nothing is printed in a form; an unknown one, or a file that cannot be read, is refused nevertheless.
  outputForm(flags.getString("write-out"));
  readTls(config.tls);
  if (endpoints.length !== 1) {
    const shown = `[${endpoints.join(" ")}]`;
    const text = `snapshot must be requested to one selected node, not multiple ${shown}`;
    throw new ToolExit(ExitCode.INTERRUPTED, text);
  }
  const client = await openWith(session, endpoints, config, "client");
  try {
    await save(session, client, textOf(endpoints[0]), textOf(args[0]), deadlineOf(session, call));
  } catch (error) {
    if (!(error instanceof SnapshotError)) return failWith(error, ExitCode.INTERRUPTED);
    throw new ToolExit(ExitCode.INTERRUPTED, byteString(error.message));
  }
  session.io.out(`Snapshot saved at ${args[0]}\n`);
}

/** A snapshot takes as long as it takes, unless somebody says otherwise. */
function deadlineOf(session: Session, call: EtcdctlCall): { deadlineMs?: number } {
  const isGiven = call.flags.isChanged("command-timeout");
  return isGiven ? { deadlineMs: commandDeadlineMs(session, call) } : {};
}

async function save(
  session: Session,
  client: Client,
  endpoint: string,
  path: string,
  options: { deadlineMs?: number },
): Promise<void> {
  const startMs = session.clock.nowMs();
  const bar = new ProgressBar(session.io, session.clock);
  const log = logOf(session, "", bar);
  const onPiece = (done: number, remaining: number): void => bar.show(done, done + remaining);
  const download = SnapshotDownload.begin({ ...(await withFiles(session)), onPiece }, path);
  try {
    log.info("created temporary db file", { path: download.partPath });
    const pieces = told(client.maintenance.snapshot(options), logOf(session, "client", bar), () =>
      log.info("fetching snapshot", { endpoint }),
    );
    let size: number;
    try {
      size = await download.receive(pieces);
    } finally {
      bar.clear();
    }
    const took = humanAgo(session.clock.nowMs() - startMs);
    log.info("fetched snapshot", { endpoint, size: humanBytes(size), took });
    download.publish();
    log.info("saved", { path });
  } finally {
    download.discard();
  }
}

/** The pieces, with the lines that etcd's client library logs about their stream. */
async function* told(
  responses: AsyncIterable<SnapshotResponse>,
  log: Log,
  onOpen: () => void,
): AsyncGenerator<SnapshotPiece> {
  let isOpen = false;
  for await (const response of responses) {
    if (!isOpen) {
      isOpen = true;
      log.info("opened snapshot stream; downloading");
      onOpen();
    }
    yield response;
  }
  log.info("completed snapshot read; closing");
}

/** A log whose lines take the place of `bar`, which comes back below them. */
function logOf({ clock, io }: Session, logger: string, bar: ProgressBar): Log {
  const caller = "etcdctl/run-snapshot.ts";
  const write = (line: string): void => {
    bar.clear();
    io.error(line);
  };
  return zapLog({ logger, caller, level: "info", clock, write });
}

/** `snapshot status`, with the word that it has moved. */
export async function runStatus(session: Session, call: EtcdctlCall): Promise<void> {
  session.io.error("Deprecated: Use `etcdutl snapshot status` instead.\n\n");
  await runSnapshotStatus(await withFiles(session), call);
}

/** `snapshot restore`, with the word that it has moved. */
export async function runRestore(session: Session, call: EtcdctlCall): Promise<void> {
  session.io.error("Deprecated: Use `etcdutl snapshot restore` instead.\n\n");
  await runSnapshotRestore(await withFiles(session), call);
}
