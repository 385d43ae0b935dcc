/**
 * The same random requests to the real etcd and to ours, started on copies of one data directory: the same
 * answers, byte by byte, and the same errors; and at the end the same history.
 *
 * Reads between two writes are sent together; everything else waits for the answer before.
 */
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import { Prng } from "../../src/stdx/prng.ts";
import {
  createPutRequest,
  createRangeRequest,
  type CompactionRequest,
} from "../../src/wire/gen/rpc.ts";
import { KVService } from "../../src/wire/gen/services.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import {
  describeAnswer,
  describeMessage,
  isSameAnswer,
  revisionOf,
} from "../harness/kv-difference.ts";
import { type KvOperation, KvOperations, type KvState } from "../harness/kv-operations.ts";
import { MALFORMED, nestedTxn } from "../harness/malformed-requests.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { openRawCaller, type RawAnswer, type RawCaller } from "../harness/raw-calls.ts";
import { REFERENCE } from "../harness/reference.ts";

const SEED = Number(process.env["KV_SEED"] ?? 1);
const OPERATIONS = Number(process.env["KV_OPERATIONS"] ?? 20_000);

/** Reads that are sent together. */
const READS_MAX = 16;

/** Revisions between two looks at the whole keyspace. */
const HISTORY_STEP = 50;

const LEASES = [1001n, 2n ** 62n + 5n, 77n];
const LEASE_TTL_SECONDS = 100_000;

/** Share of the operations after which nothing is compacted any more, so that much history is there to compare. */
const COMPACTING_SHARE = 0.6;

type Pair<T> = readonly [real: T, ours: T];

describe.skipIf(REFERENCE === undefined)("random KV requests", () => {
  let folder = "";
  const servers: EtcdProcess[] = [];
  let callers: Pair<RawCaller> | undefined;

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-random-kv-"));
    const origin = await grantLeases(path.join(folder, "origin"));
    const copies = ["real", "ours"].map((name) => path.join(folder, name));
    for (const copy of copies) fs.cpSync(origin, copy, { recursive: true });
    servers.push(await startEtcd({ dataDir: copies[0] }));
    servers.push(await startEtcd({ dataDir: copies[1], command: OUR_ETCD }));
    callers = await Promise.all([
      openRawCaller(servers[0].endpoint),
      openRawCaller(servers[1].endpoint),
    ]);
  });

  afterAll(async () => {
    for (const caller of callers ?? []) caller.close();
    await Promise.all(servers.map((server) => server.remove()));
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const bothRaw = (path: string, body: Uint8Array): Promise<Pair<RawAnswer>> => {
    if (callers === undefined) throw new Error("No servers");
    return Promise.all([callers[0].call(path, body), callers[1].call(path, body)]);
  };

  const both = ({ method, request }: KvOperation): Promise<Pair<RawAnswer>> => {
    return bothRaw(method.path, method.request.encode(request));
  };

  test("bytes that are no proper request have the same answers", async () => {
    const differences: string[] = [];
    for (const method of Object.values(KVService)) {
      for (const [name, body] of MALFORMED) {
        const operation = { method, request: createRangeRequest() };
        const [real, ours] = await bothRaw(method.path, body);
        if (isSameAnswer(operation, real, ours)) continue;
        const said = [real, ours].map((answer) => describeAnswer(operation, answer));
        differences.push(`${method.method}, ${name}: real ${said[0]}, ours ${said[1]}`);
      }
    }
    expect(differences.join("\n")).toBe("");
  });

  test("transactions are in each other as deep as operations are allowed", async () => {
    for (const depth of [2, 50, 127, 128, 129, 130, 140]) {
      const operation = { method: KVService.txn, request: {} };
      const body = nestedTxn(depth, bytesFromLatin1("nested"));
      const [real, ours] = await bothRaw(operation.method.path, body);
      const said = `depth ${depth}: real "${real.text}", ours "${ours.text}"`;
      expect(isSameAnswer(operation, real, ours), said).toBe(true);
    }
  });

  test("a request is too large from the same byte on", async () => {
    const key = bytesFromLatin1("large");
    let [accepted, refused] = [1_572_000, 1_573_000];
    while (refused - accepted > 1) {
      const middle = Math.floor((accepted + refused) / 2);
      const request = createPutRequest({ key, value: new Uint8Array(middle) });
      const [real, ours] = await both({ method: KVService.put, request });
      expect([ours.code, ours.text], `${middle} bytes`).toEqual([real.code, real.text]);
      if (real.code === 0) accepted = middle;
      else refused = middle;
    }
    expect(accepted).toBeGreaterThan(1_572_000);
    await both({ method: KVService.put, request: createPutRequest({ key }) });
  });

  test(`${OPERATIONS} operations from seed ${SEED} have the same answers`, async () => {
    const state: KvState = { revision: 1, compactRevision: -1, leases: LEASES };
    const operations = new KvOperations(new Prng(SEED), state);
    const said = new Map<string, number>();
    const check = (at: number, operation: KvOperation, [real, ours]: Pair<RawAnswer>): void => {
      if (!isSameAnswer(operation, real, ours)) {
        expect.fail(describeDifference(at, operation, real, ours));
      }
      said.set(real.text, (said.get(real.text) ?? 0) + 1);
      state.revision = Math.max(state.revision, revisionOf(real) ?? 0);
      if (operation.method === KVService.compact && real.code === 0) {
        state.compactRevision = (operation.request as CompactionRequest).revision;
      }
    };
    let reads: KvOperation[] = [];
    for (let at = 0; at < OPERATIONS; at++) {
      const operation = operations.next();
      if (operation.method === KVService.compact && at > OPERATIONS * COMPACTING_SHARE) continue;
      const isRead = operation.method === KVService.range;
      if (isRead) reads.push(operation);
      if (isRead && reads.length < READS_MAX && at + 1 < OPERATIONS) continue;
      const first = at - reads.length + (isRead ? 1 : 0);
      const answers = await Promise.all(reads.map(both));
      for (const [i, read] of reads.entries()) check(first + i, read, answers[i]);
      reads = [];
      if (!isRead) check(at, operation, await both(operation));
    }
    // Every mistake that the operations are meant to make was made.
    if (OPERATIONS >= 20_000) expect(said.size).toBeGreaterThan(10);

    const all = { key: bytesFromLatin1("\0"), rangeEnd: bytesFromLatin1("\0") };
    for (
      let revision = Math.max(1, state.compactRevision);
      revision <= state.revision;
      revision += HISTORY_STEP
    ) {
      const request = createRangeRequest({ ...all, revision });
      check(
        OPERATIONS,
        { method: KVService.range, request },
        await both({ method: KVService.range, request }),
      );
    }
  }, 120_000);
});

/** Makes a data directory with leases, which nobody else can grant alike. */
async function grantLeases(dataDir: string): Promise<string> {
  const server = await startEtcd({ dataDir });
  for (const lease of LEASES) {
    const body = `{"ID":"${lease}","TTL":"${LEASE_TTL_SECONDS}"}`;
    const answer = await fetch(`http://${server.endpoint}/v3/lease/grant`, {
      method: "POST",
      body,
    });
    expect(answer.status).toBe(200);
  }
  await server.stop();
  return dataDir;
}

function describeDifference(
  at: number,
  operation: KvOperation,
  real: RawAnswer,
  ours: RawAnswer,
): string {
  return [
    `seed ${SEED}, operation ${at}: ${operation.method.method} ${describeMessage(operation.request)}`,
    `real: ${describeAnswer(operation, real)}`,
    `ours: ${describeAnswer(operation, ours)}`,
  ].join("\n");
}
