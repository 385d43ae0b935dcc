/**
 * Bits that flip in files of a machine that is down. The member must refuse to start on what it needs and
 * cannot trust, and may start on what it does not need; it must never go on with a log that has lost
 * something. Only logs and snapshot files are hit: their records carry checksums. Pages of the database do
 * not, as in etcd: what guards them is the comparison of hashes between members.
 *
 * The budget: one machine at a time, so that the others are a quorum whatever becomes of it. When it has
 * refused, its disk is replaced by a copy from before; when it was repaired from its peers, it has to catch
 * up before the next one, and before the membership changes; and the others have to be a quorum without it.
 */
import type { Fault } from "./faults.ts";
import { pickRunning } from "./process-faults.ts";

const DIRECTORIES = ["/data/member/wal", "/data/member/snap"] as const;

/** Flips that go where records are, not into the empty rest of a segment. */
const SMALL_FILE_BYTES = 4096;

export const BIT_FLIPS: Readonly<Record<string, Fault>> = {
  bitFlip: ({ cluster, supervisor, operator }, random) => {
    const machine = pickRunning(cluster, random);
    const voters = (operator.members() ?? []).filter(({ isLearner }) => !isLearner);
    if (machine === undefined || supervisor.isRecovering) return false;
    if (supervisor.repairs && voters.length < 3) return false;
    machine.crash({ cause: "process" });
    const files = DIRECTORIES.flatMap((directory) => {
      if (machine.disk.stat(directory) === undefined) return [];
      return machine.disk.list(directory).map((name) => `${directory}/${name}`);
    }).filter((path) => path.endsWith(".wal") || path.endsWith(".snap"));
    if (files.length === 0) return false;
    const path = random.pick(files);
    const size = machine.disk.stat(path)?.size ?? 0;
    if (size === 0) return false;
    machine.keepCopy();
    supervisor.flipped.add(machine);
    const position = random.below(random.chance(0.7) ? Math.min(size, SMALL_FILE_BYTES) : size);
    const bit = random.below(8);
    cluster.trace.note(machine.name, `bit ${bit} of byte ${position} of ${path} flips`);
    machine.disk.flipBit(path, position, bit);
    return true;
  },
};
