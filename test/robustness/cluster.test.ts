/**
 * Three members under load while they are killed, stopped, frozen and cut off from each other, by proxies
 * and, where the machine allows it, by network namespaces. What clients did and saw is judged at the end:
 * answers are linearizable, watches keep their promises, nothing acknowledged is lost, no lease ends early,
 * and all members have the same keys.
 *
 * ROBUSTNESS_SECONDS says for how long, ROBUSTNESS_SEED chooses faults and load, ROBUSTNESS_MEMBERS whose
 * programs (`ours,real,real`: `real` is the real etcd; all are ours by default). ROBUSTNESS_BOUND=1 fails when
 * a cluster takes longer to recover than it should; without it the times are shown, because the machine that
 * runs all tests may be busy. `npm run robustness` sets these.
 */
import { describe, expect, onTestFinished, test } from "vitest";
import { Prng } from "../../src/stdx/prng.ts";
import { AvailabilityProbe } from "../harness/availability-probe.ts";
import { ClusterFaults, type Links, type ProxiedLinks } from "../harness/cluster-faults.ts";
import { ClusterLoad } from "../harness/cluster-load.ts";
import type { Program } from "../harness/cluster-member.ts";
import { type EtcdCluster, type PlaceOf, withCluster } from "../harness/etcd-cluster.ts";
import { judgeHistory } from "../harness/judge-history.ts";
import { HAS_NAMESPACES, NetworkNamespaces } from "../harness/network-namespaces.ts";
import { PeerProxies } from "../harness/peer-proxies.ts";
import { RecoveryTimes } from "../harness/recovery-times.ts";
import { REFERENCE } from "../harness/reference.ts";
import { sleep } from "../harness/sleep.ts";

const SECONDS = Number(process.env["ROBUSTNESS_SECONDS"] ?? 10);
const SEED = Number(process.env["ROBUSTNESS_SEED"] ?? 1);
const IS_VERBOSE = process.env["ROBUSTNESS_VERBOSE"] === "1";
/** Only faults whose name contains it. */
const ONLY = process.env["ROBUSTNESS_ONLY"] ?? "";
const HAS_BOUND = process.env["ROBUSTNESS_BOUND"] === "1";
const MEMBERS = (process.env["ROBUSTNESS_MEMBERS"] ?? "ours,ours,ours").split(",") as Program[];

/** Milliseconds from the end of a fault to a write: twice the default election time-out. */
const RECOVERY_BOUND_MS = 2000;

/** How long a fault lasts. */
const FAULT_MS_MIN = 300;
const FAULT_MS_MAX = 4000;

/** Milliseconds without faults before the next one. */
const QUIET_MS_MAX = 1000;

/** Milliseconds after which a cluster that does not recover fails the test. */
const RECOVERY_MS_MAX = 30_000;

/** Milliseconds that watchers may take at the end to see everything. */
const CATCH_UP_MS = 30_000;

const WRITERS = 8;
const THINK_MS = 15;

/** With these, whoever was away for some seconds is sent a snapshot. */
const FLAGS = ["--snapshot-count=200", "--experimental-snapshot-catchup-entries=50"];

interface Network {
  readonly place: PlaceOf;
  readonly links: Links;
  readonly proxies?: ProxiedLinks;
}

async function run(network: Network, seconds: number, times: RecoveryTimes): Promise<void> {
  const { place, links, proxies } = network;
  await withCluster({ members: MEMBERS, place, flags: FLAGS }, async (cluster) => {
    const load = new ClusterLoad({
      members: () => cluster.members,
      seed: SEED,
      writers: WRITERS,
      thinkMs: THINK_MS,
      compacts: true,
    });
    const probe = new AvailabilityProbe(load.recorder, cluster.members);
    onTestFinished(() => {
      probe.stop();
      load.close();
    });
    load.start();
    const faults = new ClusterFaults(cluster, new Prng(SEED).fork("faults"), links, proxies);
    await strike(faults, probe, load, seconds, times);
    const healthyFromMs = load.recorder.nowMs();
    probe.stop();
    await load.stopWriting();
    await cluster.untilHealthy();
    const revision = await cluster.expectEqualHashes();
    await load.finish(revision, CATCH_UP_MS);
    judge(load, cluster, healthyFromMs);
  });
}

/** Faults one after the other, until the time is up. */
async function strike(
  faults: ClusterFaults,
  probe: AvailabilityProbe,
  { recorder }: ClusterLoad,
  seconds: number,
  times: RecoveryTimes,
): Promise<void> {
  const random = new Prng(SEED).fork("pauses");
  const endMs = recorder.nowMs() + seconds * 1000;
  let round = faults.round();
  while (recorder.nowMs() < endMs) {
    const next = round.pop();
    if (next === undefined) {
      round = faults.round();
      continue;
    }
    const fault = await next();
    if (!fault.name.includes(ONLY)) continue;
    const struckMs = recorder.nowMs();
    await fault.strike();
    await sleep(FAULT_MS_MIN + random.below(FAULT_MS_MAX - FAULT_MS_MIN));
    await fault.heal();
    const healedMs = recorder.nowMs();
    const { any, all } = await probe.recovery(healedMs, RECOVERY_MS_MAX);
    times.add(fault.name, any, all);
    if (IS_VERBOSE) {
      const lasted = ((healedMs - struckMs) / 1000).toFixed(1);
      console.log(
        `${fault.name} for ${lasted} s; back after ${any?.toFixed(0)} ms, all ${all?.toFixed(0)} ms`,
      );
    }
    expect(all, `${fault.name}: not every member takes writes again`).toBeDefined();
    await sleep(random.below(QUIET_MS_MAX));
  }
}

/** All clients have stopped, and nothing is wrong any more. */
function judge(
  { recorder }: ClusterLoad,
  { folder, members }: EtcdCluster,
  healthyFromMs: number,
): void {
  const { operations } = recorder;
  const answered = operations.filter(({ outcome }) => outcome.kind === "ok").length;
  expect(answered).toBeGreaterThan(0);
  judgeHistory(recorder, folder, healthyFromMs);
  const snapshots = members.map((member) => member.log().split('"applied snapshot"').length - 1);
  console.log(
    `${operations.length} operations of which ${answered} were answered, ` +
      `${snapshots.join(" + ")} snapshots taken over: all is well`,
  );
}

function report(times: RecoveryTimes): void {
  console.log(`from the end of a fault to a write:\n  ${times.lines().join("\n  ")}`);
  if (HAS_BOUND) expect(times.worstMs).toBeLessThanOrEqual(RECOVERY_BOUND_MS);
}

const isMissing = MEMBERS.includes("real") && REFERENCE === undefined;

describe.skipIf(isMissing)(`${MEMBERS.join(", ")} with faults of seed ${SEED}`, () => {
  const proxied = HAS_NAMESPACES ? SECONDS * 0.6 : SECONDS;

  test(
    "behind proxies",
    async () => {
      const proxies = new PeerProxies();
      onTestFinished(() => proxies.close());
      const links = {
        lose: (from: string, to: string) => Promise.resolve(proxies.set(from, to, "held")),
        heal: () => Promise.resolve(proxies.heal()),
      };
      const times = new RecoveryTimes();
      await run({ place: proxies.place, links, proxies }, proxied, times);
      report(times);
    },
    SECONDS * 2000 + 180_000,
  );

  test.skipIf(!HAS_NAMESPACES)(
    "in network namespaces",
    async () => {
      const network = await NetworkNamespaces.create();
      onTestFinished(() => network.remove());
      const times = new RecoveryTimes();
      await run({ place: network.place, links: network }, SECONDS - proxied, times);
      report(times);
    },
    SECONDS * 2000 + 180_000,
  );
});
