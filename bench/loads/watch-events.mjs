/**
 * Events per second: many watchers of one key, and puts as fast as their events are delivered: at most
 * `window` puts are sent of which not every watcher has heard.
 *
 * Orders: port, serverPid, connections, streams, watchers, window, valueBytes, seconds, warmupSeconds.
 */
import { keyOf, PUT, putBody, valueOf } from "../client/bodies.mjs";
import { describeStatus, openConnection, openConnections } from "../client/connection.mjs";
import { die, finish, lost, orders, sleep } from "../client/report.mjs";
import { Watchers } from "../client/watchers.mjs";
import { processCpuSeconds } from "../harness/process-figures.mjs";

/** Milliseconds without an event after which the server is given up. */
const STALL_MS = 30_000;

const key = keyOf("watched/", 0);
const body = putBody(key, valueOf(orders.valueBytes));
let sent = 0;
let events = 0;

const acknowledged = (status) => {
  if (status.code !== 0) die(describeStatus(status));
};

function putWhatFits() {
  while (sent - Math.floor(events / orders.watchers) < orders.window) {
    sent++;
    putting.unary(PUT, body, acknowledged);
  }
}

const putting = await openConnection(orders.port, lost);
const connections = await openConnections(orders.port, orders.connections, lost);
const watchers = new Watchers(connections, orders.streams, (count) => {
  events += count;
  putWhatFits();
});
const range = { key };
await watchers.add(Array.from({ length: orders.watchers }, () => range));
let seen = -1;
setInterval(() => {
  if (events === seen) die(`no event in ${STALL_MS} ms, after ${events} of ${sent} puts`);
  seen = events;
}, STALL_MS);
putWhatFits();
await sleep(orders.warmupSeconds * 1000);
const before = { events, startMs: performance.now(), load: process.cpuUsage() };
const serverBefore = processCpuSeconds(orders.serverPid);
await sleep(orders.seconds * 1000);
const delivered = events - before.events;
const elapsedSeconds = (performance.now() - before.startMs) / 1000;
const loadCpu = process.cpuUsage(before.load);
finish({
  rate: delivered / elapsedSeconds,
  puts: delivered / orders.watchers / elapsedSeconds,
  cpuUs: ((processCpuSeconds(orders.serverPid) - serverBefore) * 1e6) / delivered,
  loadCpu: (loadCpu.user + loadCpu.system) / 1e6 / elapsedSeconds,
});
