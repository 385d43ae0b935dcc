/** Flags whose effect shows in a process only: what it waits for, what it listens on, what its clusters allow. */
import * as fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../../src/client/client.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { connectClient } from "../harness/socket-client.ts";

/** Of the flags of an open file in /proc: writes come back when they are on the device. */
const O_DSYNC = 0o10000;

/** How many files of the process are written so. */
function durableFiles({ process: { pid } }: EtcdProcess): number {
  const folder = `/proc/${pid}/fdinfo`;
  const flags = fs.readdirSync(folder).map((name) => {
    const found = /^flags:\s+(\d+)$/m.exec(fs.readFileSync(path.join(folder, name), "utf8"));
    return Number.parseInt(found?.[1] ?? "0", 8);
  });
  return flags.filter((bits) => (bits & O_DSYNC) !== 0).length;
}

describe("flags of a member that runs", { timeout: 120_000 }, () => {
  let plain: EtcdProcess;
  let flagged: EtcdProcess;
  let client: Client;
  let other: Client;

  beforeAll(async () => {
    const flags = [
      "--unsafe-no-fsync",
      "--max-learners=2",
      "--auto-compaction-mode=revision",
      "--auto-compaction-retention=1000",
      "--strict-reconfig-check=false",
    ];
    plain = await startEtcd({ command: OUR_ETCD });
    flagged = await startEtcd({ command: OUR_ETCD, flags });
    client = connectClient([flagged.endpoint]);
    other = connectClient([plain.endpoint]);
  }, 120_000);

  afterAll(async () => {
    client.close();
    other.close();
    await Promise.all([plain.remove(), flagged.remove()]);
  });

  test("--unsafe-no-fsync: nothing waits for the disk", () => {
    expect(durableFiles(plain)).toBeGreaterThan(1);
    expect(durableFiles(flagged)).toBe(0);
    expect(flagged.log()).toContain("--unsafe-no-fsync is set");
  });

  test("--max-learners: so many learners and no more", async () => {
    const add = (to: Client, port: number): Promise<unknown> =>
      to.cluster.memberAdd([`http://127.0.0.1:${port}`], true);
    await add(client, 1);
    await add(client, 2);
    await expect(add(client, 3)).rejects.toThrow("too many learner members in cluster");
    await add(other, 1);
    await expect(add(other, 2)).rejects.toThrow("too many learner members in cluster");
  });

  test("the log tells all settings", () => {
    const line = flagged
      .log()
      .split("\n")
      .find((text) => text.includes("starting an etcd server"));
    expect(JSON.parse(line ?? "{}")).toMatchObject({
      "auto-compaction-mode": "revision",
      "auto-compaction-retention": "1µs",
      "member-initialized": false,
      "quota-backend-bytes": 2_147_483_648,
    });
  });
});
