/** A report over our server and the real one at once, which are no cluster: everything is in it, and no secret. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runOurEtcdctl } from "../harness/etcdctl-inprocess.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { freePorts, runProgram } from "../harness/processes.ts";
import { REFERENCE } from "../harness/reference.ts";

const USER = "--user=root:toor-secret";
const FILES = [
  "alarms.json",
  "config.json",
  "hashkv.json",
  "health.json",
  "http-health.json",
  "livez.txt",
  "members.json",
  "metrics.txt",
  "readyz.txt",
  "status.json",
  "version.json",
];

describe.skipIf(REFERENCE === undefined)("etcdctl diagnostic", () => {
  let servers: EtcdProcess[] = [];
  let folder = "";

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "diagnostic-"));
    const flags = (token: string): string[] => [
      "--bcrypt-cost=4",
      `--initial-cluster-token=${token}`,
    ];
    servers = await Promise.all([
      startEtcd({ flags: flags("t1"), command: OUR_ETCD }),
      startEtcd({ flags: flags("t2") }),
    ]);
    await Promise.all(
      servers.map(async ({ endpoint }) => {
        for (const words of [
          ["put", "hidden-key", "hidden-value"],
          ["user", "add", "root:toor-secret"],
          ["user", "grant-role", "root", "root"],
          ["auth", "enable"],
        ]) {
          expect((await runOurEtcdctl([`--endpoints=${endpoint}`, ...words])).code).toBe(0);
        }
      }),
    );
  }, 60_000);

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.remove()));
    fs.rmSync(folder, { recursive: true });
  });

  test("tells what is where, what differs, and no secret", async () => {
    const [deadPort] = await freePorts(1);
    const endpoints = [...servers.map(({ endpoint }) => endpoint), `127.0.0.1:${deadPort}`];
    const file = path.join(folder, "report.tar.gz");
    const { code, stdout } = await runOurEtcdctl([
      `--endpoints=${endpoints.join(",")}`,
      USER,
      "diagnostic",
      `--output-file=${file}`,
    ]);
    expect(code).toBe(0);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    const summary = stdout.toString();
    expect(summary).toContain("endpoints belong to different clusters: ");
    expect(summary).toMatch(/^127.0.0.1:\d+: no \/metrics: connect ECONNREFUSED/m);
    expect(summary).toMatch(/Report saved at .*report.tar.gz \(.* kB\)\n$/);

    const content = gunzipSync(fs.readFileSync(file)).toString("latin1");
    for (const secret of ["hidden-key", "hidden-value", "toor-secret"]) {
      expect(content).not.toContain(secret);
      expect(content).not.toContain(Buffer.from(secret).toString("base64"));
    }
    expect((await runProgram("/bin/tar", ["-xzf", file, "-C", folder])).code).toBe(0);
    const unpacked = path.join(folder, "etcd-diagnostic");
    const read = (name: string): string => fs.readFileSync(path.join(unpacked, name), "utf8");
    expect(fs.readdirSync(unpacked).sort()).toEqual([
      "README.txt",
      "endpoints",
      "report.json",
      "summary.txt",
    ]);
    expect(summary.startsWith(read("summary.txt"))).toBe(true);
    for (const n of [1, 2]) {
      expect(fs.readdirSync(path.join(unpacked, `endpoints/${n}`)).sort()).toEqual(FILES);
      expect(read(`endpoints/${n}/metrics.txt`)).toContain("\netcd_server_has_leader 1\n");
      expect(read(`endpoints/${n}/config.json`)).toContain(`--initial-cluster-token=t${n}`);
      expect(read(`endpoints/${n}/status.json`)).toContain('"revision":2,');
    }
    // The same keys have the same hash in both.
    const hashes = [1, 2].map((n) => /"hash":\d+/.exec(read(`endpoints/${n}/hashkv.json`))?.[0]);
    expect(hashes[0]).toBe(hashes[1]);
    for (const name of FILES) expect(read("README.txt")).toContain(`  ${name} `);
  }, 60_000);

  test("says where it cannot write", async () => {
    const words = [`--endpoints=${servers[0].endpoint}`, USER, "diagnostic"];
    const missing = await runOurEtcdctl([...words, "--output-file=/nonexistent/report"]);
    expect([missing.code, missing.stderr.toString()]).toEqual([
      6,
      expect.stringMatching(/^Error: could not write \/nonexistent\/report \(ENOENT: /) as string,
    ]);
    const extra = await runOurEtcdctl([...words, "more"]);
    expect(extra.code).toBe(128);
  }, 60_000);
});
