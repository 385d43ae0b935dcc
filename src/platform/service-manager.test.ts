import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { canNotify, listenForNotifications } from "../../test/harness/notify-socket.ts";
import type { Log } from "../ports/log.ts";
import { ServiceManager } from "./service-manager.ts";

function recordingLog(lines: string[]): Log {
  const say = (level: string) => (message: string, fields?: object) => {
    lines.push(`${level} ${message} ${fields === undefined ? "" : JSON.stringify(fields)}`.trim());
  };
  return {
    enabled: () => true,
    debug: say("debug"),
    info: say("info"),
    warn: say("warn"),
    error: say("error"),
    fatal: say("fatal"),
  };
}

describe("ServiceManager", () => {
  test.skipIf(!canNotify())("tells its socket of start and end", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "notify-"));
    const socket = await listenForNotifications(folder);
    const lines: string[] = [];
    const manager = new ServiceManager(socket.path, recordingLog(lines));
    await manager.ready("serving clients");
    await manager.stopping("stopping");
    expect(socket.received().filter((line) => !line.startsWith("BARRIER"))).toEqual([
      `MAINPID=${process.pid} READY=1 STATUS=serving clients`,
      `MAINPID=${process.pid} STOPPING=1 STATUS=stopping`,
    ]);
    expect(lines).toEqual(["info notifying init daemon", "info successfully notified init daemon"]);
    socket.close();
    fs.rmSync(folder, { recursive: true });
  });

  test("says why nobody was told, and goes on", async () => {
    const lines: string[] = [];
    const manager = new ServiceManager("/nowhere/notify", recordingLog(lines));
    await manager.ready("serving clients");
    await manager.stopping("stopping");
    expect(lines[1]).toMatch(/^error failed to notify systemd for readiness \{"error":".+"\}$/);
    expect(lines[2]).toMatch(/^warn failed to notify systemd of the end \{"error":".+"\}$/);
  });

  test("says that it did where nobody asked, as etcd does", async () => {
    const lines: string[] = [];
    await new ServiceManager(undefined, recordingLog(lines)).ready("serving clients");
    expect(lines).toEqual(["info notifying init daemon", "info successfully notified init daemon"]);
  });
});
