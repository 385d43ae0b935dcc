/** Go's JSON of a raftpb.ConfState, as bucket `meta` keeps it. Ids are numbers beyond 2^53. */
import type { ConfState } from "../wire/gen/raft.ts";

export function encodeConfState(state: ConfState): string {
  const fields = [`"voters":[${state.voters.join(",")}]`];
  if (state.learners.length > 0) fields.push(`"learners":[${state.learners.join(",")}]`);
  if (state.votersOutgoing.length > 0) {
    fields.push(`"voters_outgoing":[${state.votersOutgoing.join(",")}]`);
  }
  if (state.learnersNext.length > 0) {
    fields.push(`"learners_next":[${state.learnersNext.join(",")}]`);
  }
  fields.push(`"auto_leave":${state.autoLeave}`);
  return `{${fields.join(",")}}`;
}
