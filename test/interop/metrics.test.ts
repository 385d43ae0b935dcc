/**
 * Metrics beside the real etcd's: the same names, types, texts, labels and buckets, and after the same requests
 * the same values where these do not depend on time.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SCRAPE_REUSE_MS_MAX } from "../../src/api/limits.ts";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import {
  createCompare,
  createPutRequest,
  createRangeRequest,
  createRequestOp,
  createSnapshotRequest,
  createWatchCreateRequest,
  createWatchRequest,
  decodeWatchResponse,
  encodeSnapshotRequest,
  encodeWatchRequest,
} from "../../src/wire/gen/rpc.ts";
import {
  ClusterService,
  KVService,
  LeaseService,
  MaintenanceService,
  WatchService,
} from "../../src/wire/gen/services.ts";
import { ScrapedPage, scrape } from "../harness/metrics-page.ts";
import { REFERENCE } from "../harness/reference.ts";
import { type RunningServer, ServerPair } from "../harness/server-pair.ts";
import { sleep } from "../harness/sleep.ts";

const key = bytesFromLatin1;

/** What the real one shows and ours does not, with the reason. */
const NOT_OURS: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^go_(?!gc_duration_seconds|threads|memstats_last_gc)/, "without a counterpart in Node.js"],
  [/^process_network_/, "of a newer client library than the one that etcd is released with"],
  [/^etcd_debugging_store_reads_total$/, "there is no v2 store that is read"],
];

/** What ours shows and the real one does not. */
const NOT_THEIRS: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^nodejs_/, "of the runtime"],
  [/^etcd_server_(?:range_duration_seconds|feature_enabled)$/, "from etcd 3.6"],
];

/** Values that follow from the requests alone. */
const EQUAL_VALUES = [
  "etcd_mvcc_put_total",
  "etcd_mvcc_range_total",
  "etcd_debugging_mvcc_range_total",
  "etcd_mvcc_delete_total",
  "etcd_mvcc_txn_total",
  "etcd_debugging_mvcc_total_put_size_in_bytes",
  "etcd_debugging_mvcc_keys_total",
  "etcd_debugging_mvcc_current_revision",
  "etcd_debugging_mvcc_compact_revision",
  "etcd_debugging_mvcc_db_compaction_keys_total",
  "etcd_debugging_mvcc_db_compaction_total_duration_milliseconds_count",
  "etcd_debugging_mvcc_events_total",
  "etcd_debugging_mvcc_watcher_total",
  "etcd_debugging_mvcc_watch_stream_total",
  "etcd_debugging_mvcc_slow_watcher_total",
  "etcd_debugging_mvcc_pending_events_total",
  "etcd_debugging_lease_granted_total",
  "etcd_debugging_lease_revoked_total",
  "etcd_debugging_lease_ttl_total_sum",
  "etcd_debugging_lease_ttl_total_count",
  "etcd_debugging_auth_revision",
  "etcd_mvcc_hash_duration_seconds_count",
  "etcd_mvcc_hash_rev_duration_seconds_count",
  "etcd_disk_backend_defrag_duration_seconds_count",
  "etcd_disk_backend_snapshot_duration_seconds_count",
  "etcd_disk_defrag_inflight",
  'etcd_server_apply_duration_seconds_count{op="Put",success="true",version="v3"}',
  'etcd_server_apply_duration_seconds_count{op="Put",success="false",version="v3"}',
  'etcd_server_apply_duration_seconds_count{op="Txn",success="true",version="v3"}',
  'etcd_server_apply_duration_seconds_count{op="DeleteRange",success="true",version="v3"}',
  'etcd_server_apply_duration_seconds_count{op="Compaction",success="true",version="v3"}',
  'etcd_server_apply_duration_seconds_count{op="LeaseGrant",success="true",version="v3"}',
  'etcd_server_apply_duration_seconds_count{op="PUT",success="true",version="v2"}',
  'etcd_server_client_requests_total{client_api_version="unknown",type="stream"}',
  'etcd_server_client_requests_total{client_api_version="unknown",type="unary"}',
  "etcd_server_has_leader",
  "etcd_server_is_leader",
  "etcd_server_is_learner",
  "etcd_server_leader_changes_seen_total",
  "etcd_server_proposals_pending",
  "etcd_server_proposals_failed_total",
  "etcd_server_quota_backend_bytes",
  "etcd_server_slow_apply_total",
  "etcd_cluster_version",
  "etcd_server_id",
  "etcd_network_client_grpc_received_bytes_total",
  "grpc_server_started_total",
  "grpc_server_handled_total",
  "grpc_server_msg_received_total",
  "grpc_server_msg_sent_total",
  "grpc_server_handling_seconds_count",
];

async function watchOnce({ caller }: RunningServer): Promise<() => void> {
  return new Promise((resolve) => {
    const watch = caller.open(WatchService.watch.path, {
      onMessage: (message) => {
        if (decodeWatchResponse(message).events.length > 0) resolve(() => watch.cancel());
      },
    });
    const value = createWatchCreateRequest({ key: key("a"), startRevision: 2 });
    watch.send(
      encodeWatchRequest(createWatchRequest({ requestUnion: { case: "createRequest", value } })),
    );
  });
}

async function act(pair: ServerPair): Promise<void> {
  const { put, range, deleteRange, txn, compact } = KVService;
  await pair.same(put, { key: key("a"), value: key("one") });
  await pair.same(put, { key: key("a"), value: key("two"), prevKv: true });
  await pair.same(put, { key: key("b"), value: key("x"), lease: 99n });
  await pair.same(put, { key: key("none"), ignoreValue: true });
  await pair.same(range, { key: key("a") });
  await pair.same(range, { key: key("a"), serializable: true });
  await pair.same(range, { key: key("a"), rangeEnd: key("z"), revision: 77 });
  const getOp = createRequestOp({
    request: { case: "requestRange", value: createRangeRequest({ key: key("a") }) },
  });
  const putOp = createRequestOp({
    request: { case: "requestPut", value: createPutRequest({ key: key("c"), prevKv: true }) },
  });
  await pair.same(txn, {
    compare: [createCompare({ key: key("a") }), createCompare({ key: key("b") })],
    success: [getOp, putOp],
    failure: [getOp, getOp, putOp],
  });
  await pair.same(txn, { success: [getOp, getOp] });
  await pair.same(deleteRange, { key: key("a"), rangeEnd: key("b"), prevKv: true });
  await pair.same(deleteRange, { key: key("nothing") });
  await pair.same(LeaseService.leaseGrant, { id: 5n, ttl: 3000 });
  await pair.same(put, { key: key("leased"), lease: 5n });
  await pair.same(LeaseService.leaseRevoke, { id: 5n });
  await pair.same(LeaseService.leaseRevoke, { id: 6n });
  for (const server of [pair.real, pair.ours]) (await watchOnce(server))();
  await pair.same(compact, { revision: 4, physical: true });
  await pair.same(ClusterService.memberList, { linearizable: true });
  await pair.same(MaintenanceService.defragment, {});
  for (const { caller } of [pair.real, pair.ours]) {
    await caller.call(MaintenanceService.hash.path, new Uint8Array(0));
    await caller.call(MaintenanceService.hashKV.path, new Uint8Array(0));
    await caller.stream(
      MaintenanceService.snapshot.path,
      encodeSnapshotRequest(createSnapshotRequest()),
    );
    await caller.call("/etcdserverpb.KV/Nothing", new Uint8Array(0));
  }
}

describe.skipIf(REFERENCE === undefined)("metrics", { timeout: 120_000 }, () => {
  let pair: ServerPair;
  let real: ScrapedPage;
  let ours: ScrapedPage;
  let unread: RangesBefore;

  beforeAll(async () => {
    pair = await ServerPair.start({ flags: ["--metrics=extensive"] });
    await sleep(SCRAPE_REUSE_MS_MAX);
    // How often a start was asked for its health, which is a read, is chance.
    unread = await rangesOf(pair);
    await act(pair);
    // The end of a call that was given up, and that of a watch, are seen a moment later.
    for (let tries = 0; tries < 50; tries++) {
      real = await scrape(pair.real.server.endpoint);
      ours = await scrape(pair.ours.server.endpoint);
      if (differingValues(real, ours, unread).length === 0) break;
      await sleep(200);
    }
  }, 120_000);

  afterAll(() => pair.remove());

  test("what etcd shows is there, with the same type, text, labels and buckets", () => {
    for (const [name, { type, help }] of real.families) {
      if (NOT_OURS.some(([pattern]) => pattern.test(name))) continue;
      const found = ours.families.get(name);
      expect(found?.type, name).toBe(type);
      if (!name.startsWith("go_")) expect(found?.help, name).toBe(help);
      expect(ours.shapeOf(name), name).toEqual(real.shapeOf(name));
    }
  });

  test("nothing is there that is not explained", () => {
    const unexplained = [...ours.families.keys()].filter(
      (name) => !real.families.has(name) && !NOT_THEIRS.some(([pattern]) => pattern.test(name)),
    );
    expect(unexplained).toEqual([]);
  });

  test("what is left out of ours is what is listed", () => {
    const missing = [...real.families.keys()].filter((name) => !ours.families.has(name));
    for (const [pattern, reason] of NOT_OURS) {
      expect(
        missing.some((name) => pattern.test(name)),
        reason,
      ).toBe(true);
    }
    expect(missing.filter((name) => !NOT_OURS.some(([pattern]) => pattern.test(name)))).toEqual([]);
  });

  test("values that follow from the requests are the same", () => {
    expect(differingValues(real, ours, unread)).toEqual([]);
  });

  test("each method has its series with every code from the start", () => {
    const seriesOf = (page: ScrapedPage): string[] =>
      [...(page.families.get("grpc_server_handled_total")?.samples.keys() ?? [])].sort();
    // The health service has a method more than in the time of that etcd.
    const isNew = /grpc_method="List",grpc_service="grpc.health.v1.Health"/;
    expect(seriesOf(ours).filter((series) => !isNew.test(series))).toEqual(seriesOf(real));
  });

  test("calls of each method ended with the same codes", () => {
    const { samples } = real.families.get("grpc_server_handled_total") ?? { samples: new Map() };
    const own = ours.families.get("grpc_server_handled_total")?.samples;
    expect([...samples].filter(([sample, value]) => own?.get(sample) !== value)).toEqual([]);
  });

  test("the page has etcd's headers, and is compressed for who asks", async () => {
    const url = `http://${pair.ours.server.endpoint}/metrics`;
    const plain = await fetch(url, { headers: { "Accept-Encoding": "identity" } });
    expect(plain.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(plain.headers.get("content-encoding")).toBeNull();
    const zipped = await fetch(url, {
      headers: {
        "Accept-Encoding": "gzip",
        Accept: "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
      },
    });
    expect(zipped.headers.get("content-encoding")).toBe("gzip");
    // As in etcd, whatever is asked for: in OpenMetrics some counters would have other names.
    expect(zipped.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(new ScrapedPage(await zipped.text()).families.size).toBe(ours.families.size);
  });
});

interface RangesBefore {
  readonly real: number;
  readonly ours: number;
}

async function rangesOf({ real, ours }: ServerPair): Promise<RangesBefore> {
  const before = async ({ server }: RunningServer): Promise<number> =>
    (await scrape(server.endpoint)).sum("etcd_mvcc_range_total");
  return { real: await before(real), ours: await before(ours) };
}

function differingValues(real: ScrapedPage, ours: ScrapedPage, before: RangesBefore): string[] {
  return EQUAL_VALUES.map((name) => {
    const isRange = name.endsWith("_range_total");
    const there = real.sum(name) - (isRange ? before.real : 0);
    const here = ours.sum(name) - (isRange ? before.ours : 0);
    return there === here ? "" : `${name}: ${there} there, ${here} here`;
  }).filter((difference) => difference !== "");
}
