/**
 * The package as a user gets it: packed, installed into an empty folder without a network, and used: programs,
 * imports and types. test/documents/readme.test.ts does what the README says with it; tools/package/ checks what is in it.
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../..");
const COMMAND_MS_MAX = 120_000;

const hasNpm = spawnSync("npm", ["--version"]).status === 0;

describe.skipIf(!hasNpm)("the package", { timeout: 300_000 }, () => {
  let folder = "";

  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "package-test-"));
    run(process.execPath, path.join(ROOT, "tools", "pack.mjs"));
    const [packed] = JSON.parse(npm("pack", "--json", "--ignore-scripts", ROOT));
    fs.writeFileSync(path.join(folder, "package.json"), '{ "type": "module", "private": true }');
    // What it depends on comes with it.
    const file = `./${packed.filename}`;
    npm("install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", file);
  }, 300_000);

  afterAll(() => fs.rmSync(folder, { recursive: true }));

  function npm(...args: string[]): string {
    return run("npm", ...args);
  }

  /** Runs a program in the folder; returns its standard output. */
  function run(program: string, ...args: string[]): string {
    const options = { cwd: folder, encoding: "utf8", timeout: COMMAND_MS_MAX } as const;
    const { status, stdout, stderr } = spawnSync(program, args, options);
    expect(status, `${program} ${args.join(" ")}\n${stdout}\n${stderr}`).toBe(0);
    return stdout;
  }

  function write(name: string, text: string): string {
    fs.writeFileSync(path.join(folder, name), text);
    return name;
  }

  test("brings its programs", () => {
    const bin = path.join(folder, "node_modules", ".bin");
    expect(run(path.join(bin, "etcd"), "--version")).toMatch(/^etcd Version: 3\.5\./);
    expect(run(path.join(bin, "etcdctl"), "version")).toMatch(/^etcdctl version: 3\.5\./);
    expect(run(path.join(bin, "etcdutl"), "version")).toMatch(/^etcdutl version: 3\.5\./);
  });

  test("runs users and their passwords, which other threads hash", () => {
    const program = `
      import { startEtcd } from "etcd-ts";
      const etcd = await startEtcd({ temporary: true, bcryptCost: 4 });
      const { auth } = etcd.client;
      await auth.addUser("root", { password: "secret" });
      await auth.grantRole("root", "root");
      await auth.enable();
      const root = await etcd.openClient({ username: "root", password: "secret" });
      await root.kv.put("a", "b");
      const refused = await etcd.openClient({ username: "root", password: "wrong" }).catch((e) => e);
      console.log(refused.message);
      await etcd.stop();
    `;
    expect(run(process.execPath, write("users.js", program))).toBe(
      "etcdserver: authentication failed, invalid user ID or password\n",
    );
  });

  test("has types that strict TypeScript takes, libraries checked as well", () => {
    write(
      "program.ts",
      `
      import { EtcdConfigError, type EtcdOptions, startCluster, startEtcd } from "etcd-ts";
      import { Mutex, openSession } from "etcd-ts/client";
      import * as bolt from "etcd-ts/bolt";
      import * as raft from "etcd-ts/raft";

      const options: EtcdOptions = {
        name: "a",
        heartbeatInterval: 10,
        listenClientUrls: ["http://127.0.0.1:0"],
        featureGates: { LeaseCheckpoint: true },
        log: ({ level, message }) => console.log(level, message.length),
      };
      await using etcd = await startEtcd(options);
      const entry = await etcd.client.kv.get("key");
      const version: number | undefined = entry?.version;
      const value: string | undefined = entry?.value;
      const { raw } = etcd.client;
      const session = await openSession(raw);
      await new Mutex(raw, session, new Uint8Array(1)).lock();
      await using cluster = await startCluster({ size: 3 });
      const leader: string | undefined = (await cluster.leader())?.name;
      console.log(version, value, leader, EtcdConfigError, bolt, raft);
      `,
    );
    expect(compile("program.ts")).toBe("");
    write(
      "wrong.ts",
      `
      import type { EtcdOptions } from "etcd-ts";
      export const text: EtcdOptions = { heartbeatInterval: "10ms" };
      export const unknown: EtcdOptions = { listenUrls: [] };
      `,
    );
    const problems = compile("wrong.ts");
    expect(problems).toContain("Type 'string' is not assignable to type 'number'");
    expect(problems).toContain("'listenUrls' does not exist in type 'EtcdOptions'");
  });

  /** What the compiler says of a file, in its strict mode. */
  function compile(file: string): string {
    const compilerOptions = {
      module: "nodenext",
      moduleResolution: "nodenext",
      target: "es2023",
      lib: ["es2023", "esnext.disposable"],
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      types: ["node"],
      typeRoots: [moduleOf("@types")],
    };
    write("tsconfig.json", JSON.stringify({ compilerOptions, files: [file] }));
    const tsc = path.join(ROOT, "node_modules", ".bin", "tsc");
    return spawnSync(tsc, ["-p", "."], { cwd: folder, encoding: "utf8" }).stdout;
  }
});

function moduleOf(name: string): string {
  return path.join(ROOT, "node_modules", name);
}
