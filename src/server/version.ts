/** What this program calls itself. */

/**
 * The release of etcd whose behaviour this program has: what clients and members are told as the server's
 * version, and what every test run compares it with.
 */
export const ETCD_VERSION = "3.5.16";

/** What etcd's tools call the version of the interface that they use. */
export const ETCD_API_VERSION = "3.5";

/** The version of this project; the same as in package.json. */
export const PROJECT_VERSION = "0.1.0";
