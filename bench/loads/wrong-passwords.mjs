/**
 * Guesses of a password, on each connection one after the other, as fast as they are answered; one that was
 * refused for want of room comes again a moment later.
 *
 * Orders: port, connections. Answers: `{ ready: true }`; then, asked with `{ end: true }`, how many guesses were
 * looked at, and how many were refused.
 */
import { openConnections } from "../client/connection.mjs";
import { finish, lost, onOrders, orders, say } from "../client/report.mjs";
import { AUTHENTICATE, guessBody } from "../client/users.mjs";

/** gRPC's code for a password that is wrong. */
const INVALID_ARGUMENT = 3;
const RETRY_MS = 10;

const figures = { looked: 0, refused: 0 };
let number = 0;

function guess(connection) {
  connection.unary(AUTHENTICATE, guessBody(number++), (status) => {
    if (status.code === INVALID_ARGUMENT) {
      figures.looked++;
      guess(connection);
    } else {
      figures.refused++;
      setTimeout(() => guess(connection), RETRY_MS);
    }
  });
}

for (const connection of await openConnections(orders.port, orders.connections, lost)) {
  guess(connection);
}
onOrders((order) => {
  if (order.end) finish(figures);
});
say({ ready: true });
