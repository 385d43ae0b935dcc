/**
 * Data directories and ports that a member cannot start with: one line that names the file or flag and the
 * way out, exit code 1, and nothing changed on disk. And what it can start with, although something is
 * broken. The directories are the real etcd's.
 */
import * as fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Db } from "../../src/bolt/db.ts";
import { SystemDisk } from "../../src/platform/disk.ts";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import { type EtcdProcess, type EtcdProcessOptions, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { REFERENCE } from "../harness/reference.ts";
import { imageOf, runToFailure } from "../harness/start-failure.ts";
import { readAgain, readContent, type StoreContent } from "../harness/store-content.ts";

const MEBIBYTE = 1024 * 1024;

/** More than the records of the log that the tests are made of. */
const LOG_BYTES = MEBIBYTE;

describe
  .skipIf(REFERENCE === undefined)
  .concurrent("a start that cannot be", { timeout: 180_000 }, () => {
    let folder = "";
    let copies = 0;
    const started: EtcdProcess[] = [];
    /** The directory that all others are copies of, its database before the last writes, and its content. */
    let origin = "";
    let olderDatabase = "";
    let content: StoreContent | undefined;

    beforeAll(async () => {
      folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-start-"));
      origin = path.join(folder, "origin");
      olderDatabase = path.join(folder, "older-db");
      const flags = ["--snapshot-count=50"];
      const first = await start({ dataDir: origin, flags });
      await putMany(first.endpoint, 20);
      await first.stop();
      fs.copyFileSync(databaseOf(origin), olderDatabase);
      const second = await start({ dataDir: origin, flags });
      await putMany(second.endpoint, 120);
      content = await readContent(second);
      await second.stop();
      // Most of a segment is zeros, which need not be copied for every test.
      fs.truncateSync(logOf(origin), LOG_BYTES);
    }, 60_000);

    afterAll(async () => {
      await Promise.all(started.map((server) => server.stop("SIGKILL")));
      fs.rmSync(folder, { recursive: true, force: true });
    });

    /** Starts a member that does not outlive the tests. */
    async function start(options: EtcdProcessOptions): Promise<EtcdProcess> {
      const server = await startEtcd(options);
      started.push(server);
      return server;
    }

    /** A directory of its own for one test. */
    function copyOrigin(): string {
      const copy = path.join(folder, `copy-${++copies}`);
      fs.cpSync(origin, copy, { recursive: true });
      return copy;
    }

    /** Starts ours, which must say all `words` in one line. */
    async function expectWords(
      dataDir: string,
      words: readonly string[],
      flags: readonly string[] = [],
    ): Promise<void> {
      const { code, complaints, output } = await runToFailure(dataDir, flags);
      expect(code, output).toBe(1);
      expect(complaints, output).toHaveLength(1);
      expect(output).not.toContain('"stack"');
      for (const word of words) expect(complaints[0]).toContain(word);
    }

    /** The same, and everything must be as it was. */
    async function expectRefusal(
      dataDir: string,
      words: readonly string[],
      flags: readonly string[] = [],
    ): Promise<void> {
      const before = imageOf(dataDir);
      await expectWords(dataDir, words, flags);
      expect(imageOf(dataDir)).toEqual(before);
    }

    test.each([["client"], ["peer"]])("port for %ss in use", async (side) => {
      const server = net.createServer().listen(0, "127.0.0.1");
      await new Promise((resolve) => server.once("listening", resolve));
      const { port } = server.address() as net.AddressInfo;
      const flag = `--listen-${side}-urls`;
      await expectRefusal(
        path.join(folder, "nothing"),
        [`listen tcp 127.0.0.1:${port}: bind: address already in use`, flag],
        [`${flag}=http://localhost:${port}`],
      );
      server.close();
    });

    test.each([
      ["the data directory", ""],
      ["its parent", "sub"],
    ])("a file in place of %s", async (_, below) => {
      const file = path.join(folder, `file-${below}`);
      fs.writeFileSync(file, "text");
      await expectRefusal(path.join(file, below), [file, "--data-dir"]);
    });

    test.each([["member"], ["member/snap"], ["member/wal"]])(
      "a file in place of %s",
      async (name) => {
        const dataDir = copyOrigin();
        fs.rmSync(path.join(dataDir, name), { recursive: true });
        fs.writeFileSync(path.join(dataDir, name), "text");
        await expectRefusal(dataDir, [path.join(dataDir, name)]);
      },
    );

    test("a restore that was interrupted", async () => {
      const dataDir = path.join(folder, "interrupted");
      fs.mkdirSync(path.join(dataDir, "member.restoring", "snap"), { recursive: true });
      await expectRefusal(dataDir, [dataDir, "member.restoring", "restore again"]);
    });

    test("a directory in place of db", async () => {
      const dataDir = copyOrigin();
      fs.rmSync(databaseOf(dataDir));
      fs.mkdirSync(databaseOf(dataDir));
      await expectRefusal(dataDir, [databaseOf(dataDir)]);
    });

    test.each([
      ["text", Buffer.from("This is no database.\n".repeat(1000))],
      ["zeros", Buffer.alloc(MEBIBYTE)],
      ["one byte", Buffer.from("x")],
    ])("%s in place of db", async (_, bytes) => {
      const dataDir = copyOrigin();
      fs.writeFileSync(databaseOf(dataDir), bytes);
      await expectRefusal(dataDir, [databaseOf(dataDir), "not a bolt file"]);
    });

    test("both metas of db damaged", async () => {
      const dataDir = copyOrigin();
      flipBytes(databaseOf(dataDir), [16 + 40, 4096 + 16 + 40]);
      await expectRefusal(dataDir, [databaseOf(dataDir)]);
    });

    test("db cut in half", async () => {
      const dataDir = copyOrigin();
      fs.truncateSync(databaseOf(dataDir), 4096 * 3);
      await expectRefusal(dataDir, [databaseOf(dataDir), "truncated", "restore"]);
    });

    test("a page of db damaged", async () => {
      const dataDir = copyOrigin();
      const size = fs.statSync(databaseOf(dataDir)).size;
      const pages = Array.from({ length: Math.floor(size / 4096) - 2 }, (_, at) => at + 2);
      flipBytes(
        databaseOf(dataDir),
        pages.map((page) => page * 4096 + 8),
      );
      await expectRefusal(dataDir, [databaseOf(dataDir), "corrupt"]);
    });

    test("a value of db damaged", async () => {
      const dataDir = copyOrigin();
      const bytes = fs.readFileSync(databaseOf(dataDir));
      const positions: number[] = [];
      // Field 1, four bytes: the beginning of a key-value; older states of the page may be there, too.
      for (let at = -1; (at = bytes.indexOf("\n\x04key5", at + 1)) >= 0; ) positions.push(at + 1);
      flipBytes(databaseOf(dataDir), positions);
      await expectRefusal(dataDir, [databaseOf(dataDir), "cannot be read", "restore"]);
    });

    test("db missing", async () => {
      const dataDir = copyOrigin();
      fs.rmSync(databaseOf(dataDir));
      await expectRefusal(dataDir, [databaseOf(dataDir), "missing", "restore"]);
    });

    test("db older than the snapshot beside it", async () => {
      const dataDir = copyOrigin();
      fs.copyFileSync(olderDatabase, databaseOf(dataDir));
      await expectRefusal(dataDir, [databaseOf(dataDir), "older", "restore"]);
    });

    test.each([["the folder"], ["all files"]])("log missing: %s", async (what) => {
      const dataDir = copyOrigin();
      fs.rmSync(path.join(dataDir, "member", "wal"), { recursive: true });
      if (what === "all files") fs.mkdirSync(path.join(dataDir, "member", "wal"), { mode: 0o700 });
      await expectRefusal(dataDir, [path.join(dataDir, "member", "wal"), "--wal-dir", "restore"]);
    });

    test("a byte of the log flipped in an early record", async () => {
      const dataDir = copyOrigin();
      flipBytes(logOf(dataDir), [fs.readFileSync(logOf(dataDir)).indexOf("key5")]);
      await expectRefusal(dataDir, [logOf(dataDir), "crc mismatch", "restore"]);
    });

    test("the length of an early record of the log damaged", async () => {
      const dataDir = copyOrigin();
      fs.writeSync(fs.openSync(logOf(dataDir), "r+"), Buffer.from("ffffffff", "hex"), 0, 4, 8);
      await expectRefusal(dataDir, [logOf(dataDir), "restore"]);
    });

    test("the end of the log lost, which the database already holds", async () => {
      const dataDir = copyOrigin();
      const bytes = fs.readFileSync(logOf(dataDir));
      const starts = recordsOf(bytes);
      bytes.fill(0, starts.at(-5));
      fs.writeFileSync(logOf(dataDir), bytes);
      await expectRefusal(dataDir, [databaseOf(dataDir), "its end is lost", "restore"]);
    });

    test.skipIf(process.getuid?.() === 0)("no right to write", async () => {
      const dataDir = copyOrigin();
      fs.chmodSync(databaseOf(dataDir), 0o400);
      await expectRefusal(dataDir, [databaseOf(dataDir), "permission denied", "make it"]);
      fs.chmodSync(dataDir, 0o500);
      await expectRefusal(dataDir, [dataDir, "permission denied", "--data-dir"]);
      fs.chmodSync(dataDir, 0o700);
    });

    /** What is put into a bucket of the auth store, and what is said of it. */
    const BROKEN_AUTH: [what: string, bucket: string, key: string, value: string, said: string][] =
      [
        ["a user that is no message", "authUsers", "alice", "\x0a\x09al", "unexpected EOF"],
        ["a user under another name", "authUsers", "alice", "\x0a\x03bob", "its name is another"],
        ["a user whose name is no text", "authUsers", "\xff", "\x0a\x01\xff", "not UTF-8"],
        [
          "a user with a role that is not there",
          "authUsers",
          "alice",
          "\x0a\x05alice\x1a\x04role",
          'role "role" is not there',
        ],
        ["a role that is no message", "authRoles", "role", "\x12\x7f", "unexpected EOF"],
        ["a revision that is none", "auth", "authRevision", "\x01", "1 bytes instead of 8"],
      ];

    test.each(BROKEN_AUTH)("authentication: %s", async (_, bucket, key, value, said) => {
      const dataDir = copyOrigin();
      const db = Db.open(new SystemDisk({ warn: () => undefined }), databaseOf(dataDir));
      const tx = db.beginWrite();
      tx.bucket(bytesFromLatin1(bucket))?.put(bytesFromLatin1(key), bytesFromLatin1(value));
      await new Promise((resolve) => tx.commit(resolve));
      db.close();
      const shown = key === "\xff" ? "\uFFFD" : key;
      await expectRefusal(dataDir, [
        databaseOf(dataDir),
        `bucket "${bucket}", key "${shown}"`,
        said,
        "restore the data directory from a snapshot",
      ]);
    });

    test("keys of the v2 API in the log, and in a snapshot", async () => {
      const dataDir = path.join(folder, "v2");
      const flags = ["--enable-v2", "--snapshot-count=50"];
      const first = await start({ dataDir, flags });
      await fetch(`http://${first.endpoint}/v2/keys/a?value=b`, { method: "PUT" });
      await first.stop();
      await expectRefusal(dataDir, ["v2", "etcd 3.5"]);
      const second = await start({ dataDir, flags });
      await putMany(second.endpoint, 70);
      await second.stop();
      await expectRefusal(dataDir, ["v2", "etcd 3.5"]);
    });

    test("written by etcd 3.6", async () => {
      const dataDir = copyOrigin();
      const db = Db.open(new SystemDisk({ warn: () => undefined }), databaseOf(dataDir));
      const tx = db.beginWrite();
      tx.bucket(bytesFromLatin1("meta"))?.put(
        bytesFromLatin1("storageVersion"),
        bytesFromLatin1("3.6.0"),
      );
      await new Promise((resolve) => tx.commit(resolve));
      db.close();
      await expectRefusal(dataDir, [databaseOf(dataDir), "3.6.0", "etcdutl migrate"]);
    });

    describe("a directory in use", () => {
      test("by ours", async () => {
        const dataDir = copyOrigin();
        const ours = await start({ dataDir, command: OUR_ETCD });
        await expectWords(dataDir, [databaseOf(dataDir), "another process", "stop"]);
        const waiting = start({ dataDir });
        await new Promise((resolve) => {
          setTimeout(resolve, 700);
        });
        const { keys } = await readContent(ours, []);
        expect(keys).toEqual(content?.keys);
        await ours.stop();
        const real = await waiting;
        expect((await readContent(real, [])).keys).toEqual(keys);
        await real.stop("SIGKILL");
      });

      test("by the real one", async () => {
        const dataDir = copyOrigin();
        const real = await start({ dataDir });
        await expectWords(dataDir, [databaseOf(dataDir), "another process", "stop"]);
        await real.stop("SIGKILL");
      });
    });

    describe("broken, but not beyond a start", () => {
      /** Ours starts, and the real one after it, with all that there was. */
      async function expectStart(dataDir: string, ...said: string[]): Promise<void> {
        if (content === undefined) throw new Error("No content");
        for (const command of [OUR_ETCD, undefined]) {
          const server = await start({ dataDir, ...(command && { command }) });
          const { members: _, ...others } = await readAgain(server, content);
          await server.stop("SIGKILL");
          expect(content).toMatchObject(others);
          if (command !== undefined)
            for (const words of said) expect(server.log()).toContain(words);
        }
      }

      test("a torn write at the end of the log is cut off", async () => {
        const dataDir = copyOrigin();
        const bytes = fs.readFileSync(logOf(dataDir));
        const start = recordsOf(bytes).at(-1) ?? 0;
        // A record that says it has 2000 bytes, of which the first sector has arrived.
        bytes.writeBigUInt64LE(2000n, start);
        bytes.fill(1, start + 8, Math.ceil((start + 9) / 512) * 512);
        fs.writeFileSync(logOf(dataDir), bytes);
        await expectStart(dataDir, "repaired WAL", logOf(dataDir));
        expect(fs.existsSync(`${logOf(dataDir)}.broken`)).toBe(true);
      });

      test("one meta of db damaged: the state before, and the log behind it", async () => {
        for (const page of [0, 1]) {
          const dataDir = copyOrigin();
          flipBytes(databaseOf(dataDir), [page * 4096 + 16 + 40]);
          await expectStart(dataDir);
        }
      });

      test("the newest snapshot damaged", async () => {
        const dataDir = copyOrigin();
        const snap = path.join(dataDir, "member", "snap");
        const newest = fs.readdirSync(snap).findLast((name) => name.endsWith(".snap")) ?? "";
        flipBytes(path.join(snap, newest), [100]);
        await expectStart(dataDir, "renamed to a broken snap file");
      });

      test("leftovers of a crash", async () => {
        const dataDir = copyOrigin();
        const snap = path.join(dataDir, "member", "snap");
        for (const name of ["db.tmp.123", "tmp456"]) fs.writeFileSync(path.join(snap, name), "x");
        await expectStart(dataDir);
        expect(fs.readdirSync(snap).filter((name) => name.includes("tmp"))).toEqual([]);
      });
    });
  });

function databaseOf(dataDir: string): string {
  return path.join(dataDir, "member", "snap", "db");
}

/** The first segment of the log. */
function logOf(dataDir: string): string {
  return path.join(dataDir, "member", "wal", "0000000000000000-0000000000000000.wal");
}

/** Where the records of a segment begin, the zeros behind the last one too. */
function recordsOf(segment: Buffer): number[] {
  const starts = [0];
  for (let at = 0; ; ) {
    // The low 56 bits are the length; with the top bit set, three more are the padding behind it.
    const word = segment.readBigUInt64LE(at);
    if (word === 0n) return starts;
    const padding = word >> 63n === 1n ? (word >> 56n) & 7n : 0n;
    at += 8 + Number((word & ((1n << 56n) - 1n)) + padding);
    starts.push(at);
  }
}

function flipBytes(file: string, positions: readonly number[]): void {
  const bytes = fs.readFileSync(file);
  for (const position of positions) bytes[position] ^= 0x10;
  fs.writeFileSync(file, bytes);
}

async function putMany(endpoint: string, count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    const body = { key: Buffer.from(`key${at}`).toString("base64"), value: "dmFsdWU=" };
    const url = `http://${endpoint}/v3/kv/put`;
    const answer = await fetch(url, { method: "POST", body: JSON.stringify(body) });
    expect(answer.status).toBe(200);
  }
}
