/** Wires that are cut, in one direction or both, and networks that lose, repeat and reorder. */
import type { Prng } from "../../src/stdx/prng.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Fault } from "./faults.ts";

/** Longest time in milliseconds that a cut lasts. */
const CUT_MS_MAX = 8_000;

const WEATHER_MS_MAX = 6_000;

export const NETWORK_FAULTS: Readonly<Record<string, Fault>> = {
  /** Two sides that do not hear each other. */
  partition: ({ cluster }, random) => {
    const indexes = cluster.machines.map(({ index }) => index);
    random.shuffle(indexes);
    const side = indexes.slice(0, 1 + random.below(Math.max(1, indexes.length - 1)));
    const pairs = pairsBetween(cluster, side);
    cut(cluster, random, pairs);
    return pairs.length > 0;
  },

  /** One member hears, or is heard, no more. */
  oneWay: ({ cluster }, random) => {
    const { index } = random.pick(cluster.machines);
    const pairs = pairsBetween(cluster, [index]);
    const isDeaf = random.chance(0.5);
    cut(
      cluster,
      random,
      pairs.filter(([from]) => (from === index) !== isDeaf),
    );
    return pairs.length > 0;
  },

  /** Any wires. */
  cutWires: ({ cluster }, random) => {
    const indexes = cluster.machines.map(({ index }) => index);
    const pairs = pairsBetween(cluster, indexes.slice(0, 1 + random.below(indexes.length)));
    cut(
      cluster,
      random,
      pairs.filter(() => random.chance(0.4)),
    );
    return pairs.length > 0;
  },

  /** The leader is alone. */
  isolateLeader: ({ cluster }, random) => {
    const leader = cluster.leader();
    if (leader === undefined) return false;
    cut(cluster, random, pairsBetween(cluster, [leader.index]));
    return true;
  },

  /** A while of bad weather. */
  badNetwork: ({ cluster }, random) => {
    const { links } = cluster;
    const { conditions } = links;
    conditions.lost = random.below(30) / 100;
    conditions.repeated = random.below(20) / 100;
    conditions.overtaken = random.below(30) / 100;
    conditions.detourUs = 1 + random.below(2_000_000);
    conditions.jitterUs = random.below(50_000);
    cluster.loop.after(random.below(WEATHER_MS_MAX * 1000), () => links.clearUp());
    return true;
  },

  /** Connections of clients break. */
  brokenClients: ({ cluster, channel }, random) => {
    channel.conditions.broken = random.below(20) / 100;
    cluster.loop.after(random.below(WEATHER_MS_MAX * 1000), () => {
      channel.conditions.broken = 0;
    });
    return true;
  },
};

type Wire = readonly [from: number, to: number];

function pairsBetween(cluster: Cluster, side: readonly number[]): Wire[] {
  const others = cluster.machines
    .map(({ index }) => index)
    .filter((index) => !side.includes(index));
  return side.flatMap((a) =>
    others.flatMap((b): Wire[] => [
      [a, b],
      [b, a],
    ]),
  );
}

function cut(cluster: Cluster, random: Prng, wires: readonly Wire[]): void {
  const names = wires.map(([from, to]) => `m${from}>m${to}`);
  cluster.trace.note("network", () => `cut ${names.join(" ")}`);
  for (const [from, to] of wires) cluster.links.cut(from, to);
  cluster.loop.after(random.below(CUT_MS_MAX * 1000), () => {
    cluster.trace.note("network", () => `mended ${names.join(" ")}`);
    for (const [from, to] of wires) cluster.links.mend(from, to);
  });
}
