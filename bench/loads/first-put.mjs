/**
 * When members take writes again: puts go to each of them every few milliseconds, whatever became of those
 * before. The order `{ since: ms }` (of the epoch) comes with the kill of their leader; the answer `{ ms }`
 * is the time from then until the first acknowledgement of a put that was sent later.
 *
 * Orders: ports. Answers: `{ ready: true }` when all members have acknowledged a put.
 */
import { keyOf, PUT, putBody, valueOf } from "../client/bodies.mjs";
import { openConnection } from "../client/connection.mjs";
import { finish, lost, onOrders, orders, say } from "../client/report.mjs";

const STEP_MS = 5;
const VALUE_BYTES = 16;

const body = putBody(keyOf("failover/", 0), valueOf(VALUE_BYTES));
const connections = await Promise.all(orders.ports.map((port) => openConnection(port, lost)));
await Promise.all(connections.map((connection) => connection.ask(PUT, body)));
let sinceMs = Number.POSITIVE_INFINITY;

function done(status, _message, { context: sentMs }) {
  if (status.code === 0 && sentMs >= sinceMs) finish({ ms: performance.now() - sinceMs });
}

setInterval(() => {
  for (const connection of connections) connection.unary(PUT, body, done, performance.now());
}, STEP_MS);
onOrders(({ since }) => {
  sinceMs = since - performance.timeOrigin;
});
say({ ready: true });
