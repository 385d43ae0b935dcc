/**
 * Configuration files: the real etcd and ours end with the same exit code and say the same of those that are
 * wrong, and have the same settings after those that are not. Compared are plain lines and, of log lines,
 * level, message and the fields that etcd has; ours names the line of the file as well.
 */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseServerArgs } from "../../src/cmd/server-args.ts";
import { readConfigFile } from "../../src/cmd/config-file/read-config-file.ts";
import type { LogRecord } from "../../src/server/observe/log-record.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { freePorts } from "../harness/processes.ts";
import { REFERENCE, runReference } from "../harness/reference.ts";

const FOLDER = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-config-file-"));
const FILE = path.join(FOLDER, "etcd.yml");
const OWN_KEYS = new Set(["ts", "caller", "stacktrace", "args"]);

afterAll(() => fs.rmSync(FOLDER, { recursive: true }));

/** Ends etcd after the file has been read as a whole. */
const STOP = "heartbeat-interval: 0\n";

/** Files that both refuse. */
const FILES: readonly string[] = [
  // Values of the wrong type.
  "heartbeat-interval: abc\n",
  "heartbeat-interval: -1\n",
  "heartbeat-interval: 1.5\n",
  "heartbeat-interval: [1]\n",
  'heartbeat-interval: "100"\n',
  "heartbeat-interval: 1e2\nelection-timeout: 0x10\n",
  "heartbeat-interval: 1_000\nelection-timeout: 010\n",
  "HEARTBEAT-INTERVAL: x\n",
  "zzz: 1\nname: 5\nheartbeat-interval: x\n",
  "name: 123\n",
  "name: [a]\n",
  "name: yes\n",
  "name: 2001-01-01\n" + STOP,
  "name: ~\n" + STOP,
  "initial-cluster-token: 1e3\n",
  "discovery-srv: x\ndiscovery: y\n",
  "grpc-keepalive-interval: 5m\n",
  "grpc-keepalive-interval: 5000000000\n" + STOP,
  "backend-batch-interval: 1.5\n",
  "pre-vote: yes\n" + STOP,
  'pre-vote: "yes"\n',
  "pre-vote: 1\n",
  "max-concurrent-streams: 4294967296\n",
  "quota-backend-bytes: 99999999999999999999\n",
  "quota-backend-bytes: -1\n" + STOP,
  "snapshot-count: 18446744073709551616\n",
  "experimental-snapshot-catch-up-entries: x\n",
  "experimental-snapshot-catchup-entries: x\n" + STOP,
  "cipher-suites: abc\n",
  "log-outputs: stderr\n",
  "log-outputs: [stderr, 5]\n",
  "log-outputs: [stderr, default]\n",
  "client-transport-security: foo\n",
  "client-transport-security:\n  cert-file: [a]\n",
  "client-transport-security:\n  client-cert-auth: maybe\n",
  "client-transport-security:\n" + STOP,
  "peer-transport-security:\n  allowed-cn: a\n",
  "peer-transport-security:\n  allowed-cn: [1]\n",
  "socket-options:\n  reuse-port: 1\n",
  "socket-options: [a]\n",
  "v2-deprecation: 1\n",
  "listen-metrics-urls: 1\n",
  "cors: [a]\n",
  // Not YAML, or not what is expected of it.
  "just text\n",
  "name=x\nheartbeat-interval=0\n",
  "- a\n- b\n",
  "a: b: c\n",
  "x: 1\ny: a: b\n",
  "a: b\n  c: d\n",
  "a:\n\tb: c\n",
  "\tname: x\n",
  "a: [1, 2\n",
  "x: 1\ny: [1\nz: 2\n",
  "a: {x: 1\nb: 2\n",
  'a: "unterminated\n',
  'x: 1\ny: "abc\nz: 2\n',
  "a: *nope\n",
  "a: &x [*x]\n",
  "x:\n  y: 1\n z: 2\n",
  "- a\nb: c\n",
  "name: x\na: 1\nb\n",
  "a: @x\n",
  "a: `x`\n",
  'a: "\\q"\n',
  'a: "x" y\n',
  "key: - a\n",
  // Values that do not go together.
  "listen-peer-urls: foo\n",
  "advertise-client-urls: foo\n",
  "listen-metrics-urls: http://\n",
  "listen-client-urls: http://foo:2379\n",
  "listen-client-urls: http://127.0.0.1:2379\n" + STOP,
  "cors: foo\n",
  "proxy: foo\n" + STOP,
  "proxy-dial-timeout: x\n",
  "initial-cluster-state: foo\n",
  "log-level: bad\n",
  "log-level: error\n" + STOP,
  "logger: foo\n",
  "v2-deprecation: foo\n" + STOP,
  "unknown-key: 1\n" + STOP,
  "discovery-srv: a\ninitial-cluster: a=http://b:1\n",
  "discovery-srv: a\ndiscovery: http://b\n",
  "tls-min-version: TLS1.1\n",
  "tls-min-version: TLS1.3\ntls-max-version: TLS1.2\n",
  "tls-min-version: TLS1.3\ncipher-suites: [TLS_A]\n",
  "auto-compaction-mode: foo\n",
  "experimental-enable-lease-checkpoint-persist: true\n",
  "experimental-enable-lease-checkpoint: true\nexperimental-compact-hash-check-time: 0\n",
  "experimental-enable-distributed-tracing: true\nexperimental-distributed-tracing-sampling-rate: 1000001\n",
  "experimental-enable-distributed-tracing: true\nexperimental-distributed-tracing-sampling-rate: -1\n",
  // Documents with more than one way to say a thing.
  "heartbeat-interval: 5\nheartbeat-interval: 0\n",
  "a: &a [x]\ncipher-suites: *a\n" + STOP,
  "a: &a {heartbeat-interval: 0}\n<<: *a\n",
  STOP + "---\nheartbeat-interval: x\n",
  '{"name": "x",\n\t"heartbeat-interval": 0}\n',
  '{"heartbeat-interval": 0,\n',
  "# only a comment\n" + STOP,
];

type Said = readonly [code: number, stdout: string, ...stderr: unknown[]];

async function sayReference(args: string[], env: Record<string, string>): Promise<Said> {
  const { code, stdout, stderr } = await runReference("etcd", args, env);
  const lines = stderr.split("\n").filter((line) => line !== "");
  const plain = lines.filter((line) => !line.startsWith("{")).slice(0, 1);
  const said = lines
    .filter((line) => line.startsWith("{"))
    .map((line) => {
      const entries = Object.entries(JSON.parse(line) as object);
      return Object.fromEntries(entries.filter(([key]) => !OWN_KEYS.has(key)));
    });
  return [code, stdout, ...plain.map((line) => line.replace(/^[\d/]+ [\d:]+ /, "")), ...said];
}

function sayOurs(args: string[], env: Record<string, string>): Said {
  const parsed = parseServerArgs({
    command: ["etcd", ...args],
    environment: env,
    defaultHost: undefined,
    runtime: { version: "20.0.0", platform: "linux", arch: "x64" },
    readConfigFile,
  });
  if (parsed.kind === "start") throw new Error("Ours would start");
  const isQuiet = parsed.log.level === "error";
  const logged = isQuiet ? [] : parsed.records;
  const records = [...parsed.early, ...logged, ...parsed.last].filter(isEtcds);
  const [plain] = parsed.stderr.split("\n");
  return [parsed.code, parsed.stdout, ...(plain === "" ? [] : [plain]), ...records.map(comparable)];
}

/** etcd does not say which keys it did not look at. */
function isEtcds({ message }: LogRecord): boolean {
  return message !== "unknown key in the configuration file; ignored";
}

function comparable({ level, message, fields }: LogRecord): unknown {
  const { args: _, line: _line, advice: _advice, ...others } = fields ?? {};
  const { path: file, ...rest } = others;
  const isLoaded = message.startsWith("loaded server configuration");
  return { level, msg: message, ...rest, ...(isLoaded ? { path: file } : {}) };
}

describe.skipIf(REFERENCE === undefined)("configuration files against the real etcd", () => {
  test.each(FILES.map((text) => [JSON.stringify(text), text] as const))(
    "says the same of %s",
    async (_, text) => {
      fs.writeFileSync(FILE, text);
      const args = [`--config-file=${FILE}`];
      expect(sayOurs(args, {})).toEqual(await sayReference(args, {}));
    },
  );

  test.each([
    ["a variable names it", [], { ETCD_CONFIG_FILE: FILE, ETCD_NAME: "x", ETCD_FOO: "y" }],
    ["flags stand beside it", ["--config-file", FILE, "--name=y", "-v"], { ETCD_NAME: "x" }],
    ["a flag beside it is bad", ["--config-file", FILE, "--heartbeat-interval=x"], {}],
    ["there is none", ["--config-file=/nowhere/etcd.yml"], {}],
    ["it is a folder", ["--config-file", FOLDER], {}],
    ["it is named by nothing", ["--config-file="], { ETCD_CONFIG_FILE: "", ETCD_PRE_VOTE: "x" }],
  ] as [string, string[], Record<string, string>][])(
    "says the same when %s",
    async (_, args, env) => {
      fs.writeFileSync(FILE, STOP);
      const [code, stdout, ...stderr] = await sayReference(args, env);
      const ours = sayOurs(args, env);
      expect(ours).toEqual([code, stdout, ...stderr]);
    },
  );

  test("has the same settings from the same file", { timeout: 120_000 }, async () => {
    const [clientPort, peerPort] = await freePorts(2);
    const dataDir = path.join(FOLDER, "data");
    const goodFile = path.join(FOLDER, "good.yml");
    fs.writeFileSync(goodFile, settingsFile(clientPort, peerPort, dataDir));
    const settings: unknown[] = [];
    for (const program of [[path.join(REFERENCE ?? "", "etcd")], OUR_ETCD]) {
      settings.push(await settingsOf([...program, `--config-file=${goodFile}`]));
      fs.rmSync(dataDir, { recursive: true, force: true });
    }
    expect(settings[1]).toEqual(settings[0]);
  });
});

/** A file that sets as much as does not need other files. */
function settingsFile(clientPort: number, peerPort: number, dataDir: string): string {
  return `# Everything but TLS.
name: &name member-1
data-dir: '${dataDir}'
snapshot-count: 5_000
heartbeat-interval: 0x32
election-timeout: 500.0
initial-election-tick-advance: off
Quota-Backend-Bytes: 1e9
max-snapshots: 3
max-wals: 4
listen-peer-urls: http://127.0.0.1:${peerPort}
listen-client-urls: "http://127.0.0.1:${clientPort}"
advertise-client-urls: http://127.0.0.1:${clientPort}
initial-advertise-peer-urls: http://127.0.0.1:${peerPort}
initial-cluster: member-1=http://127.0.0.1:${peerPort}
initial-cluster-token: 'token'
initial-cluster-state: new
strict-reconfig-check: no
auto-compaction-mode: periodic
auto-compaction-retention: "1"
max-request-bytes: 2000000
max-concurrent-streams: 100
pre-vote: false
experimental-initial-corrupt-check: true
experimental-corrupt-check-time: 60000000000
experimental-compact-hash-check-enabled: true
experimental-compact-hash-check-time: 120000000000
experimental-downgrade-check-time: 1000000000
experimental-snapshot-catch-up-entries: 77
cors: '*'
host-whitelist: "*"
unknown: [1, {2: 3}]
`;
}

/** The settings that a server logs at its start, without what it says of itself. */
function settingsOf([program, ...args]: readonly string[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], env: {} });
    let text = "";
    let settings: unknown;
    child.stderr.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const line = text
        .split("\n")
        .slice(0, -1)
        .find((each) => each.includes(SETTINGS_LINE));
      if (line === undefined || settings !== undefined) return;
      const entries = Object.entries(JSON.parse(line) as object);
      settings = Object.fromEntries(entries.filter(([key]) => !PROGRAM_KEYS.has(key)));
      child.kill("SIGKILL");
    });
    child.once("error", reject);
    child.once("close", () => {
      if (settings === undefined) reject(new Error(`Told no settings:\n${text}`));
      else resolve(settings);
    });
  });
}

const SETTINGS_LINE = '"starting an etcd server"';
const PROGRAM_KEYS = new Set([...OWN_KEYS, "git-sha", "go-version"]);
