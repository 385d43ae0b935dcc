/**
 * A data directory with authentication changes hands: what the real etcd has left, in the database or as yet in
 * the log alone, starts on ours; both make the same of it; and what ours has left starts on the real one.
 */
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Prng } from "../../src/stdx/prng.ts";
import { MaintenanceService } from "../../src/wire/gen/services.ts";
import { AuthOperations, setUpOperations, type UserOperation } from "../harness/auth-operations.ts";
import { type BucketDump, dumpBuckets } from "../harness/bucket-dump.ts";
import { type EtcdProcess, type EtcdProcessOptions, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { openRawCaller } from "../harness/raw-calls.ts";
import { REFERENCE } from "../harness/reference.ts";
import { UserSessions } from "../harness/user-sessions.ts";

const SEED = Number(process.env["AUTH_SEED"] ?? 1);
const OPERATIONS = 150;

/** Nothing is committed to the database before the end. */
const LATE = "--backend-batch-interval=1h";

describe.skipIf(REFERENCE === undefined)("a data directory with authentication", () => {
  let folder = "";
  const started: EtcdProcess[] = [];

  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-auth-"));
  });

  afterAll(async () => {
    await Promise.all(started.map((server) => server.stop("SIGKILL")));
    fs.rmSync(folder, { recursive: true, force: true });
  });

  async function start(options: EtcdProcessOptions): Promise<EtcdProcess> {
    const server = await startEtcd(options);
    started.push(server);
    return server;
  }

  /** A data directory that the real etcd has left, with `flags`. */
  async function made(name: string, flags: readonly string[]): Promise<string> {
    const dataDir = path.join(folder, name);
    const server = await start({ dataDir, flags });
    const caller = await openRawCaller(server.endpoint);
    const sessions = new UserSessions(caller);
    const operations = new AuthOperations(new Prng(SEED), true);
    for (const operation of setUpOperations()) await sessions.call(operation);
    for (let made = 0; made < OPERATIONS; made++) await sessions.call(operations.next());
    caller.close();
    await server.stop("SIGKILL");
    return dataDir;
  }

  /** Starts a program on a copy, ends it, and tells what it has left there. */
  async function leftBy(dataDir: string, command?: readonly string[]): Promise<BucketDump> {
    const copy = `${dataDir}-${command === undefined ? "real" : "ours"}`;
    fs.cpSync(dataDir, copy, { recursive: true });
    const server = await start(
      command === undefined ? { dataDir: copy } : { dataDir: copy, command },
    );
    await server.stop();
    const dump = dumpBuckets(path.join(copy, "member", "snap", "db"));
    // How far the log goes depends on how often a leader was elected.
    delete dump["meta"];
    // What a member says of itself stands there since etcd 3.5.20 only.
    delete dump["members"];
    return dump;
  }

  test.each([
    ["in the log alone", [LATE]],
    ["in the database, and the rest in the log", ["--snapshot-count=60"]],
  ])(
    "changes hands with users and roles %s",
    async (what, flags) => {
      const dataDir = await made(what.replaceAll(/\W/g, "-"), flags);
      const real = await leftBy(dataDir);
      const ours = await leftBy(dataDir, OUR_ETCD);
      expect(Object.keys(real["authUsers"] ?? {}).length).toBeGreaterThan(1);
      expect(ours).toEqual(real);
      const back = await start({ dataDir: `${dataDir}-ours` });
      const caller = await openRawCaller(back.endpoint);
      const request = MaintenanceService.hash.request.create();
      const asked: UserOperation = { user: "root", method: MaintenanceService.hash, request };
      const { code, text } = await new UserSessions(caller).call(asked);
      expect([code, text]).toEqual([0, ""]);
      expect(back.log()).not.toContain('"level":"error"');
      caller.close();
      await back.stop();
    },
    60_000,
  );
});
