/**
 * Each metric moves when something happens that it counts: a cluster of three members is put through everything,
 * and after each step the metrics that it should have moved are looked at, on the members where it should have.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesFromUtf8 } from "../../src/stdx/bytes.ts";
import {
  createPutRequest,
  createRangeRequest,
  createRequestOp,
  encodePutRequest,
  encodeRangeRequest,
} from "../../src/wire/gen/rpc.ts";
import { KVService, MaintenanceService, WatchService } from "../../src/wire/gen/services.ts";
import { allMetrics } from "../harness/all-metrics.ts";
import type { ClusterMember } from "../harness/cluster-member.ts";
import { EtcdCluster } from "../harness/etcd-cluster.ts";
import { type ScrapedPage, scrape } from "../harness/metrics-page.ts";
import { openRawCaller } from "../harness/raw-calls.ts";
import { sleep } from "../harness/sleep.ts";

const TIMEOUT_MS = 120_000;

/** Snapshots after few entries, so that who joins needs one; every apply counts as slow. */
const FLAGS = [
  "--snapshot-count=15",
  "--experimental-snapshot-catchup-entries=2",
  "--strict-reconfig-check=false",
  "--experimental-warning-apply-duration=1ns",
  "--heartbeat-interval=50",
  "--election-timeout=500",
];

const key = bytesFromUtf8;

/** Where a metric should move. */
type Where = "all" | "leader" | "follower" | "joined";

/** What a metric should do: grow, be a value, or be there and not 0. */
type Move = readonly [sample: string, where: Where, value?: number | "some"];

interface Step {
  readonly action: string;
  readonly run: (world: World) => Promise<void>;
  readonly moves: readonly Move[];
}

class World {
  readonly cluster: EtcdCluster;
  leader: ClusterMember;
  joined: ClusterMember | undefined;

  constructor(cluster: EtcdCluster, leader: ClusterMember) {
    this.cluster = cluster;
    this.leader = leader;
  }

  get client() {
    return this.cluster.clientOf(this.leader);
  }

  get follower(): ClusterMember {
    const found = this.cluster.running.find(
      (member) => member !== this.leader && member !== this.joined,
    );
    if (found === undefined) throw new Error("There is no follower");
    return found;
  }

  membersAt(where: Where): readonly ClusterMember[] {
    if (where === "all") return this.cluster.running;
    if (where === "leader") return [this.leader];
    if (where === "follower") return [this.follower];
    if (this.joined === undefined) throw new Error("Nobody has joined");
    return [this.joined];
  }
}

const operation = (success: "put") =>
  createRequestOp({
    request: { case: "requestPut", value: createPutRequest({ key: key(success), prevKv: true }) },
  });

const STEPS: readonly Step[] = [
  {
    action: "nothing but running",
    run: () => Promise.resolve(),
    moves: [
      ["etcd_server_has_leader", "all", 1],
      ["etcd_server_is_leader", "leader", 1],
      ["etcd_server_is_leader", "follower", 0],
      ["etcd_server_is_learner", "all", 0],
      ["etcd_cluster_version", "all", 1],
      ["etcd_server_version", "all", 1],
      ["etcd_server_go_version", "all", 1],
      ["etcd_server_id", "all", 1],
      ['etcd_server_feature_enabled{name="FastLeaseKeepAlive",stage="BETA"}', "all", 1],
      ["etcd_network_active_peers", "all", 2],
      ["etcd_network_known_peers", "all", 2],
      ["etcd_debugging_auth_revision", "all", 1],
      ["etcd_server_quota_backend_bytes", "all", 2 * 1024 ** 3],
      ["etcd_debugging_store_writes_total", "all", "some"],
      ["etcd_server_proposals_pending", "all", 0],
      ["etcd_mvcc_db_open_read_transactions", "all", 0],
    ],
  },
  {
    action: "puts",
    run: async ({ client }) => {
      for (let count = 0; count < 40; count++) {
        await client.kv.put({ key: key(`k${count % 10}`), value: key("value") });
      }
      await sleep(400);
    },
    moves: [
      ["etcd_mvcc_put_total", "all", 40],
      ["etcd_debugging_mvcc_total_put_size_in_bytes", "all"],
      ["etcd_debugging_mvcc_keys_total", "all", 10],
      ["etcd_debugging_mvcc_current_revision", "all", 41],
      ["etcd_mvcc_db_total_size_in_bytes", "all"],
      ["etcd_mvcc_db_total_size_in_use_in_bytes", "all"],
      ["etcd_server_proposals_committed_total", "all"],
      ["etcd_server_proposals_applied_total", "all"],
      ['etcd_server_apply_duration_seconds_count{op="Put"', "all", 40],
      ["etcd_server_slow_apply_total", "all"],
      ["etcd_disk_wal_fsync_duration_seconds_count", "all"],
      ["etcd_disk_wal_write_duration_seconds_count", "all"],
      ["etcd_disk_wal_write_bytes_total", "all"],
      ["etcd_disk_backend_commit_duration_seconds_count", "all"],
      ["etcd_debugging_disk_backend_commit_rebalance_duration_seconds_count", "all"],
      ["etcd_debugging_disk_backend_commit_spill_duration_seconds_count", "all"],
      ["etcd_debugging_disk_backend_commit_write_duration_seconds_count", "all"],
      ["etcd_debugging_snap_save_total_duration_seconds_count", "all"],
      ["etcd_debugging_snap_save_marshalling_duration_seconds_count", "all"],
      ["etcd_snap_fsync_duration_seconds_count", "all"],
      ["etcd_network_peer_sent_bytes_total", "all"],
      ["etcd_network_peer_received_bytes_total", "all"],
      ["etcd_network_client_grpc_received_bytes_total", "leader"],
      ["etcd_network_client_grpc_sent_bytes_total", "leader"],
      ["etcd_server_client_requests_total", "leader"],
      ['grpc_server_handled_total{grpc_code="OK",grpc_method="Put"', "leader", 40],
    ],
  },
  {
    action: "reads, transactions and deletions",
    run: async ({ client }) => {
      await client.kv.range({ key: key("k1") });
      await client.kv.txn({ success: [operation("put")] });
      await client.kv.deleteRange({ key: key("k0") });
    },
    moves: [
      ["etcd_mvcc_range_total", "leader"],
      ["etcd_debugging_mvcc_range_total", "leader"],
      ["etcd_server_range_duration_seconds_count", "leader"],
      ["etcd_mvcc_txn_total", "all", 1],
      ["etcd_mvcc_delete_total", "all", 1],
    ],
  },
  {
    action: "a watch, and one that cannot be read",
    run: async ({ client, leader }) => {
      await client.watch.open({ key: key("k"), rangeEnd: key("l"), startRevision: 2 });
      const raw = await openRawCaller(leader.endpoint);
      await new Promise<void>((resolve) => {
        const broken = raw.open(WatchService.watch.path, {
          onMessage() {},
          onEnd: () => resolve(),
        });
        broken.send(Uint8Array.of(0x0a, 0x7f));
      });
      raw.close();
      await client.kv.put({ key: key("k1"), value: key("seen") });
    },
    moves: [
      ["etcd_debugging_mvcc_watcher_total", "leader", 1],
      ["etcd_debugging_mvcc_watch_stream_total", "leader", 1],
      ["etcd_debugging_mvcc_events_total", "leader"],
      ['etcd_network_server_stream_failures_total{API="watch",Type="receive"}', "leader", 1],
      ["etcd_debugging_mvcc_slow_watcher_total", "all", 0],
      ["etcd_debugging_mvcc_pending_events_total", "all", 0],
    ],
  },
  {
    action: "leases",
    run: async ({ client }) => {
      const { id } = await client.lease.grant({ ttl: 1 });
      const keeper = client.lease.keepAlive(id);
      await keeper.next();
      keeper.cancel();
      await client.lease.grant({ ttl: 500 });
      await sleep(3500);
    },
    moves: [
      ["etcd_debugging_lease_granted_total", "all", 2],
      ["etcd_debugging_lease_ttl_total_count", "all", 2],
      ["etcd_debugging_lease_renewed_total", "leader"],
      ["etcd_debugging_lease_revoked_total", "all", 1],
      ["etcd_debugging_server_lease_expired_total", "leader", 1],
    ],
  },
  {
    action: "compaction, hashes, a backup, defragmentation",
    run: async ({ client, leader }) => {
      await client.kv.compact({ revision: 30, physical: true });
      await client.maintenance.hashKv(leader.endpoint, 0);
      for await (const _ of client.maintenance.snapshot());
      const raw = await openRawCaller(leader.endpoint);
      await raw.call(MaintenanceService.hash.path, new Uint8Array(0));
      raw.close();
      await client.maintenance.defragment(leader.endpoint);
      await sleep(300);
    },
    moves: [
      ["etcd_debugging_mvcc_compact_revision", "all", 30],
      ["etcd_debugging_mvcc_db_compaction_keys_total", "all"],
      ["etcd_debugging_mvcc_db_compaction_last", "all"],
      ["etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds_count", "all"],
      ["etcd_debugging_mvcc_index_compaction_pause_duration_milliseconds_count", "all"],
      ["etcd_debugging_mvcc_db_compaction_total_duration_milliseconds_count", "all", 1],
      ["etcd_mvcc_hash_duration_seconds_count", "leader", 1],
      ["etcd_mvcc_hash_rev_duration_seconds_count", "leader", 1],
      ["etcd_disk_backend_snapshot_duration_seconds_count", "leader", 1],
      ["etcd_disk_backend_defrag_duration_seconds_count", "leader", 1],
      ["etcd_disk_defrag_inflight", "leader", 0],
    ],
  },
  {
    action: "health",
    run: async ({ leader }) => {
      for (const path of ["/health", "/livez", "/readyz"]) {
        await fetch(`http://${leader.endpoint}${path}`);
      }
    },
    moves: [
      ["etcd_server_health_success", "leader"],
      ["etcd_server_healthcheck", "leader"],
      ["etcd_server_healthchecks_total", "leader"],
    ],
  },
  {
    action: "a member that joins behind the log, as a learner",
    run: async (world) => {
      world.joined = await world.cluster.join("ours", { learner: true });
      // A moment later the sender has its answer.
      await sleep(300);
    },
    moves: [
      ["etcd_server_is_learner", "joined", 1],
      ["etcd_network_snapshot_send_success", "leader", 1],
      ["etcd_network_snapshot_send_total_duration_seconds_count", "leader", 1],
      ["etcd_network_snapshot_send_inflights_total", "leader", 0],
      ["etcd_network_snapshot_receive_success", "joined", 1],
      ["etcd_network_snapshot_receive_total_duration_seconds_count", "joined", 1],
      ["etcd_network_snapshot_receive_inflights_total", "joined", 0],
      ["etcd_snap_db_fsync_duration_seconds_count", "joined"],
      ["etcd_snap_db_save_total_duration_seconds_count", "joined", 1],
      ["etcd_server_snapshot_apply_in_progress_total", "joined", 0],
      ["etcd_network_known_peers", "all", 3],
    ],
  },
  {
    action: "promotions, one of them of nobody",
    run: async ({ cluster, client, joined }) => {
      await expect(client.cluster.memberPromote(1234n)).rejects.toThrow("member not found");
      if (joined !== undefined) await cluster.promote(joined);
      await sleep(200);
    },
    moves: [
      ["etcd_server_learner_promote_successes", "leader", 1],
      ['etcd_server_learner_promote_failures{Reason="membership: ID not found"}', "leader", 1],
      ["etcd_server_is_learner", "joined", 0],
    ],
  },
  {
    action: "messages of peers that cannot be read",
    run: async ({ cluster, leader, follower }) => {
      const { header } = await cluster.status(leader);
      const id = (header?.clusterId ?? 0n).toString(16);
      const versions = { "X-Server-Version": "3.5.16", "X-Min-Cluster-Version": "3.0.0" };
      const headers = { "X-Etcd-Cluster-ID": id, "X-Server-From": "77", ...versions };
      const body = "\u00ff\u00ff\u00ff";
      await fetch(`${follower.peerUrl}/raft`, { method: "POST", headers, body });
    },
    moves: [["etcd_network_peer_received_failures_total", "follower", 1]],
  },
  {
    action: "a leader that stands still for a while",
    run: async ({ cluster, leader }) => {
      leader.pause();
      await sleep(250);
      leader.resume();
      await cluster.untilHealthy();
    },
    moves: [["etcd_server_heartbeat_send_failures_total", "leader"]],
  },
  {
    action: "probes",
    run: async ({ cluster }) => {
      for (const member of cluster.running) {
        for (let tries = 0; tries < 100; tries++) {
          const page = await scrape(member.endpoint);
          if (page.sum("etcd_network_peer_round_trip_time_seconds_count") > 0) break;
          await sleep(200);
        }
      }
    },
    moves: [["etcd_network_peer_round_trip_time_seconds_count", "all", "some"]],
  },
  {
    action: "an alarm",
    run: async ({ leader, cluster }) => {
      const raw = await openRawCaller(leader.endpoint);
      const id = await cluster.idOf(leader);
      const { request } = MaintenanceService.alarm;
      const activate = request.encode(request.create({ action: 1, memberId: id, alarm: 1 }));
      await raw.call(MaintenanceService.alarm.path, activate);
      await sleep(200);
      expect((await scrape(leader.endpoint)).sum("etcd_debugging_server_alarms")).toBe(1);
      await fetch(`http://${leader.endpoint}/health`);
      const disarm = request.encode(request.create({ action: 2, memberId: id, alarm: 1 }));
      await raw.call(MaintenanceService.alarm.path, disarm);
      raw.close();
      await sleep(200);
    },
    moves: [
      ["etcd_server_health_failures", "leader"],
      ["etcd_debugging_server_alarms", "all", 0],
    ],
  },
  {
    action: "another leader",
    run: async (world) => {
      const { follower } = world;
      await world.cluster.moveLeader(follower);
      world.leader = follower;
      await sleep(300);
    },
    moves: [
      ["etcd_server_leader_changes_seen_total", "all"],
      ["etcd_server_is_leader", "leader", 1],
    ],
  },
  {
    action: "the loss of the majority",
    run: async ({ cluster, leader }) => {
      for (const member of cluster.members) if (member !== leader) await member.kill();
      const raw = await openRawCaller(leader.endpoint);
      const answers = await Promise.all([
        raw.call(KVService.put.path, encodePutRequest(createPutRequest({ key: key("lost") }))),
        raw.call(
          KVService.range.path,
          encodeRangeRequest(createRangeRequest({ key: key("lost") })),
        ),
      ]);
      raw.close();
      expect(answers.map(({ code }) => code)).not.toContain(0);
    },
    moves: [
      ["etcd_network_disconnected_peers_total", "leader"],
      ["etcd_network_active_peers", "leader", 0],
      ["etcd_network_peer_sent_failures_total", "leader"],
      ["etcd_server_proposals_failed_total", "leader"],
      ["etcd_server_slow_read_indexes_total", "leader"],
      ["etcd_server_read_indexes_failed_total", "leader", 0],
      ["etcd_server_has_leader", "leader", 0],
    ],
  },
];

/** Etcd's metrics that no step moves, with the reason. */
const NOT_MOVED: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^etcd_(?:http|proxy)_|^etcd_debugging_store_(?!writes)/, "the v2 API is not there"],
  [/^etcd_grpc_proxy_/, "of the proxy, which is another process"],
  [
    /^etcd_network_snapshot_(?:send|receive)_failures$/,
    "moved where transfers are broken off, in src/peer",
  ],
];

describe("metrics of a cluster", { timeout: TIMEOUT_MS }, () => {
  let world: World;

  beforeAll(async () => {
    const cluster = await EtcdCluster.start({ members: ["ours", "ours", "ours"], flags: FLAGS });
    world = new World(cluster, await cluster.untilLeader());
  }, TIMEOUT_MS);

  afterAll(() => world.cluster.remove());

  test.each(STEPS)("move with: $action", async ({ run, moves }) => {
    const before = await pagesOf(world);
    await run(world);
    // A page is given out again for a tenth of a second.
    await sleep(150);
    const after = await pagesOf(world);
    const wrong = moves.flatMap(([sample, where, value]) =>
      world.membersAt(where).flatMap((member) => {
        const was = before.get(member)?.sum(sample) ?? 0;
        const is = after.get(member)?.sum(sample) ?? 0;
        const isRight = value === "some" ? is > 0 : value === undefined ? is > was : is === value;
        return isRight ? [] : [`${sample} of ${member.name}: ${was}, then ${is}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test("each metric of etcd's is moved by a step, or it is said why not", () => {
    const moved = STEPS.flatMap(({ moves }) => moves.map(([sample]) => sample));
    const unmoved = allMetrics()
      .filter(({ name }) => name.startsWith("etcd_"))
      .filter(({ name }) => !NOT_MOVED.some(([pattern]) => pattern.test(name)))
      .filter(
        ({ name }) =>
          !moved.some((sample) => sample.replace(/\{.*/, "").replace(/_count$/, "") === name),
      );
    expect(unmoved.map(({ name }) => name)).toEqual([]);
  });
});

async function pagesOf({ cluster }: World): Promise<Map<ClusterMember, ScrapedPage>> {
  const pages = new Map<ClusterMember, ScrapedPage>();
  for (const member of cluster.running) pages.set(member, await scrape(member.endpoint));
  return pages;
}
