import * as fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LOG_BACKLOG_BYTES_MAX } from "./limits.ts";
import { type JournalOutput, openJournal } from "./log-journal.ts";
import { LogOutput } from "./log-output.ts";

describe("JournalOutput", () => {
  let folder = "";
  let journal: net.Server | undefined;
  let received = "";
  let elsewhere = "";
  let output: JournalOutput | undefined;

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "journal-"));
    received = "";
    elsewhere = "";
  });
  afterEach(() => {
    output?.close();
    journal?.close();
    fs.rmSync(folder, { recursive: true });
  });

  /** Stands in for journald: the socket that takes lines. */
  function listen(onConnection: (socket: net.Socket) => void): Promise<void> {
    fs.writeFileSync(path.join(folder, "socket"), "");
    // As journald does, it says nothing, and says so.
    journal = net.createServer({ allowHalfOpen: true }, (socket) => {
      socket.end();
      onConnection(socket);
    });
    return new Promise((resolve) => journal?.listen(path.join(folder, "stdout"), resolve));
  }

  function open(): JournalOutput {
    const fallback = new LogOutput((bytes) => {
      elsewhere += Buffer.from(bytes).toString();
      return bytes.length;
    });
    const sockets = { datagrams: path.join(folder, "socket"), lines: path.join(folder, "stdout") };
    output = openJournal(sockets, "etcd", fallback);
    return output;
  }

  const collect = (socket: net.Socket): void => {
    socket.on("data", (chunk) => {
      received += chunk.toString();
    });
  };

  test("says who speaks, and gives each line its priority", async () => {
    await listen(collect);
    const opened = open();
    opened.write('{"level":"info"}\n', "info");
    opened.write('{"level":"warn"}\n', "warn");
    await expect.poll(() => received).toContain("warn");
    opened.write("later\n", "error");
    opened.write("last\n", "fatal");
    opened.write("much\n", "debug");
    await expect.poll(() => received).toContain("much");
    expect(received).toBe(
      'etcd\n\n6\n1\n0\n0\n0\n<6>{"level":"info"}\n<4>{"level":"warn"}\n<3>later\n<2>last\n<7>much\n',
    );
    expect(elsewhere).toBe("");
  });

  test("cannot be opened where there is no journald, as in etcd", () => {
    expect(open).toThrow(
      `can't find journal (dial unixgram ${folder}/socket: connect: no such file or directory)`,
    );
  });

  test("says what waits for the connection elsewhere when the process ends", async () => {
    await listen(collect);
    const opened = open();
    opened.write("last words\n", "fatal");
    opened.flush();
    expect(elsewhere).toBe("last words\n");
  });

  test("speaks elsewhere while the journal is away, and finds it again", async () => {
    let connection: net.Socket | undefined;
    await listen((socket) => {
      connection = socket;
      collect(socket);
    });
    const opened = open();
    opened.write("first\n", "info");
    await expect.poll(() => received).toContain("first");
    connection?.destroy();
    await expect
      .poll(() => {
        opened.write("away\n", "info");
        return elsewhere;
      })
      .toContain("away");
    received = "";
    await expect.poll(() => received, { timeout: 10_000 }).toContain("etcd\n\n6");
    opened.write("back\n", "info");
    await expect.poll(() => received).toContain("<6>back\n");
  });

  test("bounds what waits for a journal that does not read", async () => {
    let connection: net.Socket | undefined;
    await listen((socket) => {
      connection = socket;
      socket.pause();
    });
    const opened = open();
    const line = `${"x".repeat(1023)}\n`;
    await expect.poll(() => connection).toBeDefined();
    // More than the system buffers and we keep together.
    for (let i = 0; i < (8 * LOG_BACKLOG_BYTES_MAX) / line.length; i++) opened.write(line, "info");
    expect(opened.takeDropped()).toBe(0);
    connection?.resume();
    await expect.poll(() => opened.takeDropped()).toBeGreaterThan(0);
  });
});
