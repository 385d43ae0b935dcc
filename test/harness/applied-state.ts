/** The applied state of a member on a simulated disk, without the member. */
import { SimulatedDisk } from "../../sim/disk.ts";
import { ManualClock } from "../../sim/manual-clock.ts";
import { noNetwork } from "../../sim/no-network.ts";
import { plainDigest, plainPasswords } from "../../sim/plain-passwords.ts";
import { simulatedConfig } from "../../sim/simulated-member.ts";
import type { Applier } from "../../src/apply/applier.ts";
import type { TokenTable } from "../../src/auth/token-table.ts";
import { Backend } from "../../src/backend/backend.ts";
import { Cluster } from "../../src/membership/cluster.ts";
import { sha1, sha256 } from "../../src/platform/digest.ts";
import type { NamedLog } from "../../src/ports/log.ts";
import { RestoredState } from "../../src/server/start/restored-state.ts";
import { ServerMetrics } from "../../src/server/metrics/server-metrics.ts";
import { Prng } from "../../src/stdx/prng.ts";

const NO_TIMER = {
  start: () => 0,
  applied: () => undefined,
  appliedV2: () => undefined,
  proposalAnswered: () => undefined,
};

const FOLDER = "/data";

/** A disk with a folder for a database. */
export function freshDisk(): SimulatedDisk {
  const disk = new SimulatedDisk({ random: new Prng(1) });
  disk.makeDirectory(FOLDER);
  return disk;
}

/** The state in the database on `disk`, which is made if there is none. */
export function openApplier(disk: SimulatedDisk, log: NamedLog, tokens: TokenTable): Applier {
  const clock = new ManualClock();
  const environment = {
    ...{ disk, clock, random: new Prng(1), log, sha1, sha256 },
    metrics: new ServerMetrics(),
    peers: noNetwork((run) => clock.defer(run)),
    passwords: plainPasswords(clock),
    secretDigest: plainDigest,
  };
  const backend = Backend.open(disk, `${FOLDER}/db`);
  const cluster = new Cluster(1n);
  const restored = new RestoredState(simulatedConfig(), environment, backend, cluster, tokens);
  while (!restored.step(1000));
  return restored.finish(1n, 0, NO_TIMER).applier;
}

/** Commits everything and closes the database. */
export function closeApplier(disk: SimulatedDisk, applier: Applier): void {
  const { backend } = applier;
  backend.commit(applier.position(), () => undefined);
  disk.runUntilIdle();
  backend.close();
}
