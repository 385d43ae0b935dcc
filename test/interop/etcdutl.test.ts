/**
 * Our etcdutl against the real one: the same words on copies of the same files, and the same output and exit
 * codes from both; what each one makes of a snapshot is the same to the byte, and both servers start on it.
 */
import * as fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SystemDisk } from "../../src/platform/disk.ts";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import { BothEtcdutls, maskedOutcome, type Outcome } from "../harness/both-etcdutls.ts";
import { dumpBuckets } from "../harness/bucket-dump.ts";
import { startEtcd } from "../harness/etcd-process.ts";
import { runOurEtcdutl } from "../harness/etcdutl-inprocess.ts";
import { OUR_ETCD, OUR_ETCDUTL } from "../harness/our-etcd.ts";
import { freePorts, runProgram } from "../harness/processes.ts";
import { openRawCaller } from "../harness/raw-calls.ts";
import { REFERENCE, runReference } from "../harness/reference.ts";
import { readAgain, readContent, type StoreContent } from "../harness/store-content.ts";
import { KVService } from "../../src/wire/gen/services.ts";

/** The cluster that `startEtcd` starts. */
const AS_STARTED = [
  "--initial-cluster=default=http://127.0.0.1:2380",
  "--initial-advertise-peer-urls=http://127.0.0.1:2380",
];

describe.skipIf(REFERENCE === undefined)("etcdutl", () => {
  let both: BothEtcdutls;
  let content: StoreContent | undefined;
  /** What the server said to `endpoint hashkv` at some revisions: hash, compact revision. */
  const hashes = new Map<number, string>();

  const expectSame = (...words: string[]): Promise<Outcome> => both.expectSame(...words);

  beforeAll(async () => {
    both = new BothEtcdutls();
    const snapshot = path.join(both.real, "s");
    const server = await startEtcd();
    const caller = await openRawCaller(server.endpoint);
    for (let at = 0; at < 60; at++) {
      const value = new Uint8Array(300).fill(at);
      const request = KVService.put.request.create({
        key: bytesFromLatin1(`key${at % 17}`),
        value,
      });
      await caller.call(KVService.put.path, KVService.put.request.encode(request));
    }
    caller.close();
    const endpoint = `--endpoints=${server.endpoint}`;
    for (const words of [
      ["del", "key3"],
      ["compaction", "20"],
      ["lease", "grant", "1000"],
    ]) {
      await runReference("etcdctl", [endpoint, ...words]);
    }
    content = await readContent(server);
    for (const rev of [0, 21, 33, content.revision]) {
      hashes.set(rev, await hashAt(endpoint, rev));
    }
    const saved = await runReference("etcdctl", [endpoint, "snapshot", "save", snapshot]);
    expect(saved.code, saved.stderr).toBe(0);
    await server.remove();
    fs.copyFileSync(snapshot, path.join(both.ours, "s"));
    const whole = fs.readFileSync(snapshot);
    const without = whole.subarray(0, -32);
    const flipped = Uint8Array.from(whole);
    flipped[whole.indexOf("key5")] ^= 1;
    for (const [name, bytes] of [
      ["no-trailer", without],
      ["flipped", flipped],
      ["appended", Buffer.concat([without, Buffer.alloc(100)])],
      ["empty", Buffer.alloc(0)],
      ["text", Buffer.from("hello\n")],
      ["noise", Buffer.alloc(5000, "no database")],
      ["more-noise", Buffer.alloc(50_000, "no database")],
      ["beginning", whole.subarray(0, 512)],
    ] as const) {
      both.make(name, (file) => fs.writeFileSync(file, bytes));
    }
    both.make("folder", (file) => fs.mkdirSync(file));
  }, 30_000);

  /** Hash, revision and compact revision, as the server behind `endpoint` has them. */
  async function hashAt(endpoint: string, rev: number): Promise<string> {
    const words = ["endpoint", "hashkv", `--rev=${rev}`, "-w", "json"];
    const { stdout } = await runReference("etcdctl", [endpoint, ...words]);
    const [{ HashKV }] = JSON.parse(stdout) as { HashKV: Record<string, unknown> }[];
    return `${String(HashKV["hash"])}, ${String(HashKV["compact_revision"])}`;
  }

  afterAll(() => {
    both.remove();
  });

  test.each([
    "",
    "-h",
    "-w json",
    "-w bad",
    "--bad",
    "--version",
    "nonsense",
    "vresion",
    "help",
    "help help",
    "help version",
    "help snapshot restore",
    "help nonsense words",
    "version",
    "version extra -w bad",
    "version -h",
    "ver",
    "snapshot",
    "snapshot -h",
    "snapshot nonsense",
    "snapshot save",
    "snapshot save x",
    "snapshot save -h",
    "snapshot status",
    "snapshot status a b",
    "snapshot status -h",
    "snapshot status -w",
    "snapshot status @s -x",
    "snapshot restore",
    "snapshot restore -h",
    "snapshot restore --data-dir @x",
    "snapshot restore a b --data-dir @x",
    "snapshot restore @s --data-dir @x --bump-revision=-1",
    "snapshot restore @s --data-dir @x --bump-revision=99999999999999999999",
    "snapshot restore @s --data-dir @x --bump-revision=1",
    "snapshot restore @s --data-dir @x --mark-compacted",
    "snapshot restore @s --data-dir @x --skip-hash-check=maybe",
    "snapshot restore @s --data-dir @x --initial-memory-map-size=x",
  ])("says the same to: %s", async (line) => {
    await expectSame(...line.split(" ").filter((word) => word !== ""));
  });

  test.each(["simple", "json", "fields", "table", "protobuf", "yaml"])(
    "shows the status of a snapshot as %s",
    async (form) => {
      await expectSame("snapshot", "status", "@s", "-w", form);
    },
  );

  describe.skipIf(!fs.existsSync(OUR_ETCDUTL[1]))("as a process", () => {
    /** Runs a shell line, in which `$UTL` is the tool, in the folder of each of the tools. */
    async function inShell(script: string): Promise<Outcome[]> {
      const tools = [path.join(REFERENCE ?? "", "etcdutl"), OUR_ETCDUTL.join(" ")];
      const outcomes = tools.map(async (tool, at) => {
        const command = `cd ${both.folders[at]}; UTL="${tool}"; ${script}`;
        const environment = { PATH: process.env["PATH"] ?? "" };
        const result = await runProgram("/bin/bash", ["-c", command], { environment });
        return maskedOutcome(result, both.folders[at]);
      });
      return Promise.all(outcomes);
    }

    test.each([
      ["exit codes and both streams", "$UTL snapshot status s; $UTL nonsense; echo $?"],
      ["a relative place", "$UTL snapshot restore s --data-dir ./here/; echo $?; find here | sort"],
      ["the default place", "$UTL snapshot restore s --data-dir ''; echo $?; ls default.etcd"],
      ["a reader that goes away", "$UTL snapshot status s -w table | head -1"],
    ])("knows %s", async (_, script) => {
      const [real, ours] = await inShell(script);
      expect(ours).toEqual(real);
    });
  });

  describe("defrag", () => {
    beforeAll(async () => {
      const restore = ["snapshot", "restore", path.join(both.real, "s"), "--data-dir"];
      const dataDir = path.join(both.real, "holes");
      await runReference("etcdutl", [...restore, dataDir, ...AS_STARTED]);
      const server = await startEtcd({ dataDir });
      const endpoint = `--endpoints=${server.endpoint}`;
      const caller = await openRawCaller(server.endpoint);
      for (let at = 0; at < 200; at++) {
        const key = bytesFromLatin1(`hole${at % 150}`);
        const request = KVService.put.request.create({ key, value: new Uint8Array(2000) });
        await caller.call(KVService.put.path, KVService.put.request.encode(request));
      }
      caller.close();
      await runReference("etcdctl", [endpoint, "del", "hole", "--prefix"]);
      const newest = String((content?.revision ?? 0) + 201);
      const compaction = ["compaction", newest, "--physical"];
      expect(await runReference("etcdctl", [endpoint, ...compaction])).toMatchObject({ code: 0 });
      await server.stop();
      fs.cpSync(path.join(both.real, "holes"), path.join(both.ours, "holes"), { recursive: true });
    }, 30_000);

    test.each(["", "-h", "--data-dir", "extra words"])("says the same to: %s", async (line) => {
      await expectSame("defrag", ...line.split(" ").filter((word) => word !== ""));
    });

    test("makes the file as small, with the same content", async () => {
      const [before] = both.folders.map((folder) => path.join(folder, "holes/member/snap/db"));
      const buckets = dumpBuckets(before);
      const { real, ours } = await both.run(["defrag", "--data-dir", "@holes"]);
      expect(ours.code).toBe(0);
      const sizes = ({ stderr }: Outcome): number[] =>
        [...stderr.matchAll(/"current-db-size-bytes": (\d+)/g)].map(([, size]) => Number(size));
      const [[realBefore, realAfter], [oursBefore, oursAfter]] = [sizes(real), sizes(ours)];
      expect(oursBefore).toBe(realBefore);
      expect(oursAfter).toBeLessThan(oursBefore / 4);
      expect(oursAfter).toBeLessThanOrEqual(realAfter + 4096);
      const shape = ({ stderr }: Outcome): string =>
        stderr.replace(/-?\d+(?:\.\d+)?( [kM]?B)?/g, "<n>");
      expect(shape(ours)).toBe(shape(real));
      for (const folder of both.folders) {
        expect(dumpBuckets(path.join(folder, "holes/member/snap/db"))).toEqual(buckets);
        expect(fs.readdirSync(path.join(folder, "holes/member/snap")).sort()).toContain("db");
      }
      const file = path.join(both.ours, "holes/member/snap/db");
      const status = await runReference("etcdutl", ["snapshot", "status", file]);
      expect(status.code, status.stderr).toBe(0);
      const server = await startEtcd({ dataDir: path.join(both.ours, "holes") });
      expect((await readContent(server, [])).keys).toEqual(content?.keys);
      await server.stop();
    }, 20_000);

    test("waits for whoever uses the file, and says so", async () => {
      const dataDir = path.join(both.ours, "holes");
      const file = path.join(dataDir, "member/snap/db");
      const lock = new SystemDisk({ warn: () => undefined }).open(file, "read");
      expect(lock.tryLock()).toBe(true);
      const work = runOurEtcdutl(["defrag", "--data-dir", dataDir]);
      await new Promise((resolve) => {
        setTimeout(resolve, 3000);
      });
      lock.close();
      const { code, stderr } = await work;
      expect(code).toBe(0);
      const words = `waiting for etcd to close and release its lock on "${file}". `;
      expect(stderr.toString()).toMatch(/^waiting for etcd.*\n.*defragmenting.*\n.*finished/);
      expect(stderr.toString().startsWith(words)).toBe(true);
    });

    test("so does whoever wants to know what is in it", async () => {
      const file = path.join(both.ours, "holes", "member/snap/db");
      const lock = new SystemDisk({ warn: () => undefined }).open(file, "read");
      expect(lock.tryLock()).toBe(true);
      const work = runOurEtcdutl(["snapshot", "status", file]);
      await new Promise((resolve) => {
        setTimeout(resolve, 3000);
      });
      lock.close();
      const { code, stderr } = await work;
      expect(code).toBe(0);
      const words = `waiting for etcd to close and release its lock on "${file}".\n`;
      expect(stderr.toString()).toBe(words);
    });

    test.each(["none", "empty"])("ends with one line when the database is %s", async (name) => {
      const dataDir = path.join(both.ours, `defrag-${name}`);
      const snap = path.join(dataDir, "member/snap");
      fs.mkdirSync(snap, { recursive: true });
      if (name === "empty") fs.writeFileSync(path.join(snap, "db"), "");
      const { code, stderr } = await runOurEtcdutl(["defrag", "--data-dir", dataDir]);
      expect(code).toBe(1);
      expect(stderr.toString()).toMatch(/^Error: Failed to defragment etcd data\[.*\] \(.*\)\n$/);
      expect(fs.readdirSync(snap)).toEqual(name === "empty" ? ["db"] : []);
    });
  });

  describe("hashkv", () => {
    const hashkv = async (...words: string[]): Promise<Outcome> =>
      maskedOutcome(await runOurEtcdutl(["hashkv", ...words]), both.ours);

    test("is what the server said, at any revision", async () => {
      const file = path.join(both.ours, "s");
      for (const [rev, expected] of hashes) {
        const [hash, compactRevision] = expected.split(", ");
        const at = rev === 0 ? content?.revision : rev;
        const stdout = `${hash}, ${at}, ${compactRevision}\n`;
        expect(await hashkv(file, `--rev=${rev}`)).toEqual({ code: 0, stdout, stderr: "" });
      }
    });

    test("knows what is compacted, and what is not there yet", async () => {
      const file = path.join(both.ours, "s");
      const text = "Error: etcdserver: mvcc: required revision";
      expect(await hashkv(file, "--rev=19")).toMatchObject({
        code: 1,
        stderr: `${text} has been compacted\n`,
      });
      expect(await hashkv(file, "--rev=1000")).toMatchObject({
        code: 1,
        stderr: `${text} is a future revision\n`,
      });
    });

    test.each(["empty", "text", "folder", "none"])("refuses a file that is %s", async (name) => {
      const file = path.join(both.ours, name);
      const status = await runOurEtcdutl(["snapshot", "status", file]);
      expect(await hashkv(file)).toEqual(maskedOutcome(status, both.ours));
    });

    test("leaves the file as it is", async () => {
      const file = path.join(both.ours, "s");
      const before = fs.readFileSync(file);
      await hashkv(file);
      expect(fs.readFileSync(file).equals(before)).toBe(true);
    });
  });

  const DAMAGED = "no-trailer flipped appended empty text noise more-noise beginning folder none";

  test.each(DAMAGED.split(" "))("knows a file that is %s by its status", async (name) => {
    await expectSame("snapshot", "status", `@${name}`);
  });

  test.each(DAMAGED.split(" "))("restores a file that is %s, or not", async (name) => {
    await expectSame("snapshot", "restore", `@${name}`, "--data-dir", `@out-${name}`);
  });

  test.each(["no-trailer", "flipped", "appended"])(
    "restores a file that is %s when told not to look",
    async (name) => {
      const words = ["snapshot", "restore", `@${name}`, "--data-dir", `@unchecked-${name}`];
      expect(await expectSame(...words, "--skip-hash-check")).toMatchObject({ code: 0 });
    },
  );

  test.each([
    "--name=other",
    "--name=",
    "--initial-cluster=a",
    "--initial-cluster=",
    "--initial-cluster=default=ftp://x:1",
    "--initial-cluster=default=http://localhost",
    "--initial-cluster=default=http://localhost:2380/path",
    "--initial-cluster=default=http://localhost:2380,other=http://localhost:2380",
    "--initial-cluster=default=http://localhost:2380,default=http://localhost:2381",
    "--initial-advertise-peer-urls=localhost:2380",
    "--initial-advertise-peer-urls=http://localhost:2381",
  ])("refuses a cluster that cannot be: %s", async (flag) => {
    const outcome = await expectSame("snapshot", "restore", "@s", "--data-dir", "@bad", flag);
    expect(outcome.code).toBe(1);
    expect(fs.existsSync(path.join(both.ours, "bad"))).toBe(false);
  });

  test("refuses revisions that leave no room for others", async () => {
    const { code, stderr } = await runOurEtcdutl([
      ...["snapshot", "restore", path.join(both.ours, "s"), "--data-dir"],
      ...[path.join(both.ours, "too-high"), "--bump-revision=9007199254740991", "--mark-compacted"],
    ]);
    expect(code).toBe(1);
    expect(stderr.toString()).toContain("Error: --bump-revision 9007199254740991 is too large");
    expect(fs.readdirSync(path.join(both.ours, "too-high"))).toEqual([]);
  });

  test("refuses directories that are in use", async () => {
    both.make("used", (file) => {
      fs.mkdirSync(file);
      fs.writeFileSync(path.join(file, "a"), "");
    });
    both.make("wal", (file) => fs.mkdirSync(file));
    const restore = ["snapshot", "restore", "@s", "--data-dir"];
    await expectSame(...restore, "@used");
    await expectSame(...restore, "@s");
    await expectSame(...restore, "@fresh", "--wal-dir", "@wal");
  });

  describe("what it makes of a snapshot", () => {
    const THREE =
      "--name=b --initial-cluster=a=http://10.0.0.1:1,b=http://10.0.0.2:2,b=http://10.0.0.2:22,c=http://10.0.0.3:3" +
      " --initial-advertise-peer-urls=http://10.0.0.2:2,http://10.0.0.2:22 --initial-cluster-token=t";

    test.each([
      ["a cluster of one", ""],
      ["a cluster of three", THREE],
      ["higher revisions", "--bump-revision=1000 --mark-compacted"],
      ["no token", "--initial-cluster-token="],
    ])("is the same to the byte: %s", async (name, flags) => {
      const out = `@out ${name}`;
      const words = flags.split(" ").filter((word) => word !== "");
      const outcome = await expectSame("snapshot", "restore", "@s", "--data-dir", out, ...words);
      expect(outcome.code).toBe(0);
      const [real, ours] = both.folders.map((folder) => path.join(folder, `out ${name}`));
      const files = filesBelow(real);
      expect(filesBelow(ours)).toEqual(files);
      for (const file of files) {
        const [a, b] = [real, ours].map((root) => path.join(root, file));
        expect(fs.statSync(b).mode).toBe(fs.statSync(a).mode);
        if (fs.statSync(a).isDirectory()) continue;
        if (file.endsWith("/db")) expect(dumpBuckets(b)).toEqual(dumpBuckets(a));
        else expect(fs.readFileSync(b).equals(fs.readFileSync(a)), file).toBe(true);
      }
      // The real tool checks the file that ours has made.
      const statuses = [real, ours].map((root) =>
        runReference("etcdutl", ["snapshot", "status", path.join(root, "member/snap/db")]),
      );
      const [first, second] = await Promise.all(statuses);
      expect(second).toEqual(first);
    });

    test("goes where it is told, the log elsewhere", async () => {
      const words = ["--data-dir", "@apart/data", "--wal-dir", "@apart/logs/wal"];
      await expectSame("snapshot", "restore", "@s", ...words);
      const [real, ours] = both.folders.map((folder) => path.join(folder, "apart"));
      expect(filesBelow(ours)).toEqual(filesBelow(real));
    });

    test("for three members, is a cluster of the real etcd", async () => {
      const names = ["a", "b", "c"];
      const peers = (await freePorts(names.length)).map((port) => `http://127.0.0.1:${port}`);
      const cluster = names.map((name, at) => `${name}=${peers[at]}`).join(",");
      const started = names.map(async (name, at) => {
        const dataDir = path.join(both.ours, `member ${name}`);
        const flags = [
          ...[`--name=${name}`, `--initial-cluster=${cluster}`],
          `--initial-advertise-peer-urls=${peers[at]}`,
        ];
        const restore = ["snapshot", "restore", path.join(both.ours, "s"), "--data-dir", dataDir];
        expect(await runOurEtcdutl([...restore, ...flags])).toMatchObject({ code: 0 });
        return startEtcd({ dataDir, flags: [...flags, `--listen-peer-urls=${peers[at]}`] });
      });
      const servers = await Promise.all(started);
      for (const server of servers) {
        const served = await readAgain(server, content as StoreContent);
        expect({ ...served, members: [] }).toEqual({ ...content, members: [] });
        expect(served.members.map((member) => member.split(" ")[1]).sort()).toEqual(names);
      }
      await Promise.all(servers.map((server) => server.stop()));
    }, 30_000);

    test.each([
      ["the real etcd", {}],
      ["ours", { command: OUR_ETCD }],
    ])("with higher revisions is served by %s", async (_, command) => {
      const dataDir = path.join(both.ours, `higher served by ${_}`);
      await runOurEtcdutl([
        ...["snapshot", "restore", path.join(both.ours, "s"), "--data-dir", dataDir],
        ...AS_STARTED,
        ...["--bump-revision=1000", "--mark-compacted"],
      ]);
      const file = path.join(dataDir, "member/snap/db");
      const hash = (await runOurEtcdutl(["hashkv", file])).stdout.toString();
      const server = await startEtcd({ ...command, dataDir });
      const served = await readContent(server, []);
      const revision = (content?.revision ?? 0) + 1000;
      expect(served.revision).toBe(revision);
      expect(served.keys).toEqual(content?.keys);
      const [found, compacted] = (await hashAt(`--endpoints=${server.endpoint}`, 0)).split(", ");
      expect(hash).toBe(`${found}, ${revision}, ${compacted}\n`);
      await server.stop();
    });

    test.each([
      ["the real etcd", {}],
      ["ours", { command: OUR_ETCD }],
    ])("is served by %s", async (_, command) => {
      const dataDir = path.join(both.ours, `served by ${_}`);
      const { code } = await runOurEtcdutl([
        ...["snapshot", "restore", path.join(both.ours, "s"), "--data-dir", dataDir],
        ...AS_STARTED,
      ]);
      expect(code).toBe(0);
      const server = await startEtcd({ ...command, dataDir });
      const served = await readAgain(server, content as StoreContent);
      await server.stop();
      expect({ ...served, members: [] }).toEqual({ ...content, members: [] });
      // The same ids as those of a cluster that was founded with these flags.
      const ids = (lists: readonly string[] = []): string[] =>
        lists.map((member) => member.split(" ")[0]);
      expect(ids(served.members)).toEqual(ids(content?.members));
    });
  });
});

function filesBelow(root: string): string[] {
  const names = fs.readdirSync(root, { recursive: true }) as string[];
  return names.sort();
}
