/**
 * Hashes, backups and defragmentation against the real etcd: equal hashes on equal data, a backup that either
 * program makes restores with etcdutl and is served by the other, and a database that we have rewritten is
 * served by the real one.
 */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { concatBytes } from "../../src/stdx/bytes.ts";
import { Prng } from "../../src/stdx/prng.ts";
import {
  createHashKVRequest,
  createPutRequest,
  decodeHashKVResponse,
  decodeHashResponse,
  decodeSnapshotResponse,
  encodeHashKVRequest,
} from "../../src/wire/gen/rpc.ts";
import { KVService, MaintenanceService } from "../../src/wire/gen/services.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { KvOperations } from "../harness/kv-operations.ts";
import { type Operation, StoreState } from "../harness/operation.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { openRawCaller, type RawAnswer, type RawCaller } from "../harness/raw-calls.ts";
import { REFERENCE, runReference } from "../harness/reference.ts";
import { sleep } from "../harness/sleep.ts";
import { readContent } from "../harness/store-content.ts";

type Program = "real" | "ours";

const OPERATIONS = 600;

/** What members advertise, whatever port they listen on: it is in the database. */
const FLAGS = ["--advertise-client-urls=http://127.0.0.1:2379"];

/** After this long everything is in the file. */
const COMMITTED_MS = 500;

/** What a line of the log may have beside what is compared. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  ...["ts", "caller"],
  ...["temporary-path", "needed-bytes-max", "free-bytes"],
]);

interface Running {
  readonly server: EtcdProcess;
  readonly caller: RawCaller;
}

async function start(program: Program, dataDir?: string): Promise<Running> {
  const command = program === "ours" ? { command: OUR_ETCD } : {};
  const place = dataDir === undefined ? {} : { dataDir };
  const server = await startEtcd({ ...command, ...place, flags: FLAGS });
  return { server, caller: await openRawCaller(server.endpoint) };
}

describe.skipIf(REFERENCE === undefined)("maintenance", () => {
  const both = new Map<Program, Running>();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-backups-"));
  // A lease that nobody has: puts with it are refused.
  const state = new StoreState([77n]);

  const at = (program: Program): Running => {
    const running = both.get(program);
    if (running === undefined) throw new Error(`${program} is not running`);
    return running;
  };

  /** The answer of both, which must be the same call for call but for the term. */
  async function hashKv(revision: number): Promise<[RawAnswer, RawAnswer]> {
    const body = encodeHashKVRequest(createHashKVRequest({ revision }));
    const { path: method } = MaintenanceService.hashKV;
    return [await at("real").caller.call(method, body), await at("ours").caller.call(method, body)];
  }

  async function callBoth({ method, request }: Operation): Promise<void> {
    const body = method.request.encode(request);
    const answer = await at("real").caller.call(method.path, body);
    const own = await at("ours").caller.call(method.path, body);
    expect(own.code).toBe(answer.code);
    state.learn({ method, request }, answer);
  }

  beforeAll(async () => {
    for (const program of ["real", "ours"] as const) both.set(program, await start(program));
    const operations = new KvOperations(new Prng(15), state);
    for (let count = 0; count < OPERATIONS; count++) {
      const operation = operations.next();
      if (operation.method !== KVService.range) await callBoth(operation);
    }
    const large = createPutRequest({ key: Uint8Array.of(1), value: new Uint8Array(100_000) });
    await callBoth({ method: KVService.put, request: large });
  }, 60_000);

  afterAll(async () => {
    for (const { server, caller } of both.values()) {
      caller.close();
      await server.remove();
    }
    fs.rmSync(folder, { recursive: true, force: true });
  });

  test("HashKV answers as the real one does, at every revision", async () => {
    for (let revision = 0; revision <= state.revision + 2; revision++) {
      const [real, ours] = await hashKv(revision);
      expect({ code: ours.code, text: ours.text }, `revision ${revision}`).toEqual({
        code: real.code,
        text: real.text,
      });
      if (real.body === undefined || ours.body === undefined) continue;
      const [expected, got] = [decodeHashKVResponse(real.body), decodeHashKVResponse(ours.body)];
      expect(got, `revision ${revision}`).toEqual({
        ...expected,
        header: { ...expected.header, raftTerm: got.header?.raftTerm },
      });
    }
  });

  test("Hash of the whole database is what the real one says of the same database", async () => {
    // Not of one of its own: releases before 3.5.20 do not record there what members say of themselves.
    await sleep(COMMITTED_MS);
    const dataDir = path.join(folder, "copy");
    fs.cpSync(at("ours").server.dataDir, dataDir, { recursive: true });
    const copy = await start("real", dataDir);
    const { path: method } = MaintenanceService.hash;
    const real = await copy.caller.call(method, new Uint8Array());
    const ours = await at("ours").caller.call(method, new Uint8Array());
    copy.caller.close();
    await copy.server.stop();
    const expected = decodeHashResponse(real.body ?? new Uint8Array());
    const got = decodeHashResponse(ours.body ?? new Uint8Array());
    expect(got.hash).toBe(expected.hash);
    expect(got.header?.revision).toBe(expected.header?.revision);
    expect(got.header?.memberId).toBe(expected.header?.memberId);
  });

  test.each(["real", "ours"] as const)(
    "a snapshot of the %s one comes in chunks that count down, and ends with its SHA-256",
    async (program) => {
      const { path: method } = MaintenanceService.snapshot;
      const { code, messages } = await at(program).caller.stream(method, new Uint8Array());
      expect(code).toBe(0);
      const chunks = messages.map((bytes) => decodeSnapshotResponse(bytes));
      const digest = chunks.pop();
      const database = concatBytes(chunks.map(({ blob }) => blob));
      expect(digest?.remainingBytes).toBe(0);
      expect(Buffer.from(digest?.blob ?? []).toString("hex")).toBe(
        createHash("sha256").update(database).digest("hex"),
      );
      let left = database.length;
      expect(left).toBeGreaterThan(2 * 32_768);
      for (const { header, blob, remainingBytes } of chunks) {
        expect(blob.length).toBe(Math.min(left, 32_768));
        left -= blob.length;
        expect(remainingBytes).toBe(left);
        expect(header).toBeUndefined();
      }
    },
  );

  test.each([
    ["ours", "real"],
    ["real", "ours"],
  ] as const)(
    "a backup of %s restores with etcdutl and is served by %s",
    async (from, to) => {
      const { server } = at(from);
      const file = path.join(folder, `${from}.db`);
      const saved = await runReference("etcdctl", [
        `--endpoints=${server.endpoint}`,
        ...["snapshot", "save", file],
      ]);
      expect(saved.code, saved.stderr).toBe(0);
      const dataDir = path.join(folder, `${from}-restored`);
      const restored = await runReference("etcdutl", [
        ...["snapshot", "restore", file, `--data-dir=${dataDir}`],
        ...["--initial-cluster=default=http://127.0.0.1:2380"],
        ...["--initial-advertise-peer-urls=http://127.0.0.1:2380"],
      ]);
      expect(restored.code, restored.stderr).toBe(0);
      const content = await readContent(server);
      const served = await start(to, dataDir);
      try {
        const found = await readContent(served.server);
        expect(found.keys).toEqual(content.keys);
        expect(found.history).toEqual(content.history);
        expect(found.revision).toBe(content.revision);
      } finally {
        served.caller.close();
        await served.server.stop();
      }
    },
    30_000,
  );

  test("Defragment answers as the real one does, and changes nothing that is seen", async () => {
    const { path: method } = MaintenanceService.defragment;
    for (const program of ["real", "ours"] as const) {
      const { server, caller } = at(program);
      const before = await readContent(server);
      const size = fs.statSync(path.join(server.dataDir, "member", "snap", "db")).size;
      expect(await caller.call(method, new Uint8Array())).toEqual({
        code: 0,
        text: "",
        body: new Uint8Array(),
      });
      expect(await readContent(server)).toEqual(before);
      const names = fs.readdirSync(path.join(server.dataDir, "member", "snap"));
      expect(names).toEqual(["db"]);
      expect(
        fs.statSync(path.join(server.dataDir, "member", "snap", "db")).size,
      ).toBeLessThanOrEqual(size);
    }
    const [real, ours] = await hashKv(0);
    const hashOf = ({ body }: RawAnswer): number =>
      decodeHashKVResponse(body ?? new Uint8Array()).hash;
    expect(hashOf(ours)).toBe(hashOf(real));
  });

  test("a database that we have defragmented is served by the real one", async () => {
    const { server, caller } = at("ours");
    const { defragment } = MaintenanceService;
    const content = await readContent(server);
    expect((await caller.call(defragment.path, new Uint8Array())).code).toBe(0);
    await server.stop("SIGKILL");
    const served = await start("real", server.dataDir);
    try {
      expect(await readContent(served.server)).toEqual(content);
    } finally {
      served.caller.close();
      await served.server.stop();
    }
    const file = path.join(server.dataDir, "member", "snap", "db");
    const { code, stderr } = await runReference("etcdutl", ["snapshot", "status", file]);
    expect(code, stderr).toBe(0);
  }, 30_000);

  test("the log says what the real one's does about snapshots and defragmentation", () => {
    const lines = (program: Program, topic: RegExp): string[] => {
      const found = at(program)
        .server.log()
        .split("\n")
        .filter((line) => topic.test(line));
      return found.slice(0, 4).map((line) => {
        const { level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
        const names = Object.keys(fields).filter((name) => !OWN_FIELDS.has(name));
        return `${String(level)} ${String(msg)} ${names.join(" ")}`;
      });
    };
    for (const topic of [/database s/, /defragment/]) {
      expect(lines("ours", topic)).toHaveLength(4);
      expect(lines("ours", topic)).toEqual(lines("real", topic));
    }
  });
});
