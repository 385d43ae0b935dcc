/** The lines of the log about who leads, which alerts look for. Source: etcd raft/node.go (run). */
import { NONE } from "../raft/node-id.ts";
import type { Log } from "../ports/log.ts";

/** Member `own` has learned in `term` that `to` leads instead of `from`; `NONE` is nobody. */
export function logLeader(log: Log, own: bigint, from: bigint, to: bigint, term: number): void {
  const [id, before, after] = [own, from, to].map((each) => each.toString(16));
  if (from === NONE) log.info(`raft.node: ${id} elected leader ${after} at term ${term}`);
  else if (to === NONE) log.info(`raft.node: ${id} lost leader ${before} at term ${term}`);
  else log.info(`raft.node: ${id} changed leader from ${before} to ${after} at term ${term}`);
}
