/**
 * Snapshots in all directions: of a real server or of ours, saved by either etcdctl while writes go on,
 * restored by the other program's etcdutl and served by both: what was there at the revision of the snapshot
 * is there again, with its history.
 */
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import { Prng } from "../../src/stdx/prng.ts";
import { KVService } from "../../src/wire/gen/services.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { runOurEtcdctl } from "../harness/etcdctl-inprocess.ts";
import { runOurEtcdutl } from "../harness/etcdutl-inprocess.ts";
import { KvOperations } from "../harness/kv-operations.ts";
import { StoreState } from "../harness/operation.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { openRawCaller, type RawCaller } from "../harness/raw-calls.ts";
import { REFERENCE, runReference } from "../harness/reference.ts";
import { readAgain, readContent } from "../harness/store-content.ts";

type Program = "real" | "ours";

const PROGRAMS: readonly Program[] = ["real", "ours"];

/** The cluster that `startEtcd` starts. */
const AS_STARTED = [
  "--initial-cluster=default=http://127.0.0.1:2380",
  "--initial-advertise-peer-urls=http://127.0.0.1:2380",
];

const OPERATIONS = 400;

async function run(program: Program, tool: "etcdctl" | "etcdutl", words: string[]): Promise<void> {
  const ours = tool === "etcdctl" ? runOurEtcdctl : runOurEtcdutl;
  const { code, stderr } = await (program === "real" ? runReference(tool, words) : ours(words));
  expect(code, stderr.toString()).toBe(0);
}

function start(program: Program, dataDir: string): Promise<EtcdProcess> {
  return startEtcd({ dataDir, ...(program === "ours" ? { command: OUR_ETCD } : {}) });
}

/** Random requests, with one compaction. */
async function operate(caller: RawCaller, seed: number): Promise<number> {
  const state = new StoreState();
  const operations = new KvOperations(new Prng(seed), state);
  for (let at = 0; at < OPERATIONS; at++) {
    const { method, request } = operations.next();
    if (method === KVService.range || method === KVService.compact) continue;
    const answer = await caller.call(method.path, method.request.encode(request));
    state.learn({ method, request }, answer);
  }
  const { path: method, request } = KVService.compact;
  const revision = Math.floor(state.revision / 2);
  await caller.call(method, request.encode(request.create({ revision, physical: true })));
  return revision;
}

/** Puts until `stop` is called, many at a time. */
function keepPutting(caller: RawCaller): { stop(): Promise<void> } {
  const { path: method, request } = KVService.put;
  let isOver = false;
  const workers = Array.from({ length: 20 }, async (_, worker) => {
    for (let at = 0; !isOver; at++) {
      const key = bytesFromLatin1(`busy${worker}-${at % 50}`);
      const value = new Uint8Array(500).fill(at);
      await caller.call(method, request.encode(request.create({ key, value })));
    }
  });
  return {
    async stop() {
      isOver = true;
      await Promise.all(workers);
    },
  };
}

describe.skipIf(REFERENCE === undefined).each(PROGRAMS)("a snapshot of %s", (server) => {
  let folder = "";
  let origin: EtcdProcess;
  let compacted = 0;

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-snapshots-"));
    origin = await start(server, path.join(folder, "origin"));
    const caller = await openRawCaller(origin.endpoint);
    compacted = await operate(caller, 5);
    caller.close();
  }, 60_000);

  afterAll(async () => {
    await origin.stop("SIGKILL");
    fs.rmSync(folder, { recursive: true, force: true });
  });

  test.each(PROGRAMS)(
    "saved by %s etcdctl, restored by the other etcdutl",
    async (ctl) => {
      const file = path.join(folder, `saved-by-${ctl}`);
      const caller = await openRawCaller(origin.endpoint);
      const puts = keepPutting(caller);
      await new Promise((resolve) => {
        setTimeout(resolve, 200);
      });
      const acknowledged = (await readContent(origin, [])).revision;
      await run(ctl, "etcdctl", [`--endpoints=${origin.endpoint}`, "snapshot", "save", file]);
      await puts.stop();
      caller.close();
      const dataDir = path.join(folder, `restored-of-${ctl}`);
      const restore = ["snapshot", "restore", file, "--data-dir", dataDir, ...AS_STARTED];
      await run(ctl === "real" ? "ours" : "real", "etcdutl", restore);
      for (const program of PROGRAMS) {
        const restored = await start(program, dataDir);
        const content = await readContent(restored, [compacted - 1, compacted, compacted + 20]);
        await restored.stop();
        expect(content.revision).toBeGreaterThanOrEqual(acknowledged);
        // The server has gone on; at that revision it held the same.
        const { history } = await readContent(origin, [content.revision]);
        expect(content.keys).toEqual(history[0].keys);
        expect(content.history).toEqual((await readAgain(origin, content)).history);
        expect(content.history[0].keys[0]).toContain("required revision has been compacted");
      }
    },
    60_000,
  );
});
