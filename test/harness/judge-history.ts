/** Judges what clients did and saw. */
import fs from "node:fs";
import path from "node:path";
import type { History } from "../../sim/history.ts";
import { keyViolation } from "../../sim/checkers/key-histories.ts";
import { checkKvHistory } from "../../sim/checkers/kv-history.ts";
import { describeViolation, type Violation } from "../../sim/checkers/violation.ts";

/** Throws when a promise of etcd was broken; the history is then in `folder`. */
export function judgeHistory({ operations, watches }: History, folder: string): void {
  const violation = violationOf({ operations, watches });
  if (violation === undefined) return;
  const file = path.join(folder, "history.json");
  fs.writeFileSync(file, JSON.stringify({ operations, watches }));
  throw new Error(`${describeViolation(violation)}\n${file}`);
}

function violationOf(history: History): Violation | undefined {
  const verdict = checkKvHistory(history);
  if (verdict.kind !== "linearizable") return verdict.violation;
  return keyViolation(history);
}
