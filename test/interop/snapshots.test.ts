/**
 * Backups in every combination of old and new: a server of either kind, after random operations and under
 * load, saved by either etcdctl, restored by either etcdutl, and then served by the one and the other in turn.
 */
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Prng } from "../../src/stdx/prng.ts";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import {
  createHashKVRequest,
  createPutRequest,
  createRangeRequest,
} from "../../src/wire/gen/rpc.ts";
import { KVService, LeaseService, MaintenanceService } from "../../src/wire/gen/services.ts";
import { describeAnswer } from "../harness/answer-difference.ts";
import { startEtcd } from "../harness/etcd-process.ts";
import { KvOperations } from "../harness/kv-operations.ts";
import { LeaseOperations } from "../harness/lease-operations.ts";
import { type Operation, StoreState } from "../harness/operation.ts";
import { OUR_ETCD, OUR_ETCDCTL, OUR_ETCDUTL } from "../harness/our-etcd.ts";
import { runProgram } from "../harness/processes.ts";
import { openRawCaller, type RawCaller } from "../harness/raw-calls.ts";
import { REFERENCE } from "../harness/reference.ts";
import { TwinServers } from "../harness/twin-servers.ts";

const OPERATIONS = 1_500;

/** Old revisions that are looked at, besides the newest. */
const LOOKS = 5;

const PEER = "http://127.0.0.1:2380";
const PROGRAMS = ["real", "ours"] as const;
type Program = (typeof PROGRAMS)[number];

const real = (name: string): readonly string[] => [path.join(REFERENCE ?? "", name)];
const SERVERS = { real: undefined, ours: OUR_ETCD };
const CTL = { real: real("etcdctl"), ours: OUR_ETCDCTL };
const UTL = { real: real("etcdutl"), ours: OUR_ETCDUTL };

const COMBINATIONS = PROGRAMS.flatMap((server) =>
  PROGRAMS.flatMap((saver) => PROGRAMS.map((restorer) => ({ server, saver, restorer }))),
);

describe.skipIf(REFERENCE === undefined)("snapshots", { timeout: 60_000 }, () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-snapshots-"));
  const state = new StoreState();
  let pair: TwinServers;

  beforeAll(async () => {
    pair = await TwinServers.start();
    const prng = new Prng(8);
    const [kv, lease] = [
      new KvOperations(prng.fork("kv"), state),
      new LeaseOperations(prng, state),
    ];
    for (let at = 0; at < OPERATIONS; at++) {
      const operation = lease.isUrgent || at % 10 === 0 ? lease.next() : kv.next();
      const [answer] = await pair.call(operation);
      state.learn(operation, answer);
    }
  }, 60_000);

  afterAll(async () => {
    await pair.remove();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  test.each(COMBINATIONS)(
    "of a $server server, saved by $saver etcdctl, restored by $restorer etcdutl",
    async ({ server, saver, restorer }) => {
      const side = PROGRAMS.indexOf(server);
      const name = path.join(folder, `${server}-${saver}-${restorer}`);
      const before = await contentOf(pair.callers[side], state);
      const load = putUntilStopped(pair.callers[side]);
      const endpoint = `--endpoints=${pair.servers[side].endpoint}`;
      await run(CTL[saver], [endpoint, "snapshot", "save", `${name}.db`]);
      await load.stop();
      await run(UTL[restorer], [
        ...["snapshot", "restore", `${name}.db`, `--data-dir=${name}`],
        ...[`--initial-cluster=default=${PEER}`, `--initial-advertise-peer-urls=${PEER}`],
      ]);
      for (const program of server === "real" ? [...PROGRAMS].reverse() : PROGRAMS) {
        expect(await serve(program, name)).toEqual(before);
      }
    },
  );

  async function serve(program: Program, dataDir: string): Promise<readonly string[]> {
    const command = SERVERS[program];
    const server = await startEtcd({ dataDir, ...(command === undefined ? {} : { command }) });
    const caller = await openRawCaller(server.endpoint);
    try {
      return await contentOf(caller, state);
    } finally {
      caller.close();
      await server.stop();
    }
  }
});

async function run([file, ...words]: readonly string[], args: readonly string[]): Promise<void> {
  const { code, stderr } = await runProgram(file, [...words, ...args], { timeoutMs: 30_000 });
  expect(code, stderr.toString()).toBe(0);
}

/** Keys at some revisions up to the newest of `state`, their hashes, and the leases. */
async function contentOf(caller: RawCaller, state: StoreState): Promise<readonly string[]> {
  const all = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) };
  // At exactly the compacted revision a server that has run tells what it was compacted before.
  const oldest = state.compactRevision + 1;
  const content: string[] = [];
  const ask = async (operation: Operation): Promise<void> => {
    const { method, request } = operation;
    const answer = await caller.call(method.path, method.request.encode(request));
    expect(answer.code, answer.text).toBe(0);
    content.push(describeAnswer(operation, answer).replace(/"header": \{[^}]*\}/, ""));
  };
  for (let look = 0; look <= LOOKS; look++) {
    const revision = oldest + Math.floor(((state.revision - oldest) * look) / LOOKS);
    await ask({ method: KVService.range, request: createRangeRequest({ ...all, revision }) });
    const request = createHashKVRequest({ revision });
    await ask({ method: MaintenanceService.hashKV, request });
  }
  const { path: method, response } = LeaseService.leaseLeases;
  const { body = new Uint8Array() } = await caller.call(method, new Uint8Array());
  // After a start they all have their whole time again, and so no order.
  const leases = response.decode(body).leases.map(({ id }) => `lease ${id}`);
  return [...content, ...leases.sort()];
}

/** Puts one value after the other, all above the revisions that are looked at. */
function putUntilStopped(caller: RawCaller): { stop(): Promise<void> } {
  let isStopped = false;
  const done = (async () => {
    for (let at = 0; !isStopped; at++) {
      const request = createPutRequest({ key: bytesFromLatin1(`load/${at % 10}`) });
      await caller.call(KVService.put.path, KVService.put.request.encode(request));
    }
  })();
  return {
    stop: async () => {
      isStopped = true;
      await done;
    },
  };
}
