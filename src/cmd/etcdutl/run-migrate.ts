/**
 * migrate: the files of a member for another release.
 *
 * Source: etcd etcdutl/etcdutl/migrate_command.go (3.6).
 */
import { migrateMember } from "../../snapshot/migrate-member.ts";
import type { StorageVersion } from "../../snapshot/storage-version.ts";
import { GoNumberError, parseGoInt64 } from "../../stdx/go-number.ts";
import { goQuote } from "../../stdx/go-quote.ts";
import { textOf } from "../byte-text.ts";
import { consoleLog } from "../console-line.ts";
import { fileEnvironment, orExitOnFile } from "../file-tools.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import type { EtcdutlCall, UtlSession } from "./session.ts";

/** The oldest release that files can be made for. */
const OLDEST: StorageVersion = { major: 3, minor: 5 };

export async function runMigrate(session: UtlSession, { flags }: EtcdutlCall): Promise<void> {
  const { clock, io } = session;
  const target = targetOf(flags.getString("target-version"));
  const dataDir = textOf(flags.getString("data-dir"));
  const log = consoleLog(clock, (line) => io.error(line));
  const force = flags.getBool("force");
  const environment = { ...fileEnvironment(session), log };
  await orExitOnFile(migrateMember(environment, { dataDir, target, force }));
}

/** The version that `text` names; one that cannot be ends the tool. */
function targetOf(text: string): StorageVersion {
  const parts = text.split(".");
  if (parts.length !== 2) {
    throw badArguments(`wrong target version format, expected "X.Y", got ${goQuote(text)}`);
  }
  const [major, minor] = parts.map((part) => {
    const number = parseGoInt64(part, 10);
    if (!(number instanceof GoNumberError)) return Number(number);
    throw badArguments(`failed to parse target version: ${number.message}`);
  });
  if (major < OLDEST.major || (major === OLDEST.major && minor < OLDEST.minor)) {
    throw badArguments(`target version "${major}.${minor}" not supported. Minimal "3.5"`);
  }
  return { major, minor };
}

function badArguments(message: string): ToolExit {
  return new ToolExit(ExitCode.BAD_ARGUMENTS, message);
}
