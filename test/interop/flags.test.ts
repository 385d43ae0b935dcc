/**
 * Mistakes on the command line and in the environment: the real etcd and ours end with the same exit code
 * and say the same. Compared are plain lines and, of log lines, level, message and fields.
 */
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { MemoryLog } from "../../sim/memory-log.ts";
import { readConfigFile } from "../../src/cmd/config-file/read-config-file.ts";
import { type CliExit, type CliStart, parseServerArgs } from "../../src/cmd/server-args.ts";
import { noNetwork } from "../../sim/no-network.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { sha1 } from "../../src/platform/digest.ts";
import { lookUpHost } from "../../src/platform/host-lookup.ts";
import { compactionPolicy } from "../../src/server/config/compaction-retention.ts";
import { establishIdentity, type FoundingEnvironment } from "../../src/server/start/founding.ts";
import { StartError } from "../../src/server/start/start-error.ts";
import type { LogRecord } from "../../src/server/observe/log-record.ts";
import { runProgram } from "../harness/processes.ts";
import { type Finished, REFERENCE, runReference } from "../harness/reference.ts";

const ENTRY = path.join(import.meta.dirname, "../../dist/bin/etcd.cjs");

type Said = readonly [code: number, stdout: string, ...stderr: unknown[]];

/** Keys that differ from line to line or from program to program. */
const OWN_KEYS = new Set(["ts", "caller", "stacktrace", "args"]);

async function sayReference(args: string[], env: Record<string, string>): Promise<Said> {
  return saidBy(await runReference("etcd", args, env));
}

/** Ours as a process, as it was built. */
async function sayProcess(args: string[], env: Record<string, string>): Promise<Said> {
  const finished = await runProgram(process.execPath, [ENTRY, ...args], { environment: env });
  const { code, stdout, stderr } = finished;
  return saidBy({ code, stdout: stdout.toString(), stderr: stderr.toString() });
}

function saidBy({ code, stdout, stderr }: Finished): Said {
  return [code, stdout, ...plainLines(stderr), ...jsonLines(stderr)];
}

/** What is said up to the explanation of the flags, or up to a stack trace. */
function plainLines(stderr: string): string[] {
  return stderr
    .split("\n")
    .filter((line) => !line.startsWith("{"))
    .slice(0, 1);
}

function jsonLines(stderr: string): unknown[] {
  const lines = stderr.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => {
    const entries = Object.entries(JSON.parse(line) as object);
    return Object.fromEntries(entries.filter(([key]) => !OWN_KEYS.has(key)));
  });
}

function parseOurs(args: string[], env: Record<string, string>): CliStart | CliExit {
  return parseServerArgs({
    command: ["etcd", ...args],
    environment: env,
    defaultHost: undefined,
    runtime: { version: "20.0.0", platform: "linux", arch: "x64" },
    readConfigFile,
  });
}

function sayOurs(args: string[], env: Record<string, string>): Said {
  const parsed = parseOurs(args, env);
  if (parsed.kind === "start") throw new Error("Ours would start");
  const records = [...parsed.early, ...parsed.records, ...parsed.last];
  return [parsed.code, parsed.stdout, parsed.stderr.split("\n")[0], ...records.map(comparable)];
}

function comparable({ level, message, fields }: LogRecord): unknown {
  // Which file could not be read is told beside etcd's text.
  const { args: _, path: _path, ...others } = fields ?? {};
  return { level, msg: message, ...others };
}

const COMMAND_LINES: readonly string[][] = [
  ["-foo"],
  ["--foo=1"],
  ["---foo"],
  ["--=x"],
  ["-name"],
  ["--heartbeat-interval=x"],
  ["--heartbeat-interval=-1"],
  ["--heartbeat-interval=99999999999999999999"],
  ["--heartbeat-interval", "0x64", "--election-timeout=1_000_000"],
  ["--heartbeat-interval=0"],
  ["--raft-read-timeout=1s", "--raft-write-timeout=2s", "--heartbeat-interval=0"],
  ["--raft-read-timeout=6s", "--raft-write-timeout=x"],
  ["--force-new-cluster=x"],
  ["--heartbeat-interval=300"],
  ["--experimental-enable-lease-checkpoint-persist"],
  ["--experimental-enable-lease-checkpoint-persist", "--heartbeat-interval=0"],
  ["--election-timeout=0"],
  ["--pre-vote=x"],
  ["--pre-vote", "false"],
  ["--quota-backend-bytes=1.5"],
  ["--max-concurrent-streams=-1"],
  ["--max-concurrent-streams=4294967296"],
  ["--grpc-keepalive-min-time=5"],
  ["--backend-batch-interval=1 s"],
  ["--initial-cluster-state=foo"],
  ["--listen-client-urls=foo"],
  ["--listen-client-urls=localhost:2379"],
  ["--listen-client-urls=127.0.0.1:2379"],
  ["--listen-client-urls=http://localhost"],
  ["--listen-client-urls=http://localhost:2379/x"],
  ["--listen-client-urls=http://localhost:2379,"],
  ["--listen-client-urls=http://localhost:2379"],
  ["--listen-client-urls="],
  ["--listen-client-urls=http://foo:2379", "--advertise-client-urls=http://foo:2379"],
  ["--listen-peer-urls=http://:2380"],
  ["--advertise-client-urls=http://:2379"],
  ["--advertise-client-urls=unix://x"],
  ["--initial-advertise-peer-urls=http://a:1,http://:1"],
  ["leftover"],
  ["--", "--name=x"],
  ["-"],
  ["--auto-compaction-mode=foo"],
  ["--auto-compaction-mode=foo", "--auto-compaction-retention=1"],
  ["--experimental-compact-hash-check-time=0s"],
  ["--experimental-compact-hash-check-time=-1m30s", "--experimental-corrupt-check-time=-1s"],
  ["--experimental-compact-hash-check-enabled", "--experimental-compact-hash-check-time=x"],
  ["--experimental-compaction-batch-limit=1.5"],
  ["--experimental-compaction-sleep-interval=5"],
  ["--log-level=bad"],
  ["--log-level=warning", "--name=x"],
  ["--log-level=", "--heartbeat-interval=0"],
  ["--log-level=INFO", "--heartbeat-interval=0"],
  ["--logger=capnslog"],
  ["--logger=foo"],
  ["--log-outputs=default,stderr"],
  ["--log-outputs=systemd/journal,stderr"],
  ["--log-outputs=systemd/journal,default"],
  ["--enable-log-rotation"],
  ["--enable-log-rotation", "--log-outputs=/tmp/a,/tmp/b"],
  ["--enable-log-rotation", "--log-outputs=/tmp/a", "--log-rotation-config-json={"],
  ["--enable-log-rotation", "--log-outputs=/tmp/a", '--log-rotation-config-json={"maxsize": "a"}'],
  ["--enable-log-rotation", "--log-outputs=/tmp/a", '--log-rotation-config-json={"maxage": 1.5}'],
  ["--enable-log-rotation", "--log-outputs=/tmp/a", "--log-rotation-config-json=[1]"],
  ["--enable-log-rotation", "--log-outputs=/tmp/a", "--log-rotation-config-json=x"],
  ["-v", "--snapshot=3", "--heartbeat-interval=0"],
  ["--auto-tls=x"],
  ["--self-signed-cert-validity=x"],
  ["--discovery-srv=a", "--discovery=http://b/c"],
  ["--discovery-srv=a", "--initial-cluster=a=http://b:1"],
  ["--discovery-srv-name=a", "--heartbeat-interval=0"],
  ["--discovery=http://b/c", "--listen-client-urls=http://127.0.0.1:1", "--heartbeat-interval=0"],
  ["--discovery-fallback=foo"],
  ["--listen-metrics-urls=foo"],
  ["--listen-metrics-urls=http://foo:1"],
  ["--listen-client-http-urls=http://foo:1"],
  ["--listen-client-http-urls=http://127.0.0.1:1", "--heartbeat-interval=0"],
  ["--cors=foo"],
  ["--cors="],
  ["--cors=http://a:1,http://b:1", "--host-whitelist=a,b", "--heartbeat-interval=0"],
  ["--tls-min-version=TLS1.1"],
  ["--tls-max-version=1.3"],
  ["--tls-min-version=TLS1.3", "--tls-max-version=TLS1.2"],
  ["--tls-min-version=TLS1.3", "--cipher-suites=TLS_A"],
  [
    "--experimental-enable-distributed-tracing",
    "--experimental-distributed-tracing-sampling-rate=-1",
  ],
  [
    "--experimental-enable-distributed-tracing",
    "--experimental-distributed-tracing-sampling-rate=1000001",
  ],
  ["--experimental-enable-lease-checkpoint", "--experimental-compact-hash-check-time=0s"],
  ["--v2-deprecation=foo"],
  ["--v2-deprecation=not-yet,foo"],
  ["--proxy=foo"],
  ["--proxy-read-timeout=-1"],
  ["--bcrypt-cost=x"],
  ["--auth-token-ttl=-1"],
  ["--socket-reuse-port=x"],
  ["--config-file"],
  ["--config-file=/nowhere/etcd.yml", "--name=x"],
  ["--config-file=/nowhere/etcd.yml", "leftover"],
  ["--version=false", "--heartbeat-interval=0"],
  ["--version=x"],
];

/** What the process itself adds: the order of streams, the log and its file, the exit code. */
const PROCESSES: readonly [Record<string, string>, ...string[]][] = [
  [{}, "-foo"],
  [{}, "leftover"],
  [{}, "--log-level=bad"],
  [{}, "--log-level=error", "--heartbeat-interval=0"],
  [{}, "--log-outputs=/nowhere/etcd.log"],
  [{}, "--log-outputs=nowhere://etcd.log"],
  [{}, "--log-outputs=file:///nowhere/etcd.log"],
  [{}, "--log-outputs="],
  [{}, "--log-outputs=stdout", "leftover"],
  [{}, "--listen-client-urls=http://localhost:2379"],
  [{ ETCD_NAME: "x" }, "--name=y"],
  [{ ETCD_FOO: "x", ETCD_PRE_VOTE: "x" }],
];

const ENVIRONMENTS: readonly [Record<string, string>, ...string[]][] = [
  [{ ETCD_NAME: "x" }, "--name=y"],
  [{ ETCD_HEARTBEAT_INTERVAL: "x", ETCD_ELECTION_TIMEOUT: "y" }],
  [{ ETCD_PRE_VOTE: "x" }],
  [{ ETCD_LISTEN_CLIENT_URLS: "foo" }],
  [{ ETCD_LISTEN_CLIENT_URLS: "http://localhost:2379" }],
  [{ ETCD_NAME: "x", ETCD_FOO: "bar", ETCD_EMPTY: "" }, "--heartbeat-interval=0"],
  [{ ETCD_VERSION: "3", OTHER: "1" }, "--heartbeat-interval=0"],
  [{ ETCD_LOG_LEVEL: "bad" }],
  [{ ETCD_CORS: "foo", ETCD_PROXY: "foo" }],
  [{ ETCD_CONFIG_FILE: "/nowhere/etcd.yml", ETCD_NAME: "x" }, "--name=y"],
  [{ ETCD_CERT_FILE: "a", ETCD_TLS_MIN_VERSION: "1" }],
];

/** Clusters that a member cannot found or join. */
const CLUSTERS: readonly string[][] = [
  ["--initial-advertise-peer-urls=http://127.0.0.1:2480"],
  ["--initial-cluster=a=http://127.0.0.1:2380"],
  ["--initial-cluster="],
  ["--initial-cluster=default"],
  ["--initial-cluster=default=http://localhost:2380,default=http://127.0.0.1:1"],
  ["--initial-cluster=default=http://localhost:2380,b=http://localhost:2380"],
  ["--initial-advertise-peer-urls=http://localhost:2380,http://localhost:2381"],
  ["--name=a", "--initial-advertise-peer-urls=http://a:1", "--initial-cluster=b=http://a:1"],
  [
    "--initial-advertise-peer-urls=http://127.0.0.1:1",
    "--initial-cluster=default=http://127.0.0.2:1,b=http://127.0.0.1:2",
  ],
  ["--initial-cluster=default=http://localhost:2380,b=http://127.0.0.1:1,c=http://127.0.0.1:1"],
  ["--initial-cluster-state=existing"],
  ["--initial-cluster-state=existing", "--initial-cluster=b=http://127.0.0.1:1"],
  [
    "--initial-cluster-state=existing",
    "--initial-cluster=default=http://localhost:2380,b=http://127.0.0.1:1",
  ],
  [
    "--initial-cluster-state=existing",
    "--initial-cluster=default=http://localhost:2380,b=http://localhost:2380",
  ],
];

/** Retentions that cannot be read, which only the start of the member finds. */
const RETENTIONS: readonly string[][] = [
  ["--auto-compaction-retention=x"],
  ["--auto-compaction-retention=-1"],
  ["--auto-compaction-retention=1.5"],
  ["--auto-compaction-retention=1_0"],
  ["--auto-compaction-retention=99999999999999999999"],
  ["--auto-compaction-mode=revision", "--auto-compaction-retention=-5"],
  ["--auto-compaction-mode=revision", "--auto-compaction-retention=1x"],
  ["--auto-compaction-mode=", "--auto-compaction-retention=1h"],
];

const LISTEN_ANYWHERE: readonly string[] = [
  "--listen-peer-urls=http://127.0.0.1:0",
  "--listen-client-urls=http://127.0.0.1:0",
  "--advertise-client-urls=http://127.0.0.1:0",
];

async function refusal(args: string[]): Promise<string> {
  const parsed = parseOurs(args, {});
  if (parsed.kind === "exit") throw new Error(`Ours would not start: ${parsed.stderr}`);
  const environment: FoundingEnvironment = {
    clock: systemClock,
    log: new MemoryLog(),
    lookUpHost,
    peers: noNetwork((run) => systemClock.defer(run)),
    sha1,
  };
  try {
    await establishIdentity(parsed.config, environment);
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  throw new Error("Ours would start the cluster");
}

function retentionRefusal(args: string[]): string {
  const parsed = parseOurs(args, {});
  if (parsed.kind === "exit") throw new Error(`Ours would not start: ${parsed.stderr}`);
  try {
    compactionPolicy(parsed.config, 0);
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  throw new Error("Ours would start");
}

describe.skipIf(REFERENCE === undefined)("flags against the real etcd", () => {
  test.each(COMMAND_LINES.map((args) => [args.join(" "), args] as const))(
    "says the same of: etcd %s",
    async (_, args) => {
      expect(sayOurs(args, {})).toEqual(await sayReference(args, {}));
    },
  );

  test.each(ENVIRONMENTS.map(([env, ...args]) => [JSON.stringify(env), args, env] as const))(
    "says the same of the environment %s with %j",
    async (_, args, env) => {
      expect(sayOurs(args, env)).toEqual(await sayReference(args, env));
    },
  );

  test.each(CLUSTERS.map((args) => [args.join(" "), args] as const))(
    "refuses the same cluster: etcd %s",
    async (_, args) => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-flags-"));
      try {
        const all = [...args, ...LISTEN_ANYWHERE, `--data-dir=${folder}`];
        const [code, , , ...lines] = await sayReference(all, {});
        expect(code).toBe(1);
        expect(lines).toContainEqual({
          level: "fatal",
          msg: "discovery failed",
          error: await refusal(all),
        });
      } finally {
        fs.rmSync(folder, { recursive: true });
      }
    },
  );

  test.each(RETENTIONS.map((args) => [args.join(" "), args] as const))(
    "refuses the same retention: etcd %s",
    async (_, args) => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-flags-"));
      try {
        const all = [...args, ...LISTEN_ANYWHERE, `--data-dir=${folder}/data`];
        const cluster = [
          "--initial-advertise-peer-urls=http://localhost:2380",
          "--initial-cluster=default=http://localhost:2380",
        ];
        const [code, , , ...lines] = await sayReference([...all, ...cluster], {});
        expect(code).toBe(1);
        expect(lines).toContainEqual({
          level: "fatal",
          msg: "discovery failed",
          error: retentionRefusal(all),
        });
      } finally {
        fs.rmSync(folder, { recursive: true });
      }
    },
  );

  test.each(PROCESSES.map(([env, ...args]) => [args.join(" "), env, args] as const))(
    "ends in the same way: etcd %s with %j",
    async (_, env, args) => {
      expect(await sayProcess(args, env)).toEqual(await sayReference(args, env));
    },
  );

  test("--version has the same first line and the same labels", async () => {
    const labels = (text: unknown): string[] =>
      String(text)
        .trimEnd()
        .split("\n")
        .map((line) => line.split(":")[0]);
    const [code, ours] = sayOurs(["--version"], {});
    const [referenceCode, reference] = await sayReference(["--version"], {});
    expect(code).toBe(referenceCode);
    expect(labels(ours)).toEqual(labels(reference));
    expect(ours.split("\n")[0]).toBe(reference.split("\n")[0]);
  });

  test("--help lists every flag of the reference with its default", async () => {
    const [code, reference] = await sayReference(["--help"], {});
    const flags = (text: string): string[] =>
      text.split("\n").filter((line) => line.startsWith("  --"));
    const [ourCode, ours] = sayOurs(["--help"], {});
    expect(ourCode).toBe(code);
    expect(flags(reference).length).toBeGreaterThan(100);
    expect(flags(ours)).toEqual(expect.arrayContaining(flags(reference)));
  });
});
