/**
 * Snapshot files by command: their status, and the restore of a data directory. etcdctl has both for
 * compatibility, etcdutl is where they belong.
 *
 * Source: etcd etcdutl/etcdutl/snapshot_command.go (3.5).
 */
import { FlagRefusal } from "../server/flags/refusal.ts";
import { foundingProblem, parseInitialCluster } from "../server/config/initial-cluster.ts";
import { type UrlComparison, urlComparison } from "../server/start/peer-urls.ts";
import { parseServerUrls } from "../server/config/server-url.ts";
import { databaseStatus } from "../snapshot/database-status.ts";
import { type InitialMember, restoreSnapshot } from "../snapshot/restore-snapshot.ts";
import { byteString, textOf } from "./byte-text.ts";
import { consoleLog } from "./console-line.ts";
import { databaseStatusText } from "./file-answers.ts";
import { type FileSession, orExitOnFile, readFile } from "./file-tools.ts";
import { outputForm } from "./output-form.ts";
import type { FlagSet } from "./pflag.ts";
import { ProgressBar } from "./progress-bar.ts";
import { ExitCode, ToolExit } from "./tool-exit.ts";

/** `snapshot status <filename>`. */
export async function runSnapshotStatus(
  session: FileSession,
  { args, flags }: { readonly args: readonly string[]; readonly flags: FlagSet },
): Promise<void> {
  requireOneArgument("snapshot status", args);
  const form = outputForm(flags.getString("write-out"));
  const file = textOf(args[0]);
  const status = await readFile(session, (environment) => databaseStatus(environment, file));
  session.io.out(databaseStatusText(form, status));
}

/** `snapshot restore <filename>`. */
export async function runSnapshotRestore(
  session: FileSession,
  { args, flags }: { readonly args: readonly string[]; readonly flags: FlagSet },
): Promise<void> {
  requireOneArgument("snapshot restore", args);
  const revisionBump = flags.getInteger("bump-revision");
  if (revisionBump > 0n !== flags.getBool("mark-compacted")) {
    const text = "--mark-compacted required if --revision-bump > 0";
    throw new ToolExit(ExitCode.BAD_ARGUMENTS, text);
  }
  const text = (flag: string): string => textOf(flags.getString(flag));
  const name = text("name");
  const { clock, io, lookUpHost } = session;
  const bar = new ProgressBar(io, clock);
  const log = consoleLog(clock, (line) => {
    bar.clear();
    io.error(line);
  });
  const comparison = urlComparison(clock, log.named("server/start/peer-urls.ts"), lookUpHost);
  const members = await initialMembers(
    name,
    text("initial-cluster"),
    text("initial-advertise-peer-urls"),
    comparison,
  );
  const walDir = text("wal-dir");
  const restore = restoreSnapshot(
    { ...session, log, onProgress: (done, total) => bar.show(done, total) },
    {
      snapshotPath: textOf(args[0]),
      dataDir: text("data-dir") || `${name}.etcd`,
      walDir: walDir === "" ? undefined : walDir,
      name,
      members,
      clusterToken: text("initial-cluster-token"),
      skipHashCheck: flags.getBool("skip-hash-check"),
      revisionBump,
      initialMemoryMapBytes: flags.getInteger("initial-memory-map-size"),
    },
  );
  try {
    await orExitOnFile(restore);
  } finally {
    bar.clear();
  }
}

function requireOneArgument(command: string, args: readonly string[]): void {
  if (args.length === 1) return;
  throw new ToolExit(ExitCode.BAD_ARGUMENTS, `${command} requires exactly one argument`);
}

/** The members of the cluster to be; flags that do not fit together end the tool. */
async function initialMembers(
  name: string,
  cluster: string,
  advertised: string,
  comparison: UrlComparison,
): Promise<InitialMember[]> {
  const urls = accepted(parseServerUrls(advertised));
  const members = accepted(parseInitialCluster(cluster));
  accepted(await foundingProblem(members, name, urls, comparison));
  return [...members].map(([member, peers]) => ({
    name: member,
    peerUrls: peers.map((url) => url.text),
  }));
}

function accepted<T>(value: T | FlagRefusal): T {
  if (!(value instanceof FlagRefusal)) return value;
  throw new ToolExit(ExitCode.ERROR, byteString(value.message));
}
