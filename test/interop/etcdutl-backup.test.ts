/**
 * The backups of both etcdutls, of the same data directories of a real etcd: the same words, the same log
 * and the same buckets but for the ids, which are made up; and the real etcd founds a cluster with them.
 */
import * as fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeV2Store } from "../../src/membership/v2-store.ts";
import { SystemDisk } from "../../src/platform/disk.ts";
import { NO_SNAPSHOT, readWal, validSnapshots } from "../../src/wal/read-wal.ts";
import { loadSnapshot } from "../../src/wal/snapshot-files.ts";
import type { Snapshot } from "../../src/wire/gen/raft.ts";
import { BothEtcdutls } from "../harness/both-etcdutls.ts";
import { dumpBuckets } from "../harness/bucket-dump.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { runOurEtcdutl } from "../harness/etcdutl-inprocess.ts";
import { QUIET_LOG } from "../harness/quiet-log.ts";
import { REFERENCE, runReference } from "../harness/reference.ts";
import { readContent, type StoreContent } from "../harness/store-content.ts";

const DISK = new SystemDisk({ warn: () => undefined });

/** What a backup consists of, without its made-up ids and times. */
function contentOf(dataDir: string, walDir = path.join(dataDir, "member/wal")): unknown {
  const location = { disk: DISK, log: QUIET_LOG, directory: walDir };
  const snapshots = validSnapshots(location).map(({ index, term }) => ({ index, term }));
  const directory = path.join(dataDir, "member/snap");
  const snapshot = loadSnapshot({ disk: DISK, log: QUIET_LOG, directory }, undefined);
  const start = snapshot?.metadata ?? NO_SNAPSHOT;
  const { metadata, hardState, entries } = readWal(location, start);
  const { members, ...buckets } = dumpBuckets(path.join(directory, "db"));
  return {
    snapshots: [...new Set(snapshots.map((found) => JSON.stringify(found)))],
    snapshot: snapshot === undefined ? undefined : describeSnapshot(snapshot),
    metadata,
    hardState,
    entries,
    buckets,
    members: Object.values(members).map((hex) => withoutIds(Buffer.from(hex, "hex").toString())),
  };
}

function describeSnapshot({ metadata, data }: Snapshot): unknown {
  const { index, term, confState } = metadata;
  const cluster = decodeV2Store(Buffer.from(data ?? []).toString(), 0n);
  const members = cluster.members().map((member) => ({ ...member, id: 0n }));
  const isVoter = cluster.members().every(({ id }) => confState?.voters.includes(id));
  return { index, term, members, isVoter, version: cluster.version };
}

function withoutIds(text: string): string {
  return text.replace(/"id":\d+/, '"id":0');
}

describe.skipIf(REFERENCE === undefined)("etcdutl backup", () => {
  let both: BothEtcdutls;
  let content: StoreContent | undefined;

  beforeAll(async () => {
    both = new BothEtcdutls();
    for (const [name, flags] of [
      ["d", []],
      ["snapshots", ["--snapshot-count=10"]],
    ] as const) {
      const dataDir = path.join(both.real, name);
      const server = await startEtcd({ dataDir, flags });
      for (let at = 0; at < 30; at++) {
        const words = [`--endpoints=${server.endpoint}`, "put", `key${at % 7}`, `value ${at}`];
        await runReference("etcdctl", words);
      }
      content = await readContent(server, []);
      await server.stop();
      fs.cpSync(dataDir, path.join(both.ours, name), { recursive: true });
    }
    both.make("no-db", (file) => {
      fs.cpSync(path.join(path.dirname(file), "d"), file, { recursive: true });
      fs.rmSync(path.join(file, "member/snap/db"));
    });
  }, 60_000);

  afterAll(() => both.remove());

  test.each([
    ["d", ""],
    ["d", "--with-v3=false"],
    ["snapshots", ""],
    ["snapshots", "--with-v3=false"],
  ])("of %s %s", async (name, flag) => {
    const words = ["backup", "--data-dir", `@${name}`, "--backup-dir", `@of-${name}${flag}`];
    const outcome = await both.expectSame(...words, ...(flag === "" ? [] : [flag]));
    expect(outcome.code).toBe(0);
    const [real, ours] = both.folders.map((folder) => path.join(folder, `of-${name}${flag}`));
    expect(fs.readdirSync(ours, { recursive: true }).sort()).toEqual(
      fs.readdirSync(real, { recursive: true }).sort(),
    );
    expect(contentOf(ours)).toEqual(contentOf(real));
  });

  test("with its log in another place", async () => {
    await both.expectSame(
      ...["backup", "--data-dir", "@d", "--wal-dir", "@d/member/wal"],
      ...["--backup-dir", "@apart", "--backup-wal-dir", "@apart-wal"],
    );
    const [real, ours] = both.folders.map((folder) =>
      contentOf(path.join(folder, "apart"), path.join(folder, "apart-wal")),
    );
    expect(ours).toEqual(real);
  });

  test.each([
    "",
    "-h",
    "--data-dir @none --backup-dir @x1",
    "--data-dir @d --backup-dir @d",
    "--data-dir @d --wal-dir @none --backup-dir @x2",
    "--data-dir @d",
    "--backup-dir @x3",
    "--data-dir @d --backup-dir @x4 --with-v3=maybe",
  ])("refuses what it cannot do: %s", async (line) => {
    await both.expectSame("backup", ...line.split(" ").filter((word) => word !== ""));
  });

  describe("check v2store", () => {
    const check = async (...words: string[]): Promise<string> => {
      const { code, stdout, stderr } = await runOurEtcdutl(["check", "v2store", ...words]);
      return `${code} ${stdout.toString()}${stderr.toString()}`;
    };
    const NOTHING = "0 No custom content found in v2store.\n";
    const SOMETHING = "1 Error: detected custom content in v2store\n";

    test.each(["d", "snapshots", "none"])("finds nothing in %s", async (name) => {
      expect(await check("--data-dir", path.join(both.ours, name))).toBe(NOTHING);
    });

    test("finds keys in a snapshot, and behind one", async () => {
      const dataDir = path.join(both.real, "v2");
      const flags = ["--enable-v2", "--snapshot-count=10"];
      const put = async (server: EtcdProcess, count: number): Promise<void> => {
        for (let at = 0; at < count; at++) {
          const words = [`--endpoints=${server.endpoint}`, "put", "a", "b"];
          await runReference("etcdctl", words);
        }
      };
      const first = await startEtcd({ dataDir, flags });
      await put(first, 20);
      await fetch(`http://${first.endpoint}/v2/keys/a?value=b`, { method: "PUT" });
      await first.stop();
      expect(await check("--data-dir", dataDir)).toBe(SOMETHING);
      const wal = path.join(dataDir, "member/wal");
      expect(await check("--data-dir", dataDir, "--wal-dir", wal)).toBe(SOMETHING);
      const second = await startEtcd({ dataDir, flags });
      await put(second, 30);
      await second.stop();
      expect(await check("--data-dir", dataDir)).toBe(SOMETHING);
    }, 20_000);

    test("needs a directory", async () => {
      expect(await check()).toMatch(/^1 Error: required flag\(s\) "data-dir" not set\nUsage:/);
    });
  });

  test("leaves nothing behind where it fails", async () => {
    const { ours } = await both.run(["backup", "--data-dir", "@no-db", "--backup-dir", "@failed"]);
    expect(ours.code).toBe(1);
    expect(ours.stderr).toContain("fatal\tbolt.Open FAILED");
    expect(ours.stderr).toContain("no such file or directory");
    expect(fs.readdirSync(path.join(both.ours, "failed"))).toEqual([]);
    expect(fs.readdirSync(path.join(both.ours, "no-db/member/snap"))).toEqual([]);
  });

  test.each(["d", "snapshots"])("of %s founds a cluster of the real etcd", async (name) => {
    const backupDir = path.join(both.ours, `founding-${name}`);
    const dataDir = path.join(both.ours, name);
    await runOurEtcdutl(["backup", "--data-dir", dataDir, "--backup-dir", backupDir]);
    const server = await startEtcd({ dataDir: backupDir, flags: ["--force-new-cluster"] });
    expect((await readContent(server, [])).keys).toEqual(content?.keys);
    await server.stop();
  });
});
