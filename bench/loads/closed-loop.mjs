/**
 * Calls per second: `clients` calls of one kind are always under way.
 *
 * Orders: port (or several, whose connections take turns), serverPid (or several), connections, clients, operation (put, range, serializable-range, lease-grant),
 * valueBytes, keySpace (number of different keys), seconds, warmupSeconds, tls (as `dial` takes it; plain when absent),
 * metadata (sent with every call).
 */
import { processCpuSeconds } from "../harness/process-figures.mjs";
import {
  grantBody,
  keyOf,
  LEASE_GRANT,
  PUT,
  putBody,
  RANGE,
  rangeBody,
  valueOf,
} from "../client/bodies.mjs";
import { describeStatus, openConnections } from "../client/connection.mjs";
import { Histogram } from "../client/histogram.mjs";
import { die, finish, lost, orders, sleep } from "../client/report.mjs";

const PREFIX = "bench/";
/** Seconds; longer than any run, so that no lease expires in one. */
const LEASE_TTL = 3600;

const { path, bodies } = makeRequests();
const latencies = new Histogram();
let measuring = false;
let next = 0;

function makeRequests() {
  const every = (make) => Array.from({ length: orders.keySpace }, (_, i) => make(keyOf(PREFIX, i)));
  switch (orders.operation) {
    case "put": {
      const value = valueOf(orders.valueBytes);
      return { path: PUT, bodies: every((key) => putBody(key, value)) };
    }
    case "range":
    case "serializable-range": {
      const serializable = orders.operation !== "range";
      return { path: RANGE, bodies: every((key) => rangeBody(key, { serializable })) };
    }
    case "lease-grant":
      return { path: LEASE_GRANT, bodies: [grantBody(LEASE_TTL)] };
    default:
      return die(`no such operation: ${orders.operation}`);
  }
}

/** One client: its next call begins where the one before ends. */
function call(client) {
  next = next + 1 >= bodies.length ? 0 : next + 1;
  client.connection.unary(path, bodies[next], done, client);
}

function done(status, _message, { context: client }) {
  if (status.code !== 0) die(describeStatus(status));
  const nowMs = performance.now();
  if (measuring) latencies.record(nowMs - client.atMs);
  client.atMs = nowMs;
  call(client);
}

/** Of all servers together. */
function serverCpuSeconds() {
  return [orders.serverPid].flat().reduce((sum, pid) => sum + processCpuSeconds(pid), 0);
}

const connections = await openConnections(orders.port, orders.connections, lost, orders.tls);
for (const connection of connections) connection.metadata = orders.metadata ?? connection.metadata;
for (let i = 0; i < orders.clients; i++) {
  call({ connection: connections[i % connections.length], atMs: performance.now() });
}
await sleep(orders.warmupSeconds * 1000);
measuring = true;
const startMs = performance.now();
const serverBefore = serverCpuSeconds();
const loadBefore = process.cpuUsage();
await sleep(orders.seconds * 1000);
measuring = false;
const elapsedSeconds = (performance.now() - startMs) / 1000;
const serverCpu = serverCpuSeconds() - serverBefore;
const loadCpu = process.cpuUsage(loadBefore);
finish({
  ...latencies.summary(),
  rate: latencies.count / elapsedSeconds,
  cpuUs: (serverCpu * 1e6) / latencies.count,
  loadCpu: (loadCpu.user + loadCpu.system) / 1e6 / elapsedSeconds,
});
