/**
 * One data directory served in turn by the real etcd and by ours: whatever one has acknowledged the other
 * shows, with every revision, version and lease, after clean ends and after SIGKILL.
 */
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import { Prng } from "../../src/stdx/prng.ts";
import type { MethodInfo } from "../../src/wire/codec.ts";
import {
  AlarmAction,
  AlarmType,
  createCompactionRequest,
  createPutRequest,
  createRequestOp,
  createTxnRequest,
  type PutRequest,
  type RequestOp,
} from "../../src/wire/gen/rpc.ts";
import { KVService, MaintenanceService } from "../../src/wire/gen/services.ts";
import { type BucketDump, dumpBuckets } from "../harness/bucket-dump.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { KvOperations } from "../harness/kv-operations.ts";
import { StoreState } from "../harness/operation.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { openRawCaller, type RawAnswer, type RawCaller } from "../harness/raw-calls.ts";
import { REFERENCE, runReference } from "../harness/reference.ts";
import { readAgain, readContent, type StoreContent } from "../harness/store-content.ts";

type Program = "real" | "ours";

const TURNS: readonly Program[] = ["real", "ours", "real", "ours"];

/** Random requests of one turn. */
const OPERATIONS_PER_TURN = 300;

/** What members advertise, whatever port they listen on. */
const ADVERTISED = "--advertise-client-urls=http://127.0.0.1:2379";

/** One data directory, and who serves it in turn. */
class Life {
  readonly dataDir: string;
  readonly #flags: readonly string[];

  constructor(dataDir: string, flags: readonly string[] = []) {
    this.dataDir = dataDir;
    this.#flags = [ADVERTISED, ...flags];
  }

  /** Starts a program on the directory and ends it when `use` is through. */
  async turn<T>(
    program: Program,
    use: (server: EtcdProcess, caller: RawCaller) => Promise<T>,
    { signal = "SIGTERM", alarms = [] }: { signal?: NodeJS.Signals; alarms?: string[] } = {},
  ): Promise<T> {
    const { dataDir } = this;
    const command = program === "ours" ? { command: OUR_ETCD } : {};
    const server = await startEtcd({ ...command, dataDir, alarms, flags: this.#flags });
    const caller = await openRawCaller(server.endpoint);
    try {
      return await use(server, caller);
    } finally {
      await server.stop(signal);
      caller.close();
    }
  }

  files(folder: "snap" | "wal", suffix: string): string[] {
    const names = fs.readdirSync(path.join(this.dataDir, "member", folder));
    return names.filter((name) => name.endsWith(suffix)).sort();
  }
}

interface DatabaseStatus {
  readonly hash: number;
  readonly revision: number;
  readonly totalKey: number;
}

/** What etcdutl says of the database; it checks the consistency of the file first. */
async function statusOf({ dataDir }: Life): Promise<DatabaseStatus> {
  const file = path.join(dataDir, "member", "snap", "db");
  const { code, stdout, stderr } = await runReference("etcdutl", [
    ...["snapshot", "status", file],
    ...["-w", "json"],
  ]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as DatabaseStatus;
}

async function operate(caller: RawCaller, state: StoreState, seed: number, compacts: boolean) {
  const operations = new KvOperations(new Prng(seed), state);
  for (let at = 0; at < OPERATIONS_PER_TURN; at++) {
    const { method, request } = operations.next();
    if (method === KVService.range || method === KVService.compact) continue;
    const answer = await caller.call(method.path, method.request.encode(request));
    state.learn({ method, request }, answer);
    if (compacts && at === OPERATIONS_PER_TURN / 2) {
      await compact(caller, state.revision - 5);
    }
  }
}

/** Calls a method with a request, or with a part of one. */
function call(
  caller: RawCaller,
  method: MethodInfo<object, object>,
  request: object,
): Promise<RawAnswer> {
  return caller.call(method.path, method.request.encode(method.request.create(request)));
}

async function put(
  caller: RawCaller,
  { key, ...others }: Omit<Partial<PutRequest>, "key"> & { readonly key: string },
): Promise<void> {
  const request = createPutRequest({ ...others, key: bytesFromLatin1(key) });
  expect(await call(caller, KVService.put, request)).toMatchObject({ code: 0 });
}

function putOperation(key: string): RequestOp {
  const value = createPutRequest({ key: bytesFromLatin1(key), value: bytesFromLatin1(key) });
  return createRequestOp({ request: { case: "requestPut", value } });
}

async function compact(caller: RawCaller, revision: number, physical = true): Promise<void> {
  const request = createCompactionRequest({ revision, physical });
  expect(await call(caller, KVService.compact, request)).toMatchObject({ code: 0 });
}

/**
 * Every item of every bucket, as hex; without what members publish of themselves, which 3.5.16 forgets to
 * put into its bucket (later releases do).
 */
function dumpOf({ dataDir }: Life): BucketDump {
  const { members: _, ...dump } = dumpBuckets(path.join(dataDir, "member", "snap", "db"));
  return dump;
}

async function untilLogged(server: EtcdProcess, text: string): Promise<void> {
  for (let waits = 0; !server.log().includes(text); waits++) {
    if (waits > 1000) throw new Error(`"${text}" was not logged:\n${server.log()}`);
    await pause(10);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

describe.skipIf(REFERENCE === undefined).concurrent("a data directory in turns", () => {
  let folder = "";

  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-data-dir-"));
  });

  afterAll(() => {
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const newLife = (name: string, flags: readonly string[] = []): Life =>
    new Life(path.join(folder, name), flags);

  test.each([
    { first: "real", signal: "SIGTERM", compacts: false, flags: [] },
    { first: "ours", signal: "SIGKILL", compacts: true, flags: [] },
    { first: "real", signal: "SIGKILL", compacts: true, flags: ["--snapshot-count=100"] },
    { first: "ours", signal: "SIGTERM", compacts: false, flags: ["--snapshot-count=100"] },
  ] as const)(
    "first $first, ends by $signal, compaction $compacts, $flags",
    async ({ first, signal, compacts, flags }) => {
      const life = newLife(`${first}-${signal}`, flags);
      const state = new StoreState([99n]);
      let before: StoreContent | undefined;
      let snapshots: string[] = [];
      for (const [at, program] of (first === "real" ? TURNS : TURNS.slice(1)).entries()) {
        await life.turn(
          program,
          async (server, caller) => {
            if (before !== undefined) expect(await readAgain(server, before)).toEqual(before);
            await operate(caller, state, at, compacts && at === 1);
            before = await readContent(server);
            expect(before.revision).toBe(state.revision);
          },
          { signal },
        );
        const status = await statusOf(life);
        if (signal === "SIGTERM") expect(status.revision).toBe(state.revision);
        const now = life.files("snap", ".snap");
        if (flags.length > 0) expect(now.at(-1)).not.toBe(snapshots.at(-1));
        snapshots = now;
      }
    },
    60_000,
  );

  test("the same requests leave the same buckets", async () => {
    const dumps: ReturnType<typeof dumpOf>[] = [];
    const counts: number[] = [];
    for (const program of ["real", "ours"] as const) {
      const life = newLife(`twin-${program}`);
      const state = new StoreState([99n]);
      await life.turn(program, async (_, caller) => {
        await operate(caller, state, 1, false);
        await compact(caller, state.revision - 30);
      });
      dumps.push(dumpOf(life));
      const { revision, totalKey } = await statusOf(life);
      expect(revision).toBe(state.revision);
      counts.push(totalKey);
    }
    expect(dumps[1]).toEqual(dumps[0]);
    expect(counts[1]).toBe(counts[0]);
  }, 60_000);

  test("requests under way at a SIGKILL: what was acknowledged is there", async () => {
    const life = newLife("cut");
    const acknowledged = new Set<string>();
    for (const [turn, program] of TURNS.entries()) {
      await life.turn(
        program,
        async (server, caller) => {
          const { keys } = await readContent(server, []);
          const found = new Set(keys.map((line) => line.slice(0, line.indexOf(":"))));
          expect([...acknowledged].filter((key) => !found.has(key))).toEqual([]);
          for (let at = 0; at < 2000; at++) {
            const key = `turn${turn}-${at}`;
            const request = createPutRequest({
              key: bytesFromLatin1(key),
              value: new Uint8Array(100),
            });
            void call(caller, KVService.put, request).then(({ code }) => {
              if (code === 0) acknowledged.add(key);
            });
          }
          while (acknowledged.size < (turn + 1) * 500) await pause(1);
        },
        { signal: "SIGKILL" },
      );
      await statusOf(life);
    }
  }, 60_000);

  test("a log of several segments", async () => {
    const life = newLife("segments");
    const value = new Uint8Array(1_400_000).fill(7);
    let before: StoreContent | undefined;
    for (const [turn, program] of (["ours", "real", "ours"] as const).entries()) {
      await life.turn(
        program,
        async (server, caller) => {
          if (before !== undefined) expect(await readAgain(server, before)).toEqual(before);
          if (turn === 2) return;
          for (let at = 0; at < 50; at++) {
            value[at] = turn + 1;
            const key = bytesFromLatin1(`key${at % 3}`);
            expect(await call(caller, KVService.put, { key, value })).toMatchObject({ code: 0 });
          }
          before = await readContent(server);
        },
        { signal: "SIGKILL" },
      );
    }
    expect(life.files("wal", ".wal").length).toBeGreaterThan(2);
  }, 60_000);

  test("leases and their keys", async () => {
    const life = newLife("leases");
    const post = async (server: EtcdProcess, method: string, body: object): Promise<unknown> => {
      const url = `http://${server.endpoint}/v3/${method}`;
      const answer = await fetch(url, { method: "POST", body: JSON.stringify(body) });
      expect(answer.status).toBe(200);
      return answer.json();
    };
    await life.turn("real", async (server, caller) => {
      for (const ID of [7, 8]) await post(server, "lease/grant", { ID, TTL: 1000 });
      for (const [key, lease] of [
        ["a", 7n],
        ["b", 7n],
        ["c", 8n],
        ["d", 8n],
      ] as const) {
        await put(caller, { key, lease });
      }
    });
    const content = await life.turn(
      "ours",
      async (server, caller) => {
        await put(caller, { key: "e", lease: 8n });
        await put(caller, { key: "a", lease: 0n });
        await put(caller, { key: "b", ignoreLease: true });
        await put(caller, { key: "d", lease: 7n });
        await call(caller, KVService.deleteRange, { key: bytesFromLatin1("c") });
        return readContent(server);
      },
      { signal: "SIGKILL" },
    );
    await life.turn("ours", async (server) => {
      expect(await readAgain(server, content)).toEqual(content);
    });
    await life.turn("real", async (server) => {
      expect(await readAgain(server, content)).toEqual(content);
      const keysOf = async (ID: number): Promise<string[]> => {
        const answer = await post(server, "lease/timetolive", { ID, keys: true });
        const {
          keys = [],
          TTL,
          grantedTTL,
        } = answer as { keys?: string[]; TTL: string; grantedTTL: string };
        expect(Number(grantedTTL)).toBe(1000);
        expect(Number(TTL)).toBeGreaterThan(900);
        return keys.map((key) => Buffer.from(key, "base64").toString()).sort();
      };
      expect(await keysOf(7)).toEqual(["b", "d"]);
      expect(await keysOf(8)).toEqual(["e"]);
      await post(server, "lease/revoke", { ID: 7 });
    });
    await life.turn("ours", async (server) => {
      const { keys } = await readContent(server, []);
      expect(keys.map((line) => line[0])).toEqual(["a", "e"]);
    });
  }, 60_000);

  test("alarms", async () => {
    const life = newLife("alarms");
    const alarm = async (server: EtcdProcess, action: AlarmAction): Promise<void> => {
      const caller = await openRawCaller(server.endpoint);
      const { path, request } = MaintenanceService.alarm;
      const body = request.encode(
        request.create({ action, alarm: AlarmType.NOSPACE, memberId: 5n }),
      );
      expect(await caller.call(path, body)).toMatchObject({ code: 0 });
      caller.close();
    };
    const refused = async (caller: RawCaller): Promise<void> => {
      const answer = await call(caller, KVService.put, { key: Uint8Array.of(1) });
      expect(answer.text).toBe("etcdserver: mvcc: database space exceeded");
    };
    for (const [raises, disarms] of [
      ["real", "ours"],
      ["ours", "real"],
    ] as const) {
      const before = await life.turn(raises, async (server, caller) => {
        await put(caller, { key: raises });
        await alarm(server, AlarmAction.ACTIVATE);
        await refused(caller);
        return readContent(server);
      });
      expect(before.alarms).toEqual(["1 of 5"]);
      const alarms = ["NOSPACE"];
      const signal = "SIGKILL";
      await life.turn(
        disarms,
        async (server, caller) => {
          expect(await readAgain(server, before)).toEqual(before);
          await refused(caller);
          await alarm(server, AlarmAction.DEACTIVATE);
          await put(caller, { key: disarms });
        },
        { alarms, signal },
      );
    }
    await life.turn("ours", async (server) => {
      expect((await readContent(server, [])).alarms).toEqual([]);
    });
  }, 60_000);

  test("100,000 keys", async () => {
    const life = newLife("large");
    const before = await life.turn("real", async (server, caller) => {
      for (let from = 0; from < 120_000; from += 120) {
        const success = Array.from({ length: 120 }, (_, i) => putOperation(`key${from + i}`));
        expect(await call(caller, KVService.txn, createTxnRequest({ success }))).toMatchObject({
          code: 0,
        });
      }
      // All keys whose number begins with 3, 37, ...: 11,111 of each.
      for (const digit of [3, 7]) {
        const range = {
          key: bytesFromLatin1(`key${digit}`),
          rangeEnd: bytesFromLatin1(`key${digit + 1}`),
        };
        expect(await call(caller, KVService.deleteRange, range)).toMatchObject({ code: 0 });
      }
      return readContent(server, [100]);
    });
    const liveKeys = 120_000 - 2 * 11_111;
    expect(before.keys).toHaveLength(liveKeys);
    // Each compaction is cut short, and goes on when the other program starts.
    await life.turn(
      "ours",
      async (server, caller) => {
        expect(await readAgain(server, before)).toEqual(before);
        await compact(caller, before.revision - 300, false);
      },
      { signal: "SIGKILL" },
    );
    await life.turn(
      "real",
      async (server, caller) => {
        await untilLogged(server, "finished scheduled compaction");
        await compact(caller, before.revision, false);
      },
      { signal: "SIGKILL" },
    );
    await life.turn("ours", async (server) => {
      await untilLogged(server, "finished scheduled compaction");
      expect((await readContent(server, [])).keys).toEqual(before.keys);
    });
    // What was deleted at the very revision of the compaction keeps its tombstones.
    expect(Object.keys(dumpOf(life)["key"])).toHaveLength(liveKeys + 11_111);
    await statusOf(life);
  }, 60_000);
});
