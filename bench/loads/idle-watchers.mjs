/**
 * Memory of watchers that wait: what is resident before and after they are created, each time at rest.
 *
 * Orders: port, serverPid, connections, streams (there before), watchers (added on them, of different keys)
 * or addedStreams (of one watcher each), settleSeconds.
 */
import { keyOf } from "../client/bodies.mjs";
import { openConnections } from "../client/connection.mjs";
import { finish, lost, orders, sleep } from "../client/report.mjs";
import { Watchers } from "../client/watchers.mjs";
import { processMemory } from "../harness/process-figures.mjs";

const PREFIX = "watched/";
const ranges = (from, count) =>
  Array.from({ length: count }, (_, index) => ({ key: keyOf(PREFIX, from + index) }));

async function residentAtRest() {
  await sleep(orders.settleSeconds * 1000);
  return processMemory(orders.serverPid).resident;
}

const connections = await openConnections(orders.port, orders.connections, lost);
const there = new Watchers(connections, orders.streams, () => {});
await there.add(ranges(0, orders.streams));
const before = await residentAtRest();
const startMs = performance.now();
let added = orders.watchers;
if (orders.addedStreams > 0) {
  added = orders.addedStreams;
  const more = new Watchers(connections, added, () => {});
  await more.add(ranges(orders.streams, added));
} else {
  await there.add(ranges(orders.streams, added));
}
const createSeconds = (performance.now() - startMs) / 1000;
const after = await residentAtRest();
finish({
  bytesEach: (after - before) / added,
  createdRate: added / createSeconds,
  resident: after / 1e6,
  peak: processMemory(orders.serverPid).peak / 1e6,
});
