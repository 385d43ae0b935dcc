/** Text forms of quorums, as logs print them. */
import { sortedIds } from "../node-id.ts";
import type { NodeId } from "../node-id.ts";
import type { JointConfig } from "./joint.ts";

/** Ids in parentheses, ascending, in decimal as etcd has them here: `(1 2 3)`. */
export function describeMajority(voters: Iterable<NodeId>): string {
  return `(${sortedIds(voters).map(String).join(" ")})`;
}

/** One half, or two joined by `&&`. */
export function describeJoint(config: JointConfig): string {
  const incoming = describeMajority(config.incoming);
  return config.outgoing.size > 0 ? `${incoming}&&${describeMajority(config.outgoing)}` : incoming;
}
