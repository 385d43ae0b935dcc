/**
 * What becomes of a program when the disk of its member fails: the member ends and says so, nothing is acknowledged
 * that is not durable, and the program goes on. The programs have their system refuse what a broken disk refuses.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ProgramFolder } from "../harness/embedding-program.ts";

let folder: ProgramFolder;

beforeAll(() => {
  folder = new ProgramFolder();
});

afterAll(() => folder.remove());

/** Begins with a member that has acknowledged a put; `breakDisk(code, ...names)` breaks functions of node:fs. */
const BEGINNING = `
  import fs from "node:fs";
  import { startEtcd } from "etcd-ts";
  const told = [];
  const etcd = await startEtcd({ dataDir: process.argv[1] + ".etcd", onFatal: ({ name, code }) => told.push(name, code) });
  await etcd.client.kv.put("key", "durable");
  const kept = [];
  const breakDisk = (code, ...names) => {
    const error = Object.assign(new Error("refused"), { code });
    for (const name of names) {
      kept.push([name, fs[name]]);
      fs[name] = name.endsWith("Sync") ? () => { throw error; } : (...all) => process.nextTick(all.at(-1), error);
    }
  };
  const outcome = (call) => call.then(() => "acknowledged", ({ message }) => message.replace(/"[^"]*"/g, "FILE"));
  const end = async () => {
    for (const [name, real] of kept) fs[name] = real;
    console.log(String(told), etcd.isRunning);
    const again = await startEtcd({ dataDir: etcd.dataDir });
    console.log((await again.client.kv.get("key")).value);
    await again.stop();
  };
`;
const LOG = ["write", "writev", "fdatasync", "writeSync", "writevSync"].map((name) => `"${name}"`);

test.each([
  ["EIO", "input/output error"],
  ["ENOSPC", "no space left on device"],
])("a log that cannot be written (%s) ends the member, and no call is answered", (code, text) => {
  const { stdout, stderr, status } = folder.run(`
    ${BEGINNING}
    const watcher = await etcd.client.watch("key");
    breakDisk("${code}", ${LOG.join()});
    const puts = [etcd.client.kv.put("key", "lost"), etcd.client.kv.put("key", "lost as well")];
    for (const put of puts) console.log(await outcome(put));
    console.log(String(await etcd.closed).replace(/"[^"]*"/, "FILE"));
    console.log(await outcome(etcd.client.kv.get("key")));
    for await (const _ of watcher) console.log("an event");
    await etcd.stop();
    await end();
  `);
  expect(stderr).toBe("");
  const why = `Cannot write FILE: ${text}`;
  expect(stdout.split("\n")).toEqual([
    `rpc error: code = Unavailable desc = the member cannot go on: ${why}`,
    `rpc error: code = Unavailable desc = the member cannot go on: ${why}`,
    `DiskError: ${why}`,
    "rpc error: code = Canceled desc = grpc: the client connection is closing",
    `DiskError,${code} false`,
    "durable",
    "",
  ]);
  expect(status).toBe(0);
});

test.each(["", "await etcd.stop();"])(
  "a database that cannot be synced ends the member, %s and what was acknowledged is in the log",
  (stop) => {
    const { stdout, stderr, status } = folder.run(`
      ${BEGINNING}
      breakDisk("EIO", "fdatasync");
      await etcd.client.kv.put("key", "durable as well");
      ${stop}
      console.log(String(await etcd.closed).replace(/"[^"]*"/, "FILE"));
      await etcd.stop();
      await end();
    `);
    expect(stderr).toBe("");
    expect(stdout).toBe(
      "DiskError: Cannot sync FILE: input/output error\nDiskError,EIO false\ndurable as well\n",
    );
    expect(status).toBe(0);
  },
);

test("a program that never stops its member loses nothing, and leaves no temporary folder", () => {
  const first = folder.run(`
    import { startEtcd } from "etcd-ts";
    const etcd = await startEtcd({ dataDir: "forgotten.etcd" });
    const temporary = await startEtcd({ temporary: true });
    await Promise.all([etcd, temporary].map(({ client }) => client.kv.put("key", "value")));
    console.log(temporary.dataDir);
    process.exit(7);
  `);
  expect(first.stderr).toBe("");
  expect(first.status).toBe(7);
  const second = folder.run(`
    import fs from "node:fs";
    import { startEtcd } from "etcd-ts";
    const etcd = await startEtcd({ dataDir: "forgotten.etcd" });
    console.log((await etcd.client.kv.get("key")).value, fs.existsSync("${first.stdout.trim()}"));
    await etcd.stop();
  `);
  expect(second.stdout).toBe("value false\n");
});

test("a program that stops its members ends by itself, and so does one that closes none of its clients", () => {
  const { stdout, status } = folder.run(`
    import { startCluster, startEtcd } from "etcd-ts";
    const etcd = await startEtcd({
      temporary: true, bcryptCost: 4,
      listenClientUrls: "http://127.0.0.1:0", listenPeerUrls: "http://127.0.0.1:0", listenMetricsUrls: "http://127.0.0.1:0",
    });
    await fetch(etcd.urls.metrics[0] + "/metrics").then((page) => page.text());
    await etcd.client.auth.addUser("root", { password: "secret" });
    const other = await etcd.openClient();
    await Promise.all([other.watch("key"), other.lease(), etcd.client.lock("lock")]);
    await etcd.stop();
    const cluster = await startCluster({ size: 3 });
    await cluster.client.kv.put("key", "value");
    await cluster.client.watch("key");
    await cluster.stop();
    const stoppedMs = performance.now();
    process.on("exit", () => console.log(performance.now() - stoppedMs < 2000));
  `);
  expect(stdout).toBe("true\n");
  expect(status).toBe(0);
});
