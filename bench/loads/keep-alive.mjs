/**
 * Lease keep-alives per second: `streams` streams of one lease each, `window` keep-alives under way on each.
 *
 * Orders: port, serverPid, connections, streams, window, seconds, warmupSeconds.
 */
import { decodeLeaseGrantResponse, decodeLeaseKeepAliveResponse } from "../../dist/wire/gen/rpc.js";
import { grantBody, keepAliveBody, LEASE_GRANT, LEASE_KEEP_ALIVE } from "../client/bodies.mjs";
import { describeStatus, openConnections } from "../client/connection.mjs";
import { Histogram } from "../client/histogram.mjs";
import { die, finish, lost, orders, sleep } from "../client/report.mjs";
import { processCpuSeconds } from "../harness/process-figures.mjs";

/** Seconds; longer than any run. */
const LEASE_TTL = 3600;

const latencies = new Histogram();
let measuring = false;

const handlers = {
  onMessage(call, message) {
    const lease = call.context;
    if (!lease.checked) check(lease, message);
    const nowMs = performance.now();
    // Answers of one stream come in order, so the oldest of its keep-alives is the one answered.
    if (measuring) latencies.record(nowMs - lease.sentMs[lease.at]);
    lease.sentMs[lease.at] = nowMs;
    lease.at = lease.at + 1 === orders.window ? 0 : lease.at + 1;
    call.sendMessage(lease.body);
  },
  onStatus: (_call, status) => die(`a keep-alive stream ended: ${describeStatus(status)}`),
};

/** The first answer of each stream is read: its lease must be there. */
function check(lease, message) {
  const { id, ttl } = decodeLeaseKeepAliveResponse(message);
  if (id !== lease.id || ttl <= 0) die(`lease ${id} was kept alive with a time to live of ${ttl}`);
  lease.checked = true;
}

async function openStream(connection) {
  const { id } = decodeLeaseGrantResponse(await connection.ask(LEASE_GRANT, grantBody(LEASE_TTL)));
  const sentMs = new Float64Array(orders.window);
  const lease = { id, body: keepAliveBody(id), sentMs, at: 0, checked: false };
  return connection.stream(LEASE_KEEP_ALIVE, handlers, lease);
}

const connections = await openConnections(orders.port, orders.connections, lost);
const calls = await Promise.all(
  Array.from({ length: orders.streams }, (_, index) =>
    openStream(connections[index % connections.length]),
  ),
);
for (const call of calls) {
  call.context.sentMs.fill(performance.now());
  for (let i = 0; i < orders.window; i++) call.sendMessage(call.context.body);
}
await sleep(orders.warmupSeconds * 1000);
measuring = true;
const startMs = performance.now();
const serverBefore = processCpuSeconds(orders.serverPid);
await sleep(orders.seconds * 1000);
measuring = false;
const serverCpu = processCpuSeconds(orders.serverPid) - serverBefore;
finish({
  ...latencies.summary(),
  rate: latencies.count / ((performance.now() - startMs) / 1000),
  cpuUs: (serverCpu * 1e6) / latencies.count,
});
