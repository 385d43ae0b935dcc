/**
 * Clients with bad manners, all kinds in equal numbers. Who is thrown out comes again a moment later.
 *
 * Orders: port, clients, prefix. Answers: `{ ready: true }` when all have connected; then, asked with
 * `{ end: true }`, how many connections there were and how many of them the server ended.
 */
import net from "node:net";
import os from "node:os";
import { badManners, STEP_MS } from "../client/bad-manners.mjs";
import { finish, onOrders, orders, say } from "../client/report.mjs";

/** What they burn is not the server's to bear: elsewhere they would have machines of their own. */
os.setPriority(os.constants.priority.PRIORITY_LOW);

/** Milliseconds until one that was thrown out comes again. */
const RETURN_MS = 500;

const manners = Object.values(badManners(new TextEncoder().encode(orders.prefix)));
const figures = { connections: 0, ended: 0 };
let connected = 0;

function begin(manner) {
  const socket = net.connect({ port: orders.port, host: "127.0.0.1", noDelay: true });
  let step;
  figures.connections++;
  socket.on("connect", () => {
    if (++connected === orders.clients) say({ ready: true });
    const act = manner(socket);
    if (act !== undefined)
      step = setInterval(() => socket.writable && actOnce(socket, act), STEP_MS);
  });
  socket.on("data", () => {});
  socket.on("error", () => {});
  socket.on("close", () => {
    figures.ended++;
    clearInterval(step);
    setTimeout(() => begin(manner), RETURN_MS);
  });
}

/** Does not gather what the server does not take. */
function actOnce(socket, act) {
  if (socket.writableLength === 0) act();
}

for (let i = 0; i < orders.clients; i++) {
  setTimeout(() => begin(manners[i % manners.length]), (i * STEP_MS) / orders.clients);
}
onOrders((order) => {
  if (order.end) finish(figures);
});
