import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Clock } from "../ports/clock.ts";
import { LOG_BACKLOG_BYTES_MAX, LOG_SAMPLE_FIRST, LOG_SAMPLE_THEREAFTER } from "./limits.ts";
import { DEFAULT_LOG, openLog } from "./log.ts";
import { encodeConsoleLine } from "./log-console.ts";
import type { LogRotation } from "./log-rotation.ts";
import { encodeLogLine, encodeTime } from "./log-line.ts";
import { LogOutput, LogOutputError } from "./log-output.ts";
import { LogSampler } from "./log-sampler.ts";

const utc = () => 0;
const START = { caller: "server/start.ts", logger: "" };
const NOBODY = { caller: "", logger: "" };

const ROTATION: LogRotation = {
  maxSizeMegabytes: 1,
  maxAgeDays: 0,
  maxBackups: 0,
  localTime: false,
  compress: false,
};

/** A clock that stands still. */
const clock: Clock = {
  nowMs: () => 0,
  wallMs: () => Date.UTC(2026, 0, 2, 15, 4, 5),
  after: () => ({ cancel: () => {} }),
  defer: () => {},
};

describe("encodeLogLine", () => {
  test("has etcd's keys in etcd's order", () => {
    const wallMs = Date.UTC(2026, 0, 2, 15, 4, 5, 123) + 0.456;
    const line = encodeLogLine("info", wallMs, utc, START, "starting", { name: "a" });
    expect(line).toBe(
      '{"level":"info","ts":"2026-01-02T15:04:05.123456Z","caller":"server/start.ts","msg":"starting","name":"a"}\n',
    );
  });

  test("writes every kind of field as JSON that reads back", () => {
    const fields = {
      text: 'quo"te\n\\',
      count: 7,
      nothing: null,
      flag: true,
      id: 10501334649042878790n,
      urls: ["http://a:1", "http://b:2"],
      sizes: [1, 2],
      odd: Number.NaN,
    };
    const line = encodeLogLine("warn", 0, utc, NOBODY, "fields", fields);
    expect(line).toContain('"id":10501334649042878790,');
    expect(JSON.parse(line)).toEqual({
      level: "warn",
      ts: "1970-01-01T00:00:00.000000Z",
      msg: "fields",
      ...fields,
      id: Number(fields.id),
      odd: "NaN",
    });
  });

  test("names the part of the program where it has a name", () => {
    const origin = { caller: "raft/raft.ts", logger: "raft" };
    expect(encodeLogLine("info", 0, utc, origin, "m", undefined)).toContain(
      '"logger":"raft","caller":"raft/raft.ts","msg":"m"',
    );
    expect(encodeConsoleLine("info", 0, utc, origin, "m", undefined)).toContain(
      "\tinfo\traft\traft/raft.ts\tm\n",
    );
  });

  test("writes zones other than UTC with sign and four digits", () => {
    expect(encodeTime(0, () => 330)).toBe("1970-01-01T05:30:00.000000+0530");
    expect(encodeTime(0, () => -480)).toBe("1969-12-31T16:00:00.000000-0800");
  });
});

describe("LogSampler", () => {
  test("lets the first lines pass, then each so-manieth, and starts again after a second", () => {
    const sampler = new LogSampler();
    const admitted = (nowMs: number, lines: number): number => {
      let count = 0;
      for (let i = 0; i < lines; i++) if (sampler.admits("info", "again", nowMs)) count++;
      return count;
    };
    expect(admitted(0, LOG_SAMPLE_FIRST)).toBe(LOG_SAMPLE_FIRST);
    expect(admitted(1, LOG_SAMPLE_THEREAFTER * 3)).toBe(3);
    expect(admitted(1000, LOG_SAMPLE_FIRST + 1)).toBe(LOG_SAMPLE_FIRST);
  });

  test("counts levels and messages apart and never holds back a fatal line", () => {
    const sampler = new LogSampler();
    for (let i = 0; i < 1000; i++) sampler.admits("info", "again", 0);
    expect(sampler.admits("warn", "again", 0)).toBe(true);
    expect(sampler.admits("info", "other", 0)).toBe(true);
    for (let i = 0; i < 1000; i++) expect(sampler.admits("fatal", "end", 0)).toBe(true);
  });
});

describe("LogOutput", () => {
  /** A pipe that takes `room` bytes and then nothing until there is room again. */
  class Pipe {
    room = Number.POSITIVE_INFINITY;
    text = "";
    readonly write = (bytes: Uint8Array): number => {
      const count = Math.min(this.room, bytes.length);
      if (count === 0) throw Object.assign(new Error("would block"), { code: "EAGAIN" });
      this.room -= count;
      this.text += Buffer.from(bytes.subarray(0, count)).toString();
      return count;
    };
  }

  test("keeps the order and every byte across a reader that blocks", () => {
    const pipe = new Pipe();
    pipe.room = 3;
    const output = new LogOutput(pipe.write);
    output.write("first\n");
    output.write("second\n");
    expect(pipe.text).toBe("fir");
    pipe.room = Number.POSITIVE_INFINITY;
    output.write("third\n");
    expect(pipe.text).toBe("first\nsecond\nthird\n");
  });

  test("retries on its own when no further line comes", async () => {
    const pipe = new Pipe();
    pipe.room = 0;
    const output = new LogOutput(pipe.write);
    output.write("alone\n");
    pipe.room = Number.POSITIVE_INFINITY;
    await expect.poll(() => pipe.text).toBe("alone\n");
  });

  test("bounds what waits and counts what it loses", () => {
    const pipe = new Pipe();
    pipe.room = 0;
    const output = new LogOutput(pipe.write);
    const line = `${"x".repeat(1023)}\n`;
    const fitting = LOG_BACKLOG_BYTES_MAX / line.length;
    for (let i = 0; i < fitting + 5; i++) output.write(line);
    expect(output.takeDropped()).toBe(0);
    pipe.room = Number.POSITIVE_INFINITY;
    output.flush();
    expect(pipe.text.length).toBe(LOG_BACKLOG_BYTES_MAX);
    expect(output.takeDropped()).toBe(5);
    expect(output.takeDropped()).toBe(0);
  });

  test("survives a file that can no longer be written", () => {
    const output = new LogOutput(() => {
      throw Object.assign(new Error("no space"), { code: "ENOSPC" });
    });
    output.write("lost\n");
    expect(output.takeDropped()).toBe(1);
  });
});

describe("a file that takes a line in part only", () => {
  test("goes on with a line of its own once there is room again", () => {
    let room = 4;
    let text = "";
    const output = new LogOutput((bytes) => {
      const count = Math.min(room, bytes.length);
      if (count === 0) throw Object.assign(new Error("no space"), { code: "ENOSPC" });
      room -= count;
      text += Buffer.from(bytes.subarray(0, count)).toString();
      return count;
    });
    output.write("first\n");
    expect(text).toBe("firs");
    output.write("nothing of it\n");
    room = 100;
    output.write("second\n");
    output.write("third\n");
    expect(text).toBe("firs\nsecond\nthird\n");
    expect(output.takeDropped()).toBe(2);
  });
});

describe("encodeConsoleLine", () => {
  test("has tabs between time, level, caller and message, and spaces in the fields", () => {
    const wallMs = Date.UTC(2026, 0, 2, 15, 4, 5);
    const fields = { name: "a", urls: ["x", "y"], count: 2, none: [] };
    expect(encodeConsoleLine("warn", wallMs, utc, START, "starting", fields)).toBe(
      '2026-01-02T15:04:05.000000Z\twarn\tserver/start.ts\tstarting\t{"name": "a", "urls": ["x", "y"], "count": 2, "none": []}\n',
    );
    expect(encodeConsoleLine("info", wallMs, utc, NOBODY, "bare", undefined)).toBe(
      "2026-01-02T15:04:05.000000Z\tinfo\tbare\n",
    );
  });
});

describe("openLog", () => {
  let folder = "";
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "log-"));
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  test("appends to files and writes only what is at or above the level", () => {
    const file = path.join(folder, "etcd.log");
    fs.writeFileSync(file, "old\n");
    const log = openLog({ ...DEFAULT_LOG, level: "warn", outputs: [file, file] }, clock, "a.ts");
    log.debug("no");
    log.info("no");
    log.warn("yes");
    log.named("b.ts").error("also", { code: 5 });
    const lines = fs.readFileSync(file, "utf8").trimEnd().split("\n");
    expect(lines[0]).toBe("old");
    expect(lines.slice(1).map((line) => JSON.parse(line))).toMatchObject([
      { level: "warn", caller: "a.ts", msg: "yes" },
      { level: "error", caller: "b.ts", msg: "also", code: 5 },
    ]);
  });

  test("enabled answers by level", () => {
    const log = openLog({ ...DEFAULT_LOG, level: "panic", outputs: ["/dev/null"] }, clock, "a.ts");
    expect(log.enabled("error")).toBe(false);
    expect(log.enabled("fatal")).toBe(true);
  });

  test("changes its level while it is used, for all its callers", () => {
    const file = path.join(folder, "etcd.log");
    const log = openLog({ ...DEFAULT_LOG, level: "warn", outputs: [file] }, clock, "a.ts");
    const other = log.named("b.ts");
    other.info("no");
    log.control.setLevel("debug");
    other.debug("yes");
    expect(log.control.level()).toBe("debug");
    log.control.setLevel("error");
    log.warn("no");
    expect(fs.readFileSync(file, "utf8")).toMatch(/^[^\n]*"msg":"yes"[^\n]*\n$/);
  });

  test("writes for people where asked to, also by way of a file URL", () => {
    const file = path.join(folder, "etcd.log");
    const outputs = [`file://${file}`];
    openLog({ ...DEFAULT_LOG, level: "info", outputs, format: "console" }, clock, "a.ts").info(
      "hello",
      { a: 1 },
    );
    expect(fs.readFileSync(file, "utf8")).toMatch(/\tinfo\ta\.ts\thello\t\{"a": 1\}\n$/);
  });

  test("sets a full file aside", () => {
    const file = path.join(folder, "new", "etcd.log");
    const settings = { ...DEFAULT_LOG, outputs: [file], rotation: ROTATION };
    const log = openLog(settings, clock, "a.ts");
    const half = "x".repeat(600 * 1024);
    log.info(half);
    log.info(half);
    log.info("third");
    const [first, second, ...others] = fs.readdirSync(path.dirname(file)).sort();
    expect(others).toEqual([]);
    expect([first, second]).toEqual(["etcd-2026-01-02T15-04-05.000.log", "etcd.log"]);
    expect(fs.readFileSync(file, "utf8").trimEnd().split("\n")).toHaveLength(2);
  });

  test("names every output that cannot be opened", () => {
    const open = () =>
      openLog({ ...DEFAULT_LOG, level: "info", outputs: ["/no/b", "foo://x"] }, clock, "a.ts");
    expect(open).toThrow(
      'open sink "/no/b": open /no/b: no such file or directory; open sink "foo://x": no sink found for scheme "foo"',
    );
  });

  test("refuses a file that cannot be opened, with path and reason", () => {
    const file = path.join(folder, "missing", "etcd.log");
    const open = () => openLog({ ...DEFAULT_LOG, level: "info", outputs: [file] }, clock, "a.ts");
    expect(open).toThrow(LogOutputError);
    expect(open).toThrow(`open sink "${file}": open ${file}: no such file or directory`);
  });
});
