/** What only the real disk has: locks between processes, lock files, descriptors. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DiskError } from "../ports/disk.ts";
import { SystemDisk } from "./disk.ts";
import { FileLocker } from "./disk-lock.ts";

const BUILT_DISK = path.resolve(import.meta.dirname, "../../dist/platform/disk.js");
const hasFlock = spawnSync("flock", ["--version"]).error === undefined;

let scratch = "";

beforeAll(() => {
  scratch = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-ts-disk-"));
});

afterAll(() => {
  fs.rmSync(scratch, { recursive: true, force: true });
});

function newDisk(): SystemDisk {
  return new SystemDisk({ warn: (message) => expect.unreachable(message) });
}

/** Whether another process, unknown to us, can take the kernel's lock. */
function isFreeForOthers(file: string): boolean {
  return spawnSync("flock", ["-xn", file, "true"]).status === 0;
}

describe.skipIf(!hasFlock)("SystemDisk tryLock()", () => {
  test("excludes other processes until close()", () => {
    const file = newDisk().open(path.join(scratch, "lock-a"), "create");
    expect(isFreeForOthers(file.path)).toBe(true);
    expect(file.tryLock()).toBe(true);
    expect(isFreeForOthers(file.path)).toBe(false);
    file.close();
    expect(isFreeForOthers(file.path)).toBe(true);
  });

  test.skipIf(!fs.existsSync(BUILT_DISK))("a killed process leaves no lock", async () => {
    const file = path.join(scratch, "lock-b");
    const program = `
      import { SystemDisk } from ${JSON.stringify(BUILT_DISK)};
      const file = new SystemDisk({ warn() {} }).open(${JSON.stringify(file)}, "create");
      process.stdout.write(String(file.tryLock()));
      setInterval(() => file.size(), 1000);
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [answer] = (await once(child.stdout, "data")) as [Buffer];
    expect(answer.toString()).toBe("true");
    const own = newDisk().open(file, "readWrite");
    expect(own.tryLock()).toBe(false);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(own.tryLock()).toBe(true);
    own.close();
  });
});

describe("FileLocker without the program", () => {
  test("warns once and keeps a lock file with the process id until release", () => {
    const warnings: string[] = [];
    const locker = new FileLocker((message) => warnings.push(message), "no-such-program");
    const file = path.join(scratch, "lock-c");
    const lock = locker.tryLock(0, file);
    expect(fs.readFileSync(`${file}.lock`, "latin1")).toMatch(
      new RegExp(`^${process.pid}\n\\d*\n$`),
    );
    expect(locker.tryLock(0, file)).toBeUndefined();
    lock?.release();
    expect(fs.existsSync(`${file}.lock`)).toBe(false);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('"no-such-program"');
  });

  test("respects a living process, takes over from a dead one", async () => {
    const locker = new FileLocker(() => undefined, "no-such-program");
    const file = path.join(scratch, "lock-d");
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {
      stdio: "ignore",
    });
    fs.writeFileSync(`${file}.lock`, `${child.pid}\n`);
    expect(locker.tryLock(0, file)).toBeUndefined();
    child.kill("SIGKILL");
    await once(child, "exit");
    const lock = locker.tryLock(0, file);
    expect(lock).toBeDefined();
    lock?.release();
  });

  test("respects other threads of this process, takes over from an earlier life of its id", () => {
    const locker = new FileLocker(() => undefined, "no-such-program");
    const file = path.join(scratch, "lock-e");
    const held = locker.tryLock(0, file);
    // To this one, the other's file is like that of another thread: nothing in memory tells of it.
    fs.renameSync(`${file}.lock`, `${file}f.lock`);
    expect(locker.tryLock(0, `${file}f`)).toBeUndefined();
    fs.rmSync(`${file}f.lock`);
    for (const content of [`${process.pid}\n1\n`, `${process.pid}\n`]) {
      fs.writeFileSync(`${file}f.lock`, content);
      fs.utimesSync(`${file}f.lock`, new Date(0), new Date(0));
      const lock = locker.tryLock(0, `${file}f`);
      expect(lock).toBeDefined();
      lock?.release();
    }
    held?.release();
  });
});

describe.skipIf(!fs.existsSync("/dev/full"))("SystemDisk errors", () => {
  test("a full device fails writes, volatile and durable, with code and text", async () => {
    const file = newDisk().open("/dev/full", "readWrite");
    for (const durability of ["volatile", "durable"] as const) {
      const error = await new Promise<DiskError | undefined>((resolve) =>
        file.write([Uint8Array.of(1)], 0, durability, resolve),
      );
      expect(error?.code).toBe("ENOSPC");
      expect(error?.message).toBe('Cannot write "/dev/full": no space left on device');
    }
    file.close();
  });

  test("close() gives both descriptors back", () => {
    const before = fs.readdirSync("/proc/self/fd").length;
    const disk = newDisk();
    for (let n = 0; n < 20; n++) disk.open(path.join(scratch, `fd-${n}`), "create").close();
    expect(fs.readdirSync("/proc/self/fd").length).toBe(before);
  });
});
