/** Bounds of leases. Source: etcd server/lease/lessor.go. */

/** Longest time to live that can be asked for, about 285 years: what Go's duration can hold. */
export const LEASE_TTL_SECONDS_MAX = 9_000_000_000;
