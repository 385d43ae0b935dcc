/** Judges what clients did and saw. */
import fs from "node:fs";
import path from "node:path";
import type { History } from "../../sim/history.ts";
import { checkHistory } from "../../sim/checkers/check-history.ts";
import { describeViolation } from "../../sim/checkers/violation.ts";

/**
 * Throws when a promise of etcd was broken; the history is then in `folder`. `healthyFromMs`: since when
 * nothing was wrong with the cluster.
 */
export function judgeHistory(
  { operations, watches }: History,
  folder: string,
  healthyFromMs: number,
): void {
  const history = { operations, watches };
  const violation = checkHistory(history, { healthyFromMs });
  if (violation === undefined) return;
  const file = path.join(folder, "history.json");
  fs.writeFileSync(file, JSON.stringify(history));
  throw new Error(`${describeViolation(violation)}\n${file}`);
}
