/**
 * `etcd --repair` on data directories of servers that were killed under a load of puts, and then damaged:
 * every acknowledged put is there afterwards, for us and for the real etcd. The repair itself is killed at a
 * random moment first. REPAIR_SEED sets the moments.
 */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { bytesFromUtf8, utf8FromBytes } from "../../src/stdx/bytes.ts";
import { Prng } from "../../src/stdx/prng.ts";
import { startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { runProgram } from "../harness/processes.ts";
import { REFERENCE } from "../harness/reference.ts";
import { connectClient } from "../harness/socket-client.ts";

const SEED = Number(process.env["REPAIR_SEED"] ?? 1);
const FOLDER = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-repair-"));
const WRITERS = 10;
const PUTS = 60;
const KILL_AFTER_MS_MAX = 300;

afterAll(() => fs.rmSync(FOLDER, { recursive: true, force: true }));

/** Writes until the server is killed; returns what was acknowledged. */
async function killedUnderLoad(
  dataDir: string,
  flags: readonly string[],
): Promise<Map<string, string>> {
  const server = await startEtcd({ command: OUR_ETCD, dataDir, flags });
  const client = connectClient([server.endpoint]);
  const acknowledged = new Map<string, string>();
  const write = async (writer: number): Promise<void> => {
    for (let at = 0; at < PUTS; at++) {
      const [key, value] = [`${writer}/${at % 20}`, `${at}`];
      await client.kv.put({ key: bytesFromUtf8(key), value: bytesFromUtf8(value) });
      acknowledged.set(key, value);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  await server.stop("SIGKILL");
  client.close();
  return acknowledged;
}

async function repair(dataDir: string): Promise<{ code: number; stdout: string }> {
  const [program, ...words] = OUR_ETCD;
  const args = [...words, "--repair", `--data-dir=${dataDir}`];
  const { code, stdout } = await runProgram(program, args);
  return { code, stdout: stdout.toString() };
}

/** Starts a repair and kills it some time later. */
async function killedRepair(dataDir: string, afterMs: number): Promise<void> {
  const [program, ...words] = OUR_ETCD;
  const child = spawn(program, [...words, "--repair", `--data-dir=${dataDir}`], {
    stdio: "ignore",
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill("SIGKILL");
  await ended;
}

async function expectAll(
  acknowledged: ReadonlyMap<string, string>,
  dataDir: string,
  command: readonly string[],
): Promise<void> {
  const server = await startEtcd({ command, dataDir });
  const client = connectClient([server.endpoint]);
  try {
    const range = { key: bytesFromUtf8("0"), rangeEnd: bytesFromUtf8("a") };
    const { kvs } = await client.kv.range(range);
    const found = new Map(kvs.map(({ key, value }) => [utf8FromBytes(key), utf8FromBytes(value)]));
    for (const [key, value] of acknowledged) expect(found.get(key), key).toBe(value);
  } finally {
    client.close();
    await server.stop();
  }
}

interface Damage {
  readonly what: string;
  readonly flags: readonly string[];
  readonly breaks: (snap: string, wal: string) => void;
  readonly says: RegExp;
}

const snapFiles = (snap: string): string[] =>
  fs.readdirSync(snap).filter((name) => name.endsWith(".snap"));

const DAMAGES: readonly Damage[] = [
  {
    what: "a broken newest snapshot",
    flags: ["--snapshot-count=150", "--experimental-snapshot-catchup-entries=50"],
    breaks: (snap) => {
      const newest = snapFiles(snap).sort().at(-1);
      fs.writeFileSync(path.join(snap, newest ?? ""), "garbage");
    },
    says: /takes its place/,
  },
  {
    what: "a database that is gone, and a torn end of the log",
    flags: [],
    breaks: (snap, wal) => {
      fs.rmSync(path.join(snap, "db"));
      const last = fs
        .readdirSync(wal)
        .filter((name) => name.endsWith(".wal"))
        .sort()
        .at(-1);
      const file = path.join(wal, last ?? "");
      const bytes = fs.readFileSync(file);
      let end = bytes.length;
      while (bytes[end - 1] === 0) end--;
      // A record that says that it is larger than what is left of the file.
      const aligned = Math.ceil((end + 1) / 8) * 8;
      bytes.writeUInt32LE(200, aligned);
      fs.writeFileSync(file, bytes.subarray(0, aligned + 100));
    },
    says: /cut off the torn end[\s\S]*made an empty database/,
  },
];

describe("etcd --repair", { timeout: 120_000 }, () => {
  test.each(DAMAGES.map((each) => [each.what, each] as const))("mends %s", async (_, each) => {
    const random = new Prng(SEED).fork(each.what);
    const dataDir = path.join(FOLDER, String(DAMAGES.indexOf(each)));
    const acknowledged = await killedUnderLoad(dataDir, each.flags);
    const member = path.join(dataDir, "member");
    each.breaks(path.join(member, "snap"), path.join(member, "wal"));
    const copy = `${dataDir}.other`;
    fs.cpSync(dataDir, copy, { recursive: true });

    await killedRepair(copy, random.below(KILL_AFTER_MS_MAX));
    const { code, stdout } = await repair(copy);
    expect(code, stdout).toBe(0);
    expect(await repair(copy)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("nothing to repair") as string,
    });
    await expectAll(acknowledged, copy, OUR_ETCD);

    if (REFERENCE === undefined) return;
    const told = await repair(dataDir);
    expect(told.stdout).toMatch(each.says);
    await expectAll(acknowledged, dataDir, [path.join(REFERENCE, "etcd")]);
  });

  test("refuses what would lose something, with exit code 1", async () => {
    const { code, stdout } = await repair(path.join(FOLDER, "nothing"));
    expect(code).toBe(1);
    expect(stdout).toMatch(/there is no member in it .*nothing was changed/);
  });
});
