/** Small truths about snapshots and hard states. */
import type { HardState, Snapshot } from "../wire/gen/raft.ts";
import { NONE } from "./node-id.ts";

/** The snapshot of nothing: index 0, no members. */
export function emptySnapshot(): Snapshot {
  const confState = {
    voters: [],
    learners: [],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
  return { data: undefined, metadata: { confState, index: 0, term: 0 } };
}

/** Reports whether there is no snapshot: older peers send an empty one where they mean none. */
export function isEmptySnapshot(snapshot: Snapshot | undefined): boolean {
  return snapshot === undefined || snapshot.metadata.index === 0;
}

/** Reports whether the hard state is the one of a node that never stored any. */
export function isEmptyHardState(state: HardState): boolean {
  return state.term === 0 && state.vote === NONE && state.commit === 0;
}
