/** Compiled code that is kept between runs of a program: used when it can be trusted, and never missed. */
import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ProgramCopy } from "../harness/program-copy.ts";

const TRUE_OUTPUT = "etcdutl version: 3.5.16\nAPI version: 3.5\n";
const REAL = "etcdutl version: ";
const FORGED = "ETCDUTL VERSION: ";
const FORGED_OUTPUT = TRUE_OUTPUT.replace(REAL, FORGED);

const SOMEBODY_ELSE = 12_345;
const isRoot = process.geteuid?.() === 0;

let copy: ProgramCopy;

beforeEach(() => {
  copy = new ProgramCopy("etcdutl");
});

afterEach(() => copy.remove());

/** What `version` says; it must end well and without a word of complaint. */
async function version(
  environment: Readonly<Record<string, string>> = {},
  nodeFlags: readonly string[] = [],
): Promise<string> {
  const { code, stdout, stderr } = await copy.run(["version"], environment, nodeFlags);
  expect([code, stderr.toString()]).toEqual([0, ""]);
  return stdout.toString();
}

/** Has the first run keep its code, and puts code into its place that shows itself. */
async function forged(folder = copy.besideProgram): Promise<string> {
  expect(await version()).toBe(TRUE_OUTPUT);
  const file = copy.forge(folder, ["version"], REAL, FORGED);
  expect(await version()).toBe(FORGED_OUTPUT);
  return file;
}

describe("code of earlier runs", () => {
  test("is kept beside the program by its owner, and used", async () => {
    const file = await forged();
    expect(path.basename(file)).toMatch(/^etcdutl-[\d.]+-v[\d.]+-\w+$/);
    expect(fs.statSync(file).mode & 0o022).toBe(0);
    expect(fs.existsSync(copy.caches)).toBe(false);
  });

  test("is written once for a kind of run", async () => {
    await version();
    const [name] = fs.readdirSync(copy.besideProgram);
    const file = path.join(copy.besideProgram, name);
    const first = fs.statSync(file);
    await version();
    expect(fs.statSync(file).ino).toBe(first.ino);
    await copy.run(["snapshot", "status", "/nonexistent"]);
    expect(fs.statSync(file).ino).not.toBe(first.ino);
    expect(fs.readFileSync(file, "latin1").slice(0, 4096).split("\n").slice(1, 3)).toEqual([
      "etcdutl version",
      "etcdutl snapshot status",
    ]);
  });

  test("is written whole when many begin at once", async () => {
    const outputs = await Promise.all(Array.from({ length: 6 }, () => version()));
    expect(new Set(outputs)).toEqual(new Set([TRUE_OUTPUT]));
    expect(fs.readdirSync(copy.besideProgram)).toHaveLength(1);
    await forged();
  });
});

describe("code that is damaged changes nothing", () => {
  const DATA_START = 4096;
  const damages: readonly (readonly [string, (file: Buffer) => Buffer])[] = [
    ["a flipped bit in the first copy", (file) => flipped(file, DATA_START + 5000)],
    ["a flipped bit in the second copy", (file) => flipped(file, file.length - 5000)],
    ["zeros in the first copy", (file) => file.fill(0, DATA_START + 1000, DATA_START + 9000)],
    ["a cut end", (file) => file.subarray(0, file.length - 4096)],
    ["a header alone", (file) => file.subarray(0, DATA_START)],
    ["nothing in it", () => Buffer.alloc(0)],
    ["something else", () => Buffer.from("#!/bin/sh\necho hello\n".repeat(1000))],
    ["another program", (file) => replaced(file, /^[0-9a-f]{8}/, "00000000")],
    ["another version of Node", (file) => replaced(file, /v\d+\.\d+\./, "v99.9.")],
  ];

  test.each(damages)("%s", async (_, damage) => {
    const file = await forged();
    fs.writeFileSync(file, damage(fs.readFileSync(file)));
    expect(await version()).toBe(TRUE_OUTPUT);
    // The next run finds good code again.
    copy.forge(copy.besideProgram, ["version"], REAL, FORGED);
    expect(await version()).toBe(FORGED_OUTPUT);
  });

  test("code for other flags of V8 is refused, and left to those who run with them", async () => {
    const file = await forged();
    copy.forge(copy.besideProgram, ["version"], REAL, FORGED, ["--no-lazy"]);
    const before = fs.statSync(file).ino;
    expect(await version()).toBe(TRUE_OUTPUT);
    expect(fs.statSync(file).ino).toBe(before);
  });

  test("a program that was changed is compiled anew", async () => {
    await forged();
    const text = fs.readFileSync(copy.program, "latin1").replace(REAL, "etcdutl-version: ");
    fs.writeFileSync(copy.program, text, "latin1");
    expect(await version()).toBe(TRUE_OUTPUT.replace(REAL, "etcdutl-version: "));
  });

  function flipped(file: Buffer, at: number): Buffer {
    file[at] ^= 0x10;
    return file;
  }

  function replaced(file: Buffer, pattern: RegExp, by: string): Buffer {
    return Buffer.from(file.toString("latin1").replace(pattern, by), "latin1");
  }
});

describe("code that others can have written is not run", () => {
  const temptations: readonly (readonly [string, (file: string) => void])[] = [
    ["a file that a group may write", (file) => fs.chmodSync(file, 0o664)],
    ["a file that all may write", (file) => fs.chmodSync(file, 0o666)],
    ["a folder that all may write", (file) => fs.chmodSync(path.dirname(file), 0o1777)],
    [
      "a link to a good file",
      (file) => {
        fs.renameSync(file, `${copy.root}/elsewhere`);
        fs.symlinkSync(`${copy.root}/elsewhere`, file);
      },
    ],
    [
      "a link to a good folder",
      (file) => {
        fs.renameSync(path.dirname(file), `${copy.root}/elsewhere`);
        fs.symlinkSync(`${copy.root}/elsewhere`, path.dirname(file));
      },
    ],
  ];

  test.each(temptations)("%s", async (_, tempt) => {
    const file = await forged();
    tempt(file);
    expect(await version()).toBe(TRUE_OUTPUT);
  });

  test.skipIf(!isRoot)("a file of somebody else", async () => {
    fs.chownSync(await forged(), SOMEBODY_ELSE, SOMEBODY_ELSE);
    expect(await version()).toBe(TRUE_OUTPUT);
  });

  test.skipIf(!isRoot)("a folder of somebody else", async () => {
    const file = await forged();
    fs.chownSync(path.dirname(file), SOMEBODY_ELSE, SOMEBODY_ELSE);
    expect(await version()).toBe(TRUE_OUTPUT);
  });
});

describe.skipIf(!isRoot)("the program of somebody else", () => {
  beforeEach(() => fs.chownSync(copy.program, SOMEBODY_ELSE, SOMEBODY_ELSE));

  test("has its code in the user's folder, which nobody else can look into", async () => {
    await forged(copy.ofUser);
    expect(fs.existsSync(copy.besideProgram)).toBe(false);
    expect(fs.statSync(copy.ofUser).mode & 0o777).toBe(0o700);
  });

  test("in a folder of the home where no other is named", async () => {
    expect(await version({ XDG_CACHE_HOME: "relative", HOME: copy.root })).toBe(TRUE_OUTPUT);
    expect(fs.readdirSync(`${copy.root}/.cache/etcd-ts`)).toHaveLength(1);
  });

  test("not in the home of another user", async () => {
    const home = path.join(copy.root, "home");
    fs.mkdirSync(home);
    fs.chownSync(home, SOMEBODY_ELSE, SOMEBODY_ELSE);
    expect(await version({ XDG_CACHE_HOME: "", HOME: home })).toBe(TRUE_OUTPUT);
    expect(fs.readdirSync(home)).toEqual([]);
  });

  test("not from a folder that others can look into", async () => {
    await forged(copy.ofUser);
    fs.chmodSync(copy.ofUser, 0o755);
    expect(await version()).toBe(TRUE_OUTPUT);
  });

  test("not from a folder of somebody else", async () => {
    await forged(copy.ofUser);
    fs.chownSync(copy.ofUser, SOMEBODY_ELSE, SOMEBODY_ELSE);
    expect(await version()).toBe(TRUE_OUTPUT);
  });
});

describe("no code is kept", () => {
  test("where nothing can be written", async () => {
    fs.writeFileSync(copy.besideProgram, "a file where the folder should be");
    expect(await version({ XDG_CACHE_HOME: "/dev/null" })).toBe(TRUE_OUTPUT);
    expect(await version({ XDG_CACHE_HOME: "", HOME: "" })).toBe(TRUE_OUTPUT);
    expect(fs.readdirSync(copy.bin).sort()).toEqual(["code", "etcdutl.cjs", "etcdutl.program.cjs"]);
  });

  test("where Node is told to keep none, or has flags", async () => {
    expect(await version({ NODE_DISABLE_COMPILE_CACHE: "1" })).toBe(TRUE_OUTPUT);
    expect(await version({ NODE_OPTIONS: "--max-old-space-size=512" })).toBe(TRUE_OUTPUT);
    expect(await version({}, ["--no-lazy"])).toBe(TRUE_OUTPUT);
    expect(fs.existsSync(copy.besideProgram)).toBe(false);
  });
});
