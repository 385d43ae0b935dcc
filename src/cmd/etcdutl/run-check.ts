/**
 * check v2store: whether a member has keys of the v2 API, which later releases do not have.
 *
 * Source: etcd etcdutl/etcdutl/check_command.go (3.5).
 */
import { MemberFormatError } from "../../membership/member-info.ts";
import { hasV2Content } from "../../snapshot/check-v2-store.ts";
import { SnapshotError } from "../../snapshot/snapshot-error.ts";
import { JsonError } from "../../stdx/json.ts";
import { WireError } from "../../wire/wire-error.ts";
import { byteString, textOf } from "../byte-text.ts";
import { consoleLog } from "../console-line.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import type { EtcdutlCall, UtlSession } from "./session.ts";

/** What says of itself why content cannot be read. */
const REFUSALS = [SnapshotError, JsonError, MemberFormatError, WireError];

export function runCheckV2Store(session: UtlSession, { flags }: EtcdutlCall): void {
  const { disk, clock, io } = session;
  const log = consoleLog(clock, (line) => io.error(line));
  const walDir = textOf(flags.getString("wal-dir"));
  const dataDir = textOf(flags.getString("data-dir"));
  let found: boolean;
  try {
    found = hasV2Content({ disk, log }, dataDir, walDir === "" ? undefined : walDir);
  } catch (error) {
    if (!REFUSALS.some((kind) => error instanceof kind)) throw error;
    throw new ToolExit(ExitCode.ERROR, byteString((error as Error).message));
  }
  if (found) throw new ToolExit(ExitCode.ERROR, "detected custom content in v2store");
  io.out("No custom content found in v2store.\n");
}
