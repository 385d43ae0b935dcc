/**
 * Many leases with a key each that expire within one second, while puts go on at a steady pace. However
 * long granting them takes: each gets the whole number of seconds that ends closest to the same moment.
 *
 * Orders: port, connections, leases, ttlSeconds, rate (puts a second), valueBytes, timeoutSeconds.
 */
import { decodeLeaseGrantResponse } from "../../dist/wire/gen/rpc.js";
import {
  endOfPrefix,
  grantBody,
  keyOf,
  LEASE_GRANT,
  PUT,
  putBody,
  valueOf,
} from "../client/bodies.mjs";
import { describeStatus, openConnection, openConnections } from "../client/connection.mjs";
import { Histogram } from "../client/histogram.mjs";
import { die, finish, lost, orders, sleep } from "../client/report.mjs";
import { SteadyPuts } from "../client/steady-puts.mjs";
import { Watchers } from "../client/watchers.mjs";

const PREFIX = "leased/";
const GRANTS_UNDER_WAY = 1000;
/** Milliseconds before the first expiry in which the quiet latencies are measured. */
const QUIET_MS = 1500;

const targetMs = performance.now() + orders.ttlSeconds * 1000;
/** When each lease may expire at the earliest: its time to live after its grant was sent. Later in order. */
const expiryMs = new Float64Array(orders.leases);
const value = valueOf(orders.valueBytes);
const connections = await openConnections(orders.port, orders.connections, lost);

let begun = 0;
let attached = 0;
let onAttached = () => {};

function grantNext(connection) {
  if (begun === orders.leases) return;
  const nowMs = performance.now();
  const lease = begun++;
  const ttl = Math.round((targetMs - nowMs) / 1000);
  expiryMs[lease] = nowMs + ttl * 1000;
  connection.unary(LEASE_GRANT, grantBody(ttl), granted, { connection, lease, ttl });
}

function granted(status, message, { context }) {
  if (status.code !== 0) die(describeStatus(status));
  const { id, ttl } = decodeLeaseGrantResponse(message);
  if (ttl !== context.ttl) die(`a lease of ${context.ttl} s was granted for ${ttl} s`);
  context.connection.unary(PUT, putBody(keyOf(PREFIX, context.lease), value, id), put, context);
}

function put(status, _message, { context }) {
  if (status.code !== 0) die(describeStatus(status));
  if (++attached === orders.leases) onAttached();
  grantNext(context.connection);
}

/** How long after its expiry each key went: the earliest expiry is taken to go first, and so on. */
const lateness = new Histogram();
let gone = 0;
let goneMs = 0;
let onGone = () => {};

function countDeletes(count) {
  goneMs = performance.now();
  if (goneMs < expiryMs[0]) die("a lease expired early");
  for (let i = 0; i < count; i++) {
    if (gone === orders.leases) die("more keys went than there were");
    lateness.record(goneMs - expiryMs[gone++]);
  }
  if (gone === orders.leases) onGone();
}

const allAttached = new Promise((resolve) => (onAttached = resolve));
for (let i = 0; i < GRANTS_UNDER_WAY; i++) grantNext(connections[i % connections.length]);
await allAttached;
expiryMs.sort();
const [firstMs, lastMs] = [expiryMs[0], expiryMs[orders.leases - 1]];
const watching = [await openConnection(orders.port, lost)];
const watchers = new Watchers(watching, 1, countDeletes);
const prefix = new TextEncoder().encode(PREFIX);
await watchers.add([{ key: prefix, rangeEnd: endOfPrefix(PREFIX) }]);
const allGone = new Promise((resolve) => (onGone = resolve));
const puts = new SteadyPuts({ ...orders, connections, keys: 10_000, prefix: "bench/" });
const startMs = firstMs - QUIET_MS;
if (startMs < performance.now()) die("the time to live is too short for this machine");
await sleep(startMs - performance.now());
const quiet = puts.beginStretch();
await sleep(firstMs - performance.now());
const meanwhile = puts.beginStretch();
setTimeout(() => die(`${gone} of ${orders.leases} keys went`), orders.timeoutSeconds * 1000);
await allGone;
puts.beginStretch();
const [before, during] = [await quiet.summary(), await meanwhile.summary()];
finish({
  allGone: (goneMs - lastMs) / 1000,
  lateP50: lateness.percentile(0.5) / 1000,
  quietP99: before.p99,
  p99: during.p99,
  slowest: during.slowest,
  failed: during.failed,
});
