/** Where programs that embed members live: CommonJS, threads, test runners; with TLS, for long. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect } from "../../src/node-client/index.ts";
import { startCluster, startEtcd } from "../../src/embed/index.ts";
import { TestAuthority } from "../harness/certificates.ts";
import { ProgramFolder } from "../harness/embedding-program.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");

let folder: ProgramFolder;

beforeAll(() => {
  folder = new ProgramFolder();
});

afterAll(() => folder.remove());

describe("CommonJS", () => {
  const LIFE = `
    const etcd = await startEtcd({ temporary: true });
    await etcd.client.kv.put("key", "value");
    console.log((await etcd.client.kv.get("key")).value);
    await etcd.stop();
  `;

  test("requires the package, or imports it", () => {
    for (const way of ['require("etcd-ts")', 'await import("etcd-ts")']) {
      const code = `(async () => { const { startEtcd } = ${way}; ${LIFE} })();`;
      const { stdout, stderr } = folder.run(code, { extension: "cjs" });
      expect(stderr).toBe("");
      expect(stdout).toBe("value\n");
    }
  });

  test("is told what to do where Node.js is asked not to allow that", () => {
    const flags = ["--no-experimental-require-module"];
    const { stderr, status } = folder.run('require("etcd-ts");', { extension: "cjs", flags });
    expect(status).toBe(1);
    expect(stderr).toContain("change the require of embed.js");
    expect(stderr).toContain("to a dynamic import() which is available in all CommonJS modules");
  });
});

describe("threads", () => {
  const TWO_THREADS = `
    import { Worker, isMainThread } from "node:worker_threads";
    import { startEtcd } from "etcd-ts";
    const dataDir = "shared-" + process.argv[2] + ".etcd";
    if (isMainThread) {
      const etcd = await startEtcd({ dataDir });
      const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) });
      await new Promise((resolve) => worker.once("exit", resolve));
      await etcd.client.kv.put("key", "value");
      await etcd.stop();
    } else {
      await startEtcd({ dataDir }).catch(({ name }) => console.log(name));
      const own = await startEtcd({ temporary: true, bcryptCost: 4 });
      await own.client.auth.addUser("ann", { password: "secret" });
      console.log((await own.client.auth.users()).join());
      await own.stop();
    }
  `;

  test.each([
    ["with kernel locks", {}],
    ["without the program that takes them", { PATH: "/nowhere" }],
  ])("have members of their own, but not on one data directory, %s", (_, environment) => {
    const { stdout, stderr, status } = folder.run(TWO_THREADS, { environment });
    expect(stderr).toBe("");
    expect(stdout).toBe("StartError\nann\n");
    expect(status).toBe(0);
  });

  test.each(["threads", "forks"])(
    "of a test runner (%s), each test with a member of its own",
    (pool) => {
      const tests = path.join(folder.path, `in-${pool}`);
      fs.mkdirSync(tests);
      for (const name of ["one", "other"]) {
        fs.writeFileSync(
          path.join(tests, `${name}.test.ts`),
          `
        import { startCluster, startEtcd } from "etcd-ts";
        import { expect, test } from "vitest";
        test("a member", async () => {
          await using etcd = await startEtcd({ temporary: true });
          await etcd.client.kv.put("key", "${name}");
          expect((await etcd.client.kv.get("key"))?.value).toBe("${name}");
        });
        test("a cluster", async () => {
          await using cluster = await startCluster();
          await cluster.client.kv.put("key", new Uint8Array([1]));
          expect((await cluster.client.kv.get("key"))?.valueBytes).toEqual(new Uint8Array([1]));
        });
        `,
        );
      }
      fs.writeFileSync(path.join(tests, "vitest.config.mjs"), "export default {};");
      const vitest = path.join(ROOT, "node_modules", "vitest", "vitest.mjs");
      const args = [vitest, "run", "--root", tests, "--pool", pool];
      const { stdout, stderr, status } = spawnSync(process.execPath, args, {
        cwd: tests,
        encoding: "utf8",
        env: { ...process.env, TMPDIR: folder.path, VITEST: "", NO_COLOR: "1" },
      });
      expect(`${stdout}${stderr}`).toMatch(/Tests {2}4 passed/);
      expect(status).toBe(0);
    },
    60_000,
  );
});

test("a hundred lives leave no memory behind", () => {
  const { stdout, stderr } = folder.run(
    `
    import { startEtcd } from "etcd-ts";
    const usedBytes = async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      gc();
      gc();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const live = async () => {
      const etcd = await startEtcd({
        temporary: true, listenClientUrls: "http://127.0.0.1:0", listenPeerUrls: "http://127.0.0.1:0",
      });
      const other = await etcd.openClient();
      await other.kv.put("key", new Uint8Array(100_000));
      await Promise.all([other.watch("key"), etcd.client.lock("lock")]);
      await etcd.stop();
    };
    for (let round = 0; round < 20; round++) await live();
    const beforeBytes = await usedBytes();
    for (let round = 0; round < 100; round++) await live();
    console.log((await usedBytes()) - beforeBytes);
    `,
    { flags: ["--expose-gc"] },
  );
  expect(stderr).toBe("");
  // What one member keeps while it runs is some ten times as much.
  expect(Number(stdout)).toBeLessThan(3_000_000);
}, 60_000);

test("TLS: clients with certificates outside, members with certificates among themselves", async () => {
  const authority = new TestAuthority(folder.path, "authority");
  const own = authority.issue({ cn: "localhost", ipAddresses: ["127.0.0.1"] });
  const files = { certFile: own.certFile, keyFile: own.keyFile };
  const cluster = await startCluster({
    listenPeerUrls: "https://127.0.0.1:0",
    peerCertFile: own.certFile,
    peerKeyFile: own.keyFile,
    peerTrustedCaFile: authority.caFile,
    peerClientCertAuth: true,
    listenClientUrls: "https://127.0.0.1:0",
    ...files,
    trustedCaFile: authority.caFile,
    clientCertAuth: true,
  });
  try {
    await cluster.client.kv.put("key", "value");
    const [hosts] = cluster.members.map(({ endpoints }) => endpoints);
    expect(hosts[0]).toMatch(/^https:/);
    const outside = await connect({ hosts, tls: { caFile: authority.caFile, ...files } });
    expect((await outside.kv.get("key"))?.value).toBe("value");
    outside.close();
    const stranger = await connect({ hosts, tls: { caFile: authority.caFile } });
    await expect(stranger.kv.get("key", { timeoutMs: 500 })).rejects.toThrow();
    stranger.close();
  } finally {
    await cluster.stop();
  }
  await expect(
    startEtcd({ temporary: true, listenClientUrls: "https://127.0.0.1:0", certFile: "none.pem" }),
  ).rejects.toThrow(/cert|key/i);
});

test("users: who nobody is may do nothing, a token lasts as long as it was told to", async () => {
  const etcd = await startEtcd({ temporary: true, bcryptCost: 4, authTokenTtl: 1 });
  try {
    const { auth } = etcd.client;
    await auth.addUser("root", { password: "secret" });
    await auth.grantRole("root", "root");
    const root = await etcd.openClient({ username: "root", password: "secret" });
    await auth.enable();
    await expect(etcd.client.kv.get("key")).rejects.toThrow("user name is empty");
    await root.kv.put("key", "value");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect((await root.kv.get("key"))?.value).toBe("value");
    const wrong = etcd.openClient({ username: "root", password: "wrong" });
    await expect(wrong).rejects.toThrow("authentication failed, invalid user ID or password");
  } finally {
    await etcd.stop();
  }
});
