/**
 * Puts at a steady pace while something else goes on. Every order is `{ stretch: name }`: from now on puts
 * count to that stretch; `{ end: true }` ends the load when all puts of all stretches are answered.
 *
 * Orders: port, connections, rate, keys, valueBytes. Answers: `{ ready: true }`, then at the end the
 * latencies of each stretch by its name.
 */
import { openConnections } from "../client/connection.mjs";
import { die, finish, lost, onOrders, orders, say } from "../client/report.mjs";
import { SteadyPuts } from "../client/steady-puts.mjs";

const stretches = {};
const connections = await openConnections(orders.port, orders.connections, lost);
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
