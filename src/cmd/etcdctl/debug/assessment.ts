/** From what was seen to a verdict and the problems behind it, the worst first. */
import { clusterProblems } from "./cluster-problems.ts";
import type { ClusterView } from "./cluster-view.ts";
import { connectionProblems } from "./connection-problems.ts";
import { loadProblems } from "./load-problems.ts";
import { type Problem, SEVERITIES, type Verdict } from "./problem.ts";

export interface Assessment {
  readonly verdict: Verdict;
  readonly problems: readonly Problem[];
}

export function assess(cluster: ClusterView): Assessment {
  const found = [
    ...clusterProblems(cluster),
    ...connectionProblems(cluster),
    ...loadProblems(cluster),
  ];
  const problems = SEVERITIES.flatMap((severity) =>
    found.filter((problem) => problem.severity === severity),
  );
  return { verdict: verdictOf(cluster, problems), problems };
}

function verdictOf({ answering }: ClusterView, [worst]: readonly Problem[]): Verdict {
  if (answering.length === 0) return "no answer";
  if (worst === undefined || worst.severity === "note") return "healthy";
  return worst.severity === "critical" ? "critical" : "degraded";
}
