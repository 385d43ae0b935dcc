/** What clients did and saw, judged by the checkers, each of which knows only the history. */
import { keyViolation } from "./checkers/key-histories.ts";
import { checkKvHistory } from "./checkers/kv-history.ts";
import { describeViolation, type Violation as Found } from "./checkers/violation.ts";
import { Violation } from "./cluster/violation.ts";
import type { History } from "./history.ts";

/** Steps that the search for an order may take for one key. */
const KEY_STEPS_MAX = 100_000;

/** What the judges could not decide, for the report. */
export interface Judgement {
  readonly undecided: number;
}

/** Throws the first violation. */
export function judge(history: History): Judgement {
  const verdict = checkKvHistory(history);
  if (verdict.kind === "violation") throw violationOf(verdict.violation);
  throwIfFound(keyViolation(history, KEY_STEPS_MAX));
  return { undecided: verdict.kind === "undecided" ? 1 : 0 };
}

function throwIfFound(found: Found | undefined): void {
  if (found !== undefined) throw violationOf(found);
}

function violationOf(found: Found): Violation {
  return new Violation(found.rule, describeViolation(found));
}
