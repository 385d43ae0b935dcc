/** Every kind of benchmark, in the order of the README. */
import { authFlood } from "./auth-flood.mjs";
import { authPuts } from "./auth-puts.mjs";
import { badClients } from "./bad-clients.mjs";
import { catchUp } from "./catch-up.mjs";
import { clusterPuts } from "./cluster-puts.mjs";
import { failover } from "./failover.mjs";
import { followerReads } from "./follower-reads.mjs";
import { gatewayPuts } from "./gateway-puts.mjs";
import { leaseExpiry } from "./lease-expiry.mjs";
import { leaseRates } from "./lease-rates.mjs";
import { loadGenerator } from "./load-generator.mjs";
import { maintenance } from "./maintenance.mjs";
import { millionKeys } from "./million-keys.mjs";
import { throughput } from "./throughput.mjs";
import { tlsPuts } from "./tls-puts.mjs";
import { toolStartup } from "./tool-startup.mjs";
import { watchEvents } from "./watch-events.mjs";
import { watchLatency } from "./watch-latency.mjs";
import { watchMemory } from "./watch-memory.mjs";

/**
 * @typedef {object} Run  one round of a kind on one server
 * @property {import("../harness/servers.mjs").Candidate} candidate
 * @property {number} seconds  how long a load is measured
 * @property {boolean} quick   small sizes: to see that it works
 * @property {number} failovers how often the leader of a cluster is killed
 * @property {boolean} rebuild databases are built anew
 * @property {(options?: { folder?: string, args?: string[], healthPort?: number }) => Promise<import("../harness/servers.mjs").Server>} startServer
 *   in a fresh folder, or on what is in `folder`; with more flags
 * @property {() => Promise<import("../harness/clusters.mjs").Cluster>} startCluster  three members, in fresh folders
 * @property {(server: import("../harness/servers.mjs").Server) => Promise<void>} stopServer and removes its folder
 * @property {(row: string) => boolean} wants  whether the row was asked for
 * @property {(row: string, figures: Record<string, number>) => void} record
 */

/**
 * @typedef {object} Kind
 * @property {string} name
 * @property {string} title
 * @property {(run: Pick<Run, "seconds" | "quick" | "failovers">) => string} about  what was done
 * @property {import("../harness/tables.mjs").Column[]} columns
 * @property {string[]} rows
 * @property {(run: Run) => Promise<void>} measure  servers it leaves are stopped and removed
 */

/** @type {Kind[]} */
export const KINDS = [
  throughput,
  tlsPuts,
  authPuts,
  gatewayPuts,
  watchLatency,
  watchEvents,
  watchMemory,
  leaseRates,
  leaseExpiry,
  maintenance,
  millionKeys,
  clusterPuts,
  followerReads,
  failover,
  catchUp,
  badClients,
  authFlood,
  toolStartup,
  loadGenerator,
];
