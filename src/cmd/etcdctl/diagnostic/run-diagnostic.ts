/**
 * diagnostic: what all endpoints tell of themselves in one archive, to be looked at elsewhere. It has no keys
 * or values, and no secrets.
 *
 * Source: none; etcd's own tools have no such command.
 */
import { bytesFromLatin1 } from "../../../stdx/bytes.ts";
import { humanBytes } from "../../../stdx/humanize.ts";
import { byteString, textOf } from "../../byte-text.ts";
import { ProgressBar } from "../../progress-bar.ts";
import { tarArchive } from "../../tar-archive.ts";
import { ExitCode, ToolExit } from "../../tool-exit.ts";
import { clientConfig } from "../client-config.ts";
import { clusterEndpoints } from "../cluster-endpoints.ts";
import { setFlagsFromEnvironment } from "../environment.ts";
import type { EtcdctlCall, Session } from "../session.ts";
import { ETCDCTL_VERSION } from "../version.ts";
import { EndpointReport } from "./collect.ts";
import { findingsOf } from "./findings.ts";

/** The folder that the archive unpacks to. */
const FOLDER = "etcd-diagnostic";

const README = `summary.txt         what is worth a look, and what could not be had
report.json         when, with which version and of which endpoints this was made
endpoints/<n>/      one folder for each endpoint, numbered as in report.json:
  status.json       version, sizes, leader, term and indexes       (endpoint status -w json)
  members.json      the members that it knows                      (member list -w json)
  alarms.json       alarms that are raised                         (alarm list -w json)
  health.json       whether the cluster can be read through it     (endpoint health -w json)
  hashkv.json       hash of all keys at one revision for all       (endpoint hashkv -w json)
  config.json       the command line that it was started with; secret values are masked
  version.json      /version
  http-health.json  /health
  livez.txt         /livez?verbose
  readyz.txt        /readyz?verbose
  metrics.txt       /metrics

There are no keys or values of the store in it, and no passwords, tokens, certificates or private keys. It names
hosts, ports, members and paths.
`;

export async function runDiagnostic(session: Session, call: EtcdctlCall): Promise<void> {
  const { io, clock } = session;
  const { flags, command, args } = call;
  if (args.length > 0) {
    throw new ToolExit(ExitCode.BAD_ARGUMENTS, "diagnostic command does not accept any arguments");
  }
  setFlagsFromEnvironment(command.inheritedFlags, io, clock);
  const config = clientConfig(session, flags);
  const endpoints = await clusterEndpoints(session, call, config, false);
  const reports = endpoints.map((each) => new EndpointReport(session, call, config, each));
  const bar = new ProgressBar(io, clock, (done, total) => `${done} of ${total} endpoints`);
  let done = 0;
  bar.show(done, reports.length);
  await Promise.all(
    reports.map(async (report) => {
      await report.collect();
      bar.show(++done, reports.length);
    }),
  );
  const revisions = reports.flatMap(({ answers }) => answers.status?.header?.revision ?? []);
  await Promise.all(reports.map((report) => report.collectHash(Math.min(...revisions))));
  bar.clear();
  const findings = findingsOf(reports.map(({ answers }) => answers));
  const lines = findings.length === 0 ? ["nothing to remark"] : findings;
  const summary = byteString(lines.map((line) => `${line}\n`).join(""));
  const archive = archiveOf(reports, summary, clock.wallMs());
  save(flags.getString("output-file"), archive);
  io.out(summary);
  io.out(`Report saved at ${flags.getString("output-file")} (${humanBytes(archive.length)})\n`);
  if (!reports.some(({ isAnswered }) => isAnswered)) {
    const message =
      "no endpoint has answered anything: look at --endpoints, at the TLS flags, and whether etcd runs there";
    throw new ToolExit(ExitCode.ERROR, message);
  }
}

function archiveOf(
  reports: readonly EndpointReport[],
  summary: string,
  wallMs: number,
): Uint8Array {
  const about = {
    tool: `etcdctl ${ETCDCTL_VERSION.version}`,
    time: new Date(wallMs).toISOString(),
    endpoints: reports.map(({ answers }, i) => ({
      folder: `endpoints/${i + 1}`,
      endpoint: answers.endpoint,
      memberId: answers.status?.header?.memberId.toString(16),
      failures: Object.fromEntries(answers.failures),
    })),
  };
  const files: [name: string, text: string][] = [
    ["README.txt", README],
    ["summary.txt", summary],
    ["report.json", byteString(`${JSON.stringify(about, undefined, 2)}\n`)],
    ...reports.flatMap(({ files: own }, i) =>
      [...own].map(([name, text]): [string, string] => [`endpoints/${i + 1}/${name}`, text]),
    ),
  ];
  const content = files.map(([name, text]) => ({
    name: `${FOLDER}/${name}`,
    content: bytesFromLatin1(text),
  }));
  const { gzipSync } = process.getBuiltinModule("node:zlib");
  return gzipSync(tarArchive(content, wallMs / 1000));
}

/** Only its owner can read the file. One that is there is replaced. */
function save(file: string, archive: Uint8Array): void {
  const fs = process.getBuiltinModule("node:fs");
  const part = `${textOf(file)}.part`;
  try {
    fs.rmSync(part, { force: true });
    fs.writeFileSync(part, archive, { mode: 0o600, flag: "wx" });
    fs.renameSync(part, textOf(file));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ToolExit(ExitCode.IO, `could not write ${file} (${byteString(error.message)})`);
  }
}
