/**
 * The lines that runbooks and alerts look for are there, with their level and their fields, where the real etcd has
 * them: a member is founded, written to until its quota is used up, compacted, defragmented, and stopped; then it
 * starts again.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { bytesFromUtf8 } from "../../src/stdx/bytes.ts";
import {
  AlarmAction,
  AlarmType,
  createAlarmRequest,
  createCompactionRequest,
  createDefragmentRequest,
  createDeleteRangeRequest,
  createPutRequest,
  createRangeRequest,
  decodeStatusResponse,
  encodeAlarmRequest,
  encodeCompactionRequest,
  encodeDefragmentRequest,
  encodeDeleteRangeRequest,
  encodePutRequest,
  encodeRangeRequest,
} from "../../src/wire/gen/rpc.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { openRawCaller } from "../harness/raw-calls.ts";
import { REFERENCE } from "../harness/reference.ts";

/** Level, message with ids as "ID" and numbers as "N", and the fields that must be there. */
const REQUIRED: readonly (readonly [string, string, ...string[]])[] = [
  ["info", "starting an etcd server", "etcd-version", "name", "data-dir", "quota-backend-bytes"],
  ["info", "starting local member", "local-member-id", "cluster-id"],
  ["info", "restarting local member", "cluster-id", "local-member-id", "commit-index"],
  ["info", "starting etcd server", "local-member-id", "local-server-version", "cluster-version"],
  ["info", "server has been already initialized", "data-dir", "dir-type"],
  ["info", "opened backend db", "path", "took"],
  ["info", "kvstore restored", "current-rev"],
  ["info", "enabled backend quota", "quota-name", "quota-size-bytes", "quota-size"],
  ["info", "ID is starting a new election at term N", "logger"],
  ["info", "ID became pre-candidate at term N", "logger"],
  ["info", "ID became candidate at term N", "logger"],
  ["info", "ID became leader at term N", "logger"],
  ["info", "raft.node: ID elected leader ID at term N", "logger"],
  ["info", "ID switched to configuration voters=(N)", "logger"],
  ["info", "added member", "cluster-id", "local-member-id", "added-peer-id"],
  [
    "info",
    "published local member to cluster through raft",
    "local-member-id",
    "local-member-attributes",
    "request-path",
    "cluster-id",
    "publish-timeout",
  ],
  ["info", "set initial cluster version", "cluster-id", "local-member-id", "cluster-version"],
  ["info", "enabled capabilities for version", "cluster-version"],
  ["info", "ready to serve client requests"],
  ["info", "serving client traffic insecurely; this is strongly discouraged!", "address"],
  ["info", "now serving peer/client/metrics", "local-member-id", "listen-client-urls"],
  ["info", "notifying init daemon"],
  ["info", "triggering snapshot", "local-member-id", "local-member-applied-index"],
  ["info", "saved snapshot", "snapshot-index"],
  [
    "warn",
    "apply request took too long",
    "took",
    "expected-duration",
    "prefix",
    "request",
    "response",
  ],
  ["warn", "failed to apply request", "took", "request", "response", "error"],
  ["info", "finished scheduled compaction", "compact-revision", "took", "hash"],
  ["warn", "alarm raised", "alarm", "from"],
  ["warn", "alarm disarmed", "alarm", "from"],
  ["info", "defragmenting", "path", "current-db-size-bytes", "current-db-size-in-use-bytes"],
  ["info", "finished defragmenting directory", "path", "current-db-size-bytes-diff", "took"],
  ["debug", "request stats", "start time", "time spent", "remote", "response type"],
  ["info", "received signal; shutting down", "signal"],
  ["info", "closing etcd server", "name", "data-dir"],
  ["info", "skipped leadership transfer for single voting member cluster", "local-member-id"],
  ["info", "closed etcd server", "name", "data-dir", "advertise-client-urls"],
];

const FLAGS = [
  "--snapshot-count=20",
  "--quota-backend-bytes=1000000",
  "--log-level=debug",
  "--experimental-warning-apply-duration=1ns",
];

/** Lives the life of the member; returns what it has logged, as "level message" to the names of fields. */
async function live(command: readonly string[]): Promise<Map<string, Set<string>>> {
  const first = await startEtcd({ command, flags: FLAGS });
  await work(first);
  await first.stop("SIGTERM");
  const second = await startEtcd({ command, flags: FLAGS, dataDir: first.dataDir });
  await second.stop("SIGTERM");
  const log = `${first.log()}\n${second.log()}`;
  await second.remove();
  return linesOf(log);
}

async function work({ endpoint }: EtcdProcess): Promise<void> {
  const caller = await openRawCaller(endpoint);
  const key = bytesFromUtf8("key");
  const put = (value: Uint8Array) =>
    caller.call("/etcdserverpb.KV/Put", encodePutRequest(createPutRequest({ key, value })));
  for (let i = 0; i < 30; i++) await put(key);
  const range = encodeRangeRequest(createRangeRequest({ key }));
  await caller.call("/etcdserverpb.KV/Range", range);
  const compact = (revision: number) =>
    caller.call(
      "/etcdserverpb.KV/Compact",
      encodeCompactionRequest(createCompactionRequest({ revision, physical: true })),
    );
  await compact(20);
  await compact(2000);
  const big = new Uint8Array(200_000);
  let puts = 0;
  while ((await put(big)).code === 0 && puts < 200) puts++;
  expect(puts).toBeLessThan(200);
  const everything = createDeleteRangeRequest({ key, rangeEnd: new Uint8Array(1) });
  await caller.call("/etcdserverpb.KV/DeleteRange", encodeDeleteRangeRequest(everything));
  await caller.call(
    "/etcdserverpb.Maintenance/Defragment",
    encodeDefragmentRequest(createDefragmentRequest()),
  );
  const disarm = createAlarmRequest({ action: AlarmAction.DEACTIVATE, alarm: AlarmType.NOSPACE });
  const { body } = await caller.call("/etcdserverpb.Maintenance/Status", new Uint8Array());
  const memberId = decodeStatusResponse(body ?? new Uint8Array()).header?.memberId ?? 0n;
  const request = encodeAlarmRequest({ ...disarm, memberId });
  await caller.call("/etcdserverpb.Maintenance/Alarm", request);
  caller.close();
}

function linesOf(log: string): Map<string, Set<string>> {
  const lines = new Map<string, Set<string>>();
  for (const line of log.split("\n")) {
    if (!line.startsWith("{")) continue;
    const { level, msg, ...fields } = JSON.parse(line) as Record<string, string>;
    const message = (msg ?? "").replace(/\b[0-9a-f]{12,16}\b/g, "ID").replace(/\d+/g, "N");
    const known = lines.get(`${level} ${message}`) ?? new Set<string>();
    for (const name of Object.keys(fields)) known.add(name);
    lines.set(`${level} ${message}`, known);
  }
  return lines;
}

function missingIn(lines: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return REQUIRED.flatMap(([level, message, ...fields]) => {
    const found = lines.get(`${level} ${message}`);
    if (found === undefined) return [`${level} ${message}`];
    return fields.filter((name) => !found.has(name)).map((name) => `${message}: ${name}`);
  });
}

describe("the lines that operators look for", { timeout: 120_000 }, () => {
  let ours = new Map<string, Set<string>>();

  beforeAll(async () => {
    ours = await live(OUR_ETCD);
  }, 120_000);

  test("are there", () => {
    expect(missingIn(ours)).toEqual([]);
  });

  test.skipIf(REFERENCE === undefined)("are those of the real etcd", async () => {
    const real = await live([`${REFERENCE}/etcd`]);
    expect(missingIn(real)).toEqual([]);
    const differing = REQUIRED.flatMap(([level, message]) => {
      const names = real.get(`${level} ${message}`) ?? new Set();
      const own = ours.get(`${level} ${message}`) ?? new Set();
      const lacking = [...names].filter((name) => !own.has(name) && name !== "stacktrace");
      return lacking.map((name) => `${message}: ${name}`);
    });
    expect(differing).toEqual([]);
  });
});
