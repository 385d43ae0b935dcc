/** Bounds of leases. Source: etcd server/lease/lessor.go. */

/** Longest time to live that can be asked for, about 285 years: what Go's duration can hold. */
export const LEASE_TTL_SECONDS_MAX = 9_000_000_000;

/**
 * Leases above which the expiries after a change of leader are spread: so many can be revoked in a second
 * by a member of etcd.
 */
export const SPREAD_LEASES_MIN = 1000;

/** Expiries within one second that are left as they are when they are spread: three quarters of those. */
export const SPREAD_EXPIRIES_PER_SECOND = 750;

/** Renewals that may wait for the revocation of one lease; clients that went away are among them. */
export const LEASE_WAITERS_MAX = 10_000;

/**
 * Renewed leases that one search for an expired one puts right, a few milliseconds of work; the next goes
 * on. So many come together only where as many clients fell silent at once.
 */
export const EXPIRY_LOOKS_MAX = 5_000;

/** Keys that are attached to a lease between two looks at who may write its keys, and then looked at alone. */
export const LEASE_UNCHECKED_KEYS_MAX = 10_000;
