/**
 * `steady-puts` by a user: turns authentication on, and puts with a token.
 *
 * Orders and answers: those of `steady-puts`.
 */
import { openConnections } from "../client/connection.mjs";
import { die, finish, lost, onOrders, orders, say } from "../client/report.mjs";
import { SteadyPuts } from "../client/steady-puts.mjs";
import { enableAuthentication, writerMetadata } from "../client/users.mjs";

const stretches = {};
const connections = await openConnections(orders.port, orders.connections, lost);
await enableAuthentication(connections[0]);
const metadata = await writerMetadata(connections[0]);
for (const connection of connections) connection.metadata = metadata;
const puts = new SteadyPuts({ ...orders, connections, prefix: "bench/" });

async function end() {
  const figures = [];
  for (const [name, stretch] of Object.entries(stretches)) {
    figures.push([name, await stretch.summary()]);
  }
  finish(Object.fromEntries(figures));
}

onOrders((order) => {
  if (order.end) end().catch(die);
  else stretches[order.stretch] = puts.beginStretch();
});
say({ ready: true });
