/**
 * Puts one after the other, each watched by many or among many: how long until the events are there, from
 * when the put was sent and from when it was acknowledged. The next put goes out when every event of the
 * one before has come.
 *
 * Orders: port, serverPid, connections, streams, watchers, sameKey, valueBytes, seconds, warmupSeconds.
 */
import { keyOf, PUT, putBody, valueOf } from "../client/bodies.mjs";
import { describeStatus, openConnection, openConnections } from "../client/connection.mjs";
import { Histogram } from "../client/histogram.mjs";
import { die, finish, lost, orders, sleep } from "../client/report.mjs";
import { Watchers } from "../client/watchers.mjs";
import { processCpuSeconds } from "../harness/process-figures.mjs";

const PREFIX = "watched/";
/** Milliseconds until the events of one put must have come. */
const EVENTS_TIMEOUT_MS = 30_000;
/** Milliseconds between puts, so that each finds a server at rest. */
const PAUSE_MS = 2;

const fromSent = new Histogram();
const fromAcknowledged = new Histogram();
const keys = Array.from({ length: orders.sameKey ? 1 : orders.watchers }, (_, i) => ({
  key: keyOf(PREFIX, i),
}));
const expected = orders.sameKey ? orders.watchers : 1;
const bodies = keys.map(({ key }) => putBody(key, valueOf(orders.valueBytes)));

/** When each event of the put under way came; turned into latencies after the last. */
const arrivedMs = new Float64Array(expected);
let arrived = 0;
let acknowledgedMs = 0;
let onComplete = () => {};

function onEvents(count) {
  const nowMs = performance.now();
  if (arrived + count > expected) die(`${arrived + count} events of one put`);
  for (let i = 0; i < count; i++) arrivedMs[arrived++] = nowMs;
  completeIfAll();
}

function acknowledged(status) {
  if (status.code !== 0) die(describeStatus(status));
  acknowledgedMs = performance.now();
  completeIfAll();
}

function completeIfAll() {
  if (arrived === expected && acknowledgedMs > 0) onComplete();
}

async function putOnce(connection, body) {
  arrived = 0;
  acknowledgedMs = 0;
  const complete = new Promise((resolve) => (onComplete = resolve));
  const late = setTimeout(
    () => die(`${arrived} of ${expected} events came in ${EVENTS_TIMEOUT_MS} ms`),
    EVENTS_TIMEOUT_MS,
  );
  const sentMs = performance.now();
  connection.unary(PUT, body, acknowledged);
  await complete;
  clearTimeout(late);
  return sentMs;
}

async function putFor(connection, seconds, record) {
  const endMs = performance.now() + seconds * 1000;
  let puts = 0;
  for (; performance.now() < endMs || puts === 0; puts++) {
    const sentMs = await putOnce(connection, bodies[puts % bodies.length]);
    for (let i = 0; record && i < expected; i++) {
      fromSent.record(arrivedMs[i] - sentMs);
      fromAcknowledged.record(arrivedMs[i] - acknowledgedMs);
    }
    await sleep(PAUSE_MS);
  }
  return puts;
}

const putting = await openConnection(orders.port, lost);
const connections = await openConnections(orders.port, orders.connections, lost);
const watchers = new Watchers(connections, orders.streams, onEvents);
await watchers.add(Array.from({ length: orders.watchers }, (_, i) => keys[i % keys.length]));
await putFor(putting, orders.warmupSeconds, false);
const serverBefore = processCpuSeconds(orders.serverPid);
const puts = await putFor(putting, orders.seconds, true);
const serverCpu = processCpuSeconds(orders.serverPid) - serverBefore;
finish({
  puts,
  sentP50: fromSent.percentile(0.5),
  sentP99: fromSent.percentile(0.99),
  acknowledgedP50: fromAcknowledged.percentile(0.5),
  acknowledgedP99: fromAcknowledged.percentile(0.99),
  cpuUs: (serverCpu * 1e6) / (puts * expected),
});
