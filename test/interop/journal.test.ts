/**
 * A member whose log goes to journald, the real one: in a mount namespace of its own, where its sockets lie on a
 * /run of their own. Needs root and systemd; journald itself needs not be the machine's.
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { freePorts } from "../harness/processes.ts";

const JOURNALD = ["/usr/lib/systemd/systemd-journald", "/lib/systemd/systemd-journald"].find(
  (program) => fs.existsSync(program),
);

const SCRIPT = `
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal
"$JOURNALD" > /dev/null 2>&1 &
journald=$!
for attempt in $(seq 100); do [ -S /run/systemd/journal/stdout ] && break; sleep 0.05; done
"$@" &
etcd=$!
for attempt in $(seq 200); do
  journalctl --sync > /dev/null 2>&1
  journalctl -t etcd -o json > "$OUT" 2> /dev/null
  grep -q "ready to serve" "$OUT" && break
  sleep 0.1
done
kill $etcd
wait $etcd
for attempt in $(seq 100); do
  journalctl -t etcd -o json > "$OUT" 2> /dev/null
  grep -q "closed etcd server" "$OUT" && break
  sleep 0.1
done
kill $journald
`;

const canRun =
  JOURNALD !== undefined &&
  spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/run"]).status === 0 &&
  spawnSync("journalctl", ["--version"]).status === 0;

describe.skipIf(!canRun)("a log that goes to the journal", { timeout: 90_000 }, () => {
  let folder = "";
  let printed = "";
  let entries: Record<string, string>[] = [];

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "journal-"));
    const [client, peer] = await freePorts(2);
    const out = path.join(folder, "journal.json");
    const flags = [
      `--data-dir=${folder}/data`,
      `--listen-client-urls=http://127.0.0.1:${client}`,
      `--advertise-client-urls=http://127.0.0.1:${client}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      "--log-outputs=systemd/journal",
    ];
    const words = ["-m", "bash", "-c", SCRIPT, "bash", ...OUR_ETCD, ...flags];
    const { stderr } = spawnSync("unshare", words, {
      encoding: "utf8",
      timeout: 60_000,
      // Variables of the test run that begin as those of etcd do would be told of before the log is open.
      env: { PATH: process.env["PATH"], JOURNALD, OUT: out },
    });
    printed = stderr;
    const text = fs.readFileSync(out, "utf8").trimEnd();
    entries = text.split("\n").map((line) => JSON.parse(line) as Record<string, string>);
  }, 90_000);

  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

  test("has every line there, each with the priority of its level, and none elsewhere", () => {
    const levels = new Set(
      entries.map(({ PRIORITY, MESSAGE }) => {
        const { level } = JSON.parse(MESSAGE ?? "") as { readonly level: string };
        return `${level} ${PRIORITY}`;
      }),
    );
    expect([...levels].sort()).toEqual(["info 6", "warn 4"]);
    const messages = entries.map(({ MESSAGE }) => MESSAGE).join("\n");
    for (const message of ["Running: ", "ready to serve client requests", "closed etcd server"]) {
      expect(messages).toContain(message);
    }
    expect(printed).not.toContain('"level"');
  });
});
