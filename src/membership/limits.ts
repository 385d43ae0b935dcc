/** Learners a cluster may hold at once: each one is fed by the leader alone. Source: etcd 3.5. */
export const LEARNERS_MAX = 1;
