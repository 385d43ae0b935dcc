/**
 * Puts a given number of key-values as fast as the server takes them, `perTxn` in a transaction.
 *
 * Orders: port, connections, clients, prefix, keys (different ones, in turn), count (puts), valueBytes, perTxn.
 */
import { keyOf, PUT, putBody, putsBody, TXN, valueOf } from "../client/bodies.mjs";
import { describeStatus, openConnections } from "../client/connection.mjs";
import { die, finish, lost, orders } from "../client/report.mjs";

const value = valueOf(orders.valueBytes);
let put = 0;
let underWay = 0;

function call(connection) {
  const size = Math.min(orders.perTxn, orders.count - put);
  if (size === 0) {
    if (underWay === 0) finish({ rate: orders.count / ((performance.now() - startMs) / 1000) });
    return;
  }
  underWay++;
  const keys = Array.from({ length: size }, () => keyOf(orders.prefix, put++ % orders.keys));
  if (orders.perTxn === 1) connection.unary(PUT, putBody(keys[0], value), done, connection);
  else connection.unary(TXN, putsBody(keys, value), done, connection);
}

function done(status, _message, { context: connection }) {
  if (status.code !== 0) die(describeStatus(status));
  underWay--;
  call(connection);
}

const connections = await openConnections(orders.port, orders.connections, lost);
const startMs = performance.now();
for (let i = 0; i < orders.clients; i++) call(connections[i % connections.length]);
