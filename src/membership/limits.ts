/** Learners a cluster may hold at once: each one is fed by the leader alone. Source: etcd 3.5. */
export const LEARNERS_MAX = 1;

/** Members that a cluster can be restored with: as many as the event history of the v2 store has slots. */
export const FOUNDING_MEMBERS_MAX = 1000;
