import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { ServerConfig } from "../server/config/config.ts";
import { readConfigFile } from "./config-file/read-config-file.ts";
import { type CliExit, type CliStart, parseServerArgs } from "./server-args.ts";

function parse(args: string[], environment = {}, defaultHost?: string): CliStart | CliExit {
  return parseServerArgs({
    command: ["etcd", ...args],
    environment,
    defaultHost,
    runtime: { version: "20.1.2", platform: "linux", arch: "arm64" },
    readConfigFile,
  });
}

function configOf(args: string[], environment = {}, defaultHost?: string): ServerConfig {
  const parsed = parse(args, environment, defaultHost);
  if (parsed.kind === "exit") throw new Error(`Cannot start: ${JSON.stringify(parsed)}`);
  return parsed.config;
}

const texts = (urls: readonly { readonly text: string }[]): string[] =>
  urls.map(({ text }) => text);

describe("parseServerArgs", () => {
  test("without arguments gives etcd's defaults", () => {
    const config = configOf([]);
    expect(config).toMatchObject({
      name: "default",
      dataDir: "default.etcd",
      dedicatedWalDir: "",
      snapshotCount: 100_000,
      heartbeatIntervalMs: 100,
      electionTimeoutMs: 1000,
      initialCluster: "default=http://localhost:2380",
      initialClusterState: "new",
      initialClusterToken: "etcd-cluster",
      quotaBackendBytes: 2_147_483_648,
      backendBatchIntervalMs: 100,
      backendBatchLimit: 10_000,
      maxTxnOps: 128,
      maxRequestBytes: 1_572_864,
      maxConcurrentStreams: 4_294_967_295,
      grpcKeepaliveMinTimeMs: 5000,
      grpcKeepaliveIntervalMs: 7_200_000,
      grpcKeepaliveTimeoutMs: 20_000,
      preVote: true,
      log: { level: "info", outputs: ["default"], format: "json", rotation: undefined },
    });
    expect(texts(config.listenClientUrls)).toEqual(["http://localhost:2379"]);
    expect(texts(config.advertiseClientUrls)).toEqual(["http://localhost:2379"]);
  });

  test("takes flags first and the environment where no flag is", () => {
    const config = configOf(["--name=a", "--pre-vote=false"], {
      ETCD_SNAPSHOT_COUNT: "7",
      ETCD_LOG_OUTPUTS: "stdout,a.log",
      ETCD_GRPC_KEEPALIVE_INTERVAL: "1m30s",
    });
    expect(config).toMatchObject({
      name: "a",
      dataDir: "a.etcd",
      preVote: false,
      snapshotCount: 7,
      grpcKeepaliveIntervalMs: 90_000,
      initialCluster: "a=http://localhost:2380",
      log: { outputs: ["a.log", "stdout"] },
    });
  });

  test("sorts URLs and keeps each one once", () => {
    const list = "http://127.0.0.1:2,http://127.0.0.1:1, http://127.0.0.1:2";
    const config = configOf([`--listen-client-urls=${list}`, `--advertise-client-urls=${list}`]);
    const sorted = ["http://127.0.0.1:1", "http://127.0.0.1:2"];
    expect(texts(config.listenClientUrls)).toEqual(sorted);
    expect(texts(config.advertiseClientUrls)).toEqual(sorted);
  });

  test("advertises the machine's address when it listens everywhere", () => {
    const listen = ["--listen-peer-urls=http://0.0.0.0:2390", "--name=a"];
    const config = configOf(listen, {}, "10.1.2.3");
    expect(texts(config.initialAdvertisePeerUrls)).toEqual(["http://10.1.2.3:2390"]);
    expect(config.initialCluster).toBe("a=http://10.1.2.3:2390");
    expect(texts(configOf(listen).initialAdvertisePeerUrls)).toEqual(["http://localhost:2380"]);
  });

  test("clamps counts that no member reaches", () => {
    const config = configOf(["--snapshot-count=18446744073709551615"]);
    expect(config.snapshotCount).toBe(Number.MAX_SAFE_INTEGER);
  });

  test("says which values it replaced", () => {
    const parsed = parse(["--snapshot-count=0", "--max-request-bytes=20000000"]);
    expect(parsed.records.map(({ message }) => message)).toEqual(
      expect.arrayContaining([
        "updating snapshot-count to default",
        "exceeded recommended request limit",
        "'data-dir' was empty; using default",
      ]),
    );
  });

  test.each([
    [[], { ETCD_PROXY: "on" }, "--proxy is not supported"],
    [["--experimental-memory-mlock"], {}, "--experimental-memory-mlock is not supported"],
    [["--memory-mlock"], {}, "--memory-mlock is not supported by this version of etcd-ts: Node.js"],
  ])("refuses what it cannot do: %j %j", (args, environment, message) => {
    const parsed = parse(args, environment);
    expect(parsed).toMatchObject({ kind: "exit", code: 1 });
    expect(parsed.records.at(-1)).toMatchObject({ message: "failed to verify flags" });
    expect(parsed.records.at(-1)?.fields?.["error"]).toContain(message);
  });

  test("accepts every flag that has no effect with values that ask for nothing", () => {
    const args = ["--auto-tls=false", "--proxy=off", "--cors=*", "--enable-grpc-gateway=false"];
    expect(parse(args).kind).toBe("start");
  });

  test("warns of flags that etcd 3.5 has for the last time, and of keys that mean nothing", () => {
    const messages = (args: string[], environment = {}): string[] =>
      parse(args, environment).records.map(({ message }) => message);
    const warning = "--proxy-dial-timeout is deprecated in 3.5 and will be decommissioned in 3.6.";
    expect(messages(["--proxy-dial-timeout=5"])).toContain(warning);
    expect(messages([], { ETCD_PROXY_DIAL_TIMEOUT: "5" })).toContain(warning);
    expect(messages([])).not.toContain(warning);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-args-"));
    const file = path.join(folder, "etcd.yml");
    fs.writeFileSync(file, "name: a\ninitial-clustr: x\n");
    const parsed = parse([`--config-file=${file}`, "--proxy-dial-timeout=5"]);
    fs.rmSync(folder, { recursive: true });
    expect(parsed.kind).toBe("start");
    expect(parsed.records.map(({ message }) => message)).toContain(warning);
    expect(parsed.records).toContainEqual(
      expect.objectContaining({
        message: "unknown key in the configuration file; ignored",
        fields: { path: file, key: "initial-clustr", line: 2 },
      }),
    );
  });

  test("--help has no flag that is a key of files alone", () => {
    const { stdout } = parse(["--help"]) as CliExit;
    expect(stdout).toContain("--peer-cert-allowed-cn");
    expect(stdout).not.toContain("--client-cert-allowed-cn");
  });

  test("refuses a feature beside the flag that switches it, and names twice", () => {
    const problem = (args: string[]): unknown => {
      const said = parse(args).records.find(({ message }) => message === "failed to verify flags");
      return said?.fields?.["error"];
    };
    const gate = "--feature-gates=InitialCorruptCheck=true";
    expect(problem(["--experimental-initial-corrupt-check", gate])).toBe(
      `cannot specify both flags: --experimental-initial-corrupt-check=true and ${gate} at the same time, please just use ${gate}`,
    );
    expect(problem(["--corrupt-check-time=1s", "--experimental-corrupt-check-time=1s"])).toBe(
      "cannot set --experimental-corrupt-check-time and --corrupt-check-time at the same time, please use --corrupt-check-time only",
    );
    expect(problem(["--discovery-token=a"])).toBe(
      "both --discovery-token and --discovery-endpoints must be set",
    );
    expect(problem(["--feature-gates=LeaseCheckpointPersist=true"])).toBe(
      "enabling feature gate LeaseCheckpointPersist requires enabling feature gate LeaseCheckpoint",
    );
    const durations = ["--warning-unary-request-duration=1s"];
    durations.push("--experimental-warning-unary-request-duration=1s");
    expect(problem(durations)).toMatch(/^both --experimental-warning-unary-request-duration and/);
  });

  test.each([
    ["20.20.2", "exit"],
    ["22.11.0", "exit"],
    ["22.12.0", "start"],
    ["23.0.0", "exit"],
    ["23.1.0", "start"],
    ["24.0.0", "start"],
  ])("--socket-reuse-port needs a Node.js that can: %s", (version, kind) => {
    const parsed = parseServerArgs({
      command: ["etcd", "--socket-reuse-port"],
      environment: {},
      defaultHost: undefined,
      runtime: { version, platform: "linux", arch: "x64" },
      readConfigFile,
    });
    expect(parsed.kind).toBe(kind);
    if (parsed.kind === "start") expect(parsed.config.socketReusePort).toBe(true);
  });

  test("greets who tries it, and nobody who names a cluster or something about the log", () => {
    const tries = [[], ["--name=a", "--data-dir=b", "--listen-client-urls=http://127.0.0.1:1"]];
    for (const [at, args] of tries.entries()) {
      const urls = at === 0 ? [] : ["--advertise-client-urls=http://127.0.0.1:1"];
      expect(parse([...args, ...urls])).toMatchObject({ kind: "start", mayGreet: true });
    }
    for (const arg of ["--log-level=info", "--log-outputs=stderr", "--logger=zap"]) {
      expect(parse([arg])).toMatchObject({ kind: "start", mayGreet: false });
    }
    const cluster = { ETCD_INITIAL_CLUSTER: "default=http://localhost:2380" };
    expect(parse([], cluster)).toMatchObject({ kind: "start", mayGreet: false });
  });

  test("does not know the proxies", () => {
    expect(parse(["gateway"])).toMatchObject({ kind: "exit", code: 1 });
    expect(parse(["grpc-proxy", "start"])).toMatchObject({ kind: "exit", code: 1 });
  });

  test("--version names what this program is", () => {
    expect(parse(["--version"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/Node\.js 20\.1\.2\)\nGo OS\/Arch: linux\/arm64\n$/) as string,
    });
  });
});
