/**
 * `etcdutl migrate`, `--timeout` and the version in `snapshot status`, which the real tool has since 3.6 and 3.7. What
 * the real server of 3.5 makes of the files is compared.
 */
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/platform/clock.ts";
import { SystemDisk } from "../../src/platform/disk.ts";
import { openedWal } from "../../src/snapshot/found-log.ts";
import { createHardState, EntryType } from "../../src/wire/gen/raft.ts";
import { startEtcd } from "../harness/etcd-process.ts";
import { runOurEtcdctl } from "../harness/etcdctl-inprocess.ts";
import { runOurEtcdutl } from "../harness/etcdutl-inprocess.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { QUIET_LOG } from "../harness/quiet-log.ts";
import { REFERENCE } from "../harness/reference.ts";

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  /** Without times and modules. */
  readonly stderr: string;
}

async function run(...words: string[]): Promise<Outcome> {
  const { code, stdout, stderr } = await runOurEtcdutl(words);
  const said = stderr.toString().replace(/^\d{4}-\S+\t(\w+)\t\S+\t/gm, "$1\t");
  return { code, stdout: stdout.toString(), stderr: said };
}

describe("etcdutl migrate", () => {
  let folder = "";
  let dataDir = "";
  let database = "";

  const migrate = (target: string, ...more: string[]): Promise<Outcome> =>
    run("migrate", `--data-dir=${dataDir}`, `--target-version=${target}`, ...more);

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "migrate-"));
    dataDir = path.join(folder, "data");
    database = path.join(dataDir, "member/snap/db");
    const server = await startEtcd({ command: OUR_ETCD, dataDir });
    await runOurEtcdctl([`--endpoints=${server.endpoint}`, "put", "a", "b"]);
    await server.stop();
  }, 60_000);

  afterAll(() => fs.rmSync(folder, { recursive: true }));

  test("goes to 3.6 and 3.7, and comes back", async () => {
    const before = await run("snapshot", "status", database, "-w", "json");
    expect(Object.keys(JSON.parse(before.stdout) as object)).not.toContain("version");
    expect(await migrate("3.5")).toEqual({
      code: 0,
      stdout: "",
      stderr: 'info\tstorage version up-to-date\t{"storage-version": "3.5"}\n',
    });
    expect(await migrate("3.7")).toEqual({
      code: 0,
      stdout: "",
      stderr:
        'info\tupdated storage version\t{"new-storage-version": "3.6.0"}\n' +
        'info\tupdated storage version\t{"new-storage-version": "3.7.0"}\n',
    });
    expect((await migrate("3.6")).code).toBe(0);
    for (const [form, shown] of [
      ["simple", /, 3\.6\.0\n$/],
      ["json", /,"version":"3\.6\.0"\}\n$/],
      ["fields", /\n"Version" : "3\.6\.0"\n$/],
      ["table", /\| +3\.6\.0 \|\n/],
    ] as const) {
      expect((await run("snapshot", "status", database, "-w", form)).stdout).toMatch(shown);
    }
    // A server of 3.5 says how it would start on them. A start that fails takes its folder away.
    const copy = path.join(folder, "copy");
    fs.cpSync(dataDir, copy, { recursive: true });
    await expect(startEtcd({ command: OUR_ETCD, dataDir: copy })).rejects.toThrow(
      /downgrade it first \(etcdutl migrate --target-version 3\.5\)/,
    );
  }, 60_000);

  test("leaves files that servers of 3.5 start on, with all that was in them", async () => {
    expect(await migrate("3.5")).toMatchObject({ code: 0 });
    const commands = [OUR_ETCD, ...(REFERENCE === undefined ? [] : [undefined])];
    for (const command of commands) {
      const server = await startEtcd({ dataDir, ...(command && { command }) });
      const { stdout } = await runOurEtcdctl([`--endpoints=${server.endpoint}`, "get", "a"]);
      expect(stdout.toString()).toBe("a\nb\n");
      await server.stop();
    }
  }, 60_000);

  test("refuses versions that cannot be, and entries that 3.5 would not understand, unless it is forced", async () => {
    for (const [target, error] of [
      ["3", 'wrong target version format, expected "X.Y", got "3"'],
      ["3.x", 'failed to parse target version: strconv.ParseInt: parsing "x": invalid syntax'],
      ["3.4", 'target version "3.4" not supported. Minimal "3.5"'],
    ]) {
      expect(await migrate(target)).toEqual({ code: 128, stdout: "", stderr: `Error: ${error}\n` });
    }
    expect(await migrate("4.0")).toMatchObject({
      code: 1,
      stderr:
        "Error: cannot create migration plan: changing major storage version is not supported\n",
    });
    expect((await migrate("3.8")).stderr).toBe(
      'Error: cannot create migration plan: version "3.8.0" is not supported\n',
    );
    const nowhere = ["migrate", "--data-dir=/nonexistent", "--target-version=3.6"];
    expect((await run(...nowhere)).stderr).toBe(
      "Error: stat /nonexistent/member/snap/db: no such file or directory\n",
    );

    expect(await migrate("3.6")).toMatchObject({ code: 0 });
    await replaceLog();
    expect(await migrate("3.5")).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "Error: cannot downgrade storage, WAL contains newer entries, as the target version (3.5.0) is lower than the version (3.6.0) detected from WAL logs\n",
    });
    const forced = await migrate("3.5", "--force");
    expect(forced.code).toBe(0);
    expect(forced.stderr).toMatch(/^info\tnormal migrate failed, trying with force\t/);
    expect(forced.stderr).toMatch(/\nwarn\tforcefully cleared storage version\n$/);
    expect((await migrate("3.5")).stderr).toContain("storage version up-to-date");
  }, 60_000);

  /** Puts a log there with an entry of a kind that 3.6 brought. */
  async function replaceLog(): Promise<void> {
    const directory = path.join(dataDir, "member/wal");
    fs.rmSync(directory, { recursive: true });
    const disk = new SystemDisk({ warn: () => undefined });
    const options = { disk, clock: systemClock, log: QUIET_LOG, directory };
    const wal = await openedWal(options, new Uint8Array());
    // Field 9900, a message with the text "3.6" in field 1.
    const data = Uint8Array.of(0xe2, 0xea, 0x04, 5, 0x0a, 3, 0x33, 0x2e, 0x36);
    const entries = [{ type: EntryType.EntryNormal, term: 1, index: 1, data }];
    const hardState = createHardState({ term: 1, commit: 1 });
    await new Promise((done) => wal.append({ entries, hardState }, done));
    await new Promise((done) => wal.close(done));
  }
});

describe("etcdutl --timeout", () => {
  test("says who has the file, when it is not given away in time", async () => {
    const server = await startEtcd({ command: OUR_ETCD });
    const database = path.join(server.dataDir, "member/snap/db");
    try {
      for (const words of [
        ["snapshot", "status", database],
        ["hashkv", database],
        ["defrag", `--data-dir=${server.dataDir}`],
        ["migrate", `--data-dir=${server.dataDir}`, "--target-version=3.6"],
      ]) {
        const { code, stderr } = await run(...words, "--timeout=100ms");
        expect([code, stderr]).toEqual([
          1,
          expect.stringContaining(`timeout: "${database}" is locked by another program`) as string,
        ]);
      }
      const patient = await run("hashkv", database, "--timeout=1100ms");
      expect(patient.stderr).toMatch(/^waiting for etcd to close and release its lock on /);
    } finally {
      await server.remove();
    }
  }, 60_000);
});
