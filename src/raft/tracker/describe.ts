/** Text forms of progress, as status commands and logs print them. */
import type { NodeId } from "../node-id.ts";
import type { MemberProgress, ProgressState } from "./progress.ts";

const STATE_NAMES: Readonly<Record<ProgressState, string>> = {
  probe: "StateProbe",
  replicate: "StateReplicate",
  snapshot: "StateSnapshot",
};

/** One line: the state, match and next, then only what is out of the ordinary. */
export function describeProgress(progress: MemberProgress): string {
  let text = `${STATE_NAMES[progress.state]} match=${progress.match} next=${progress.next}`;
  if (progress.isLearner) text += " learner";
  if (progress.paused) text += " paused";
  if (progress.pendingSnapshot > 0) text += ` pendingSnap=${progress.pendingSnapshot}`;
  if (!progress.recentActive) text += " inactive";
  if (progress.inflights.count > 0) {
    text += ` inflight=${progress.inflights.count}`;
    if (progress.inflights.full) text += "[full]";
  }
  return text;
}

/** One line per node, in the order of the map (`Status.progress`: ascending), with ids in decimal here. */
export function describeProgressMap(progress: ReadonlyMap<NodeId, MemberProgress>): string {
  let text = "";
  for (const [id, each] of progress) text += `${id}: ${describeProgress(each)}\n`;
  return text;
}
