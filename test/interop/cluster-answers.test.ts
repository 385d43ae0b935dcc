/**
 * What clients are told by followers, learners, and members without a leader or a majority: a cluster of ours
 * and one of the real etcd live through the same and have to say the same.
 */
import { describe, expect, onTestFinished, test } from "vitest";
import type { Program } from "../harness/cluster-member.ts";
import {
  Cast,
  cutOffFollower,
  healthyFollower,
  learner,
  leasesThroughFollower,
  loneFollower,
  loneLeader,
  type Told,
} from "../harness/cluster-scenarios.ts";
import { type EtcdCluster, type PlaceOf, withCluster } from "../harness/etcd-cluster.ts";
import { PeerProxies } from "../harness/peer-proxies.ts";
import { REFERENCE } from "../harness/reference.ts";

/** Elections are quick, and still not lost on a busy machine. */
const flags = ["--heartbeat-interval=80", "--election-timeout=800"];

const TIMEOUT_MS = 180_000;

/** Lets a cluster of each program live through `scenario`, at the same time, and compares what they tell. */
async function expectSame(
  scenario: (cluster: EtcdCluster, program: Program) => Promise<Told>,
  placeOf: (program: Program) => PlaceOf | undefined = () => undefined,
): Promise<void> {
  const programs = ["real", "ours"] as const;
  const [real, ours] = await Promise.all(
    programs.map(async (program) => {
      let told: Told = {};
      const members = [program, program, program];
      const place = placeOf(program);
      const options = { members, flags, ...(place === undefined ? {} : { place }) };
      await withCluster(options, async (cluster) => {
        told = await scenario(cluster, program);
      });
      return told;
    }),
  );
  expect(ours).toEqual(real);
}

async function acting(cluster: EtcdCluster, act: (cast: Cast) => Promise<Told>): Promise<Told> {
  const cast = await Cast.of(cluster);
  try {
    return await act(cast);
  } finally {
    cast.close();
  }
}

function named(prefix: string, told: Told): Told {
  return Object.fromEntries(
    Object.entries(told).map(([name, answer]) => [`${prefix}: ${name}`, answer]),
  );
}

describe.skipIf(REFERENCE === undefined)(
  "A cluster tells its clients what the real etcd does",
  () => {
    test(
      "through a follower, through one that is left alone, and through a leader that is",
      async () => {
        await expectSame(async (cluster) => ({
          ...named("follower", await acting(cluster, healthyFollower)),
          ...named("lone follower", await acting(cluster, loneFollower)),
          ...named("lone leader", await acting(cluster, loneLeader)),
        }));
      },
      TIMEOUT_MS,
    );

    test(
      "through a follower that is cut off for a while",
      async () => {
        const proxies = { real: new PeerProxies(), ours: new PeerProxies() };
        onTestFinished(async () => {
          await Promise.all([proxies.real.close(), proxies.ours.close()]);
        });
        await expectSame(
          (cluster, program) => {
            const links = {
              cut: (name: string): void => {
                const others = cluster.members.filter((member) => member.name !== name);
                const names = others.map((member) => member.name);
                proxies[program].isolate(name, names, "refused");
              },
              mend: () => proxies[program].heal(),
            };
            return acting(cluster, (cast) => cutOffFollower(cast, links));
          },
          (program) => proxies[program].place,
        );
      },
      TIMEOUT_MS,
    );

    test(
      "about leases, where a member of ours and a real one ask each other",
      async () => {
        const members = ["real", "ours", "real"] as const;
        await withCluster({ members, flags }, async (cluster) => {
          const [real, ours] = cluster.members;
          await cluster.moveLeader(real);
          const throughOurs = await acting(cluster, leasesThroughFollower);
          await cluster.moveLeader(ours);
          const throughReal = await acting(cluster, leasesThroughFollower);
          expect(throughOurs).toEqual(throughReal);
        });
      },
      TIMEOUT_MS,
    );

    test(
      "through a learner",
      async () => {
        await expectSame(async (cluster, program) => {
          const joined = await cluster.join(program, { learner: true, unawaited: true });
          await cluster.untilCaughtUp(joined);
          return acting(cluster, (cast) => learner(cast, joined));
        });
      },
      TIMEOUT_MS,
    );
  },
);
