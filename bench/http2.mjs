// @ts-check
/**
 * Unary gRPC calls per second of src/http2, in memory: both sides together, and the server alone against a
 * recorded client. One call is a 256-byte request and a 40-byte answer; calls come in batches as a socket
 * would bring them.
 *
 *   npx tsc -b src/http2 src/platform && node bench/http2.mjs [both|server|deadline|large ...]
 */
import { GrpcClientConnection } from "../dist/http2/grpc-client.js";
import { GrpcServerConnection } from "../dist/http2/grpc-server.js";
import { installPlatformBytes } from "../dist/platform/native-bytes.js";

const PATH = "/etcdserverpb.KV/Put";
const BATCH = 100;
const ROUND_MS = 700;
const ROUNDS = 4;

installPlatformBytes();

const answer = new Uint8Array(40).fill(7);

/** @type {import("../dist/http2/grpc-server-types.js").GrpcMethodHandler} */
const echo = {
  kind: "unary",
  onMessage: (call) => call.sendUnary(answer),
  onHalfClose: () => {},
  onCancel: () => {},
};
const config = { lookup: (/** @type {string} */ path) => (path === PATH ? echo : undefined) };
const events = { onOutput: () => {}, onClosed: () => {} };
const clock = { nowMs: () => performance.now() };

function newServer() {
  const server = new GrpcServerConnection({ config, events });
  server.start(0);
  return server;
}

function newClient() {
  const client = new GrpcClientConnection({ authority: "127.0.0.1:2379", events, clock });
  client.start(0);
  return client;
}

/**
 * Moves all bytes from one side to the other.
 * @param {import("../dist/http2/endpoint.js").Http2Endpoint} from
 * @param {import("../dist/http2/endpoint.js").Http2Endpoint} to
 */
function carry(from, to) {
  for (let bytes = from.takeOutput(); bytes !== undefined; bytes = from.takeOutput()) {
    to.receive(bytes, 1);
  }
}

/**
 * Best of a few rounds: the others had a neighbour on the machine.
 * @param {string} name
 * @param {number} callsPerRun
 * @param {() => void} run
 */
function measure(name, callsPerRun, run) {
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    let calls = 0;
    while (performance.now() - start < ROUND_MS) {
      for (let i = 0; i < 20; i++) run();
      calls += 20 * callsPerRun;
    }
    best = Math.max(best, calls / (performance.now() - start));
  }
  const micros = (1000 / best).toFixed(2);
  console.log(
    `${name.padEnd(44)} ${(1000 * best).toFixed(0).padStart(9)} calls/s  ${micros} us each`,
  );
}

/**
 * @param {string} name
 * @param {number} bodyBytes
 * @param {import("../dist/http2/grpc-client-types.js").GrpcCallOptions} options
 */
function both(name, bodyBytes, options) {
  const server = newServer();
  const client = newClient();
  const body = new Uint8Array(bodyBytes).fill(3);
  let done = 0;
  const onDone = () => {
    done++;
  };
  measure(name, BATCH, () => {
    for (let i = 0; i < BATCH; i++) client.unary(PATH, [], body, options, onDone);
    const before = done;
    while (done - before < BATCH) {
      carry(client, server);
      carry(server, client);
    }
  });
}

/** The bytes of a client's batches, with stream numbers to be patched; the server's answers are dropped. */
function serverAlone() {
  const server = newServer();
  const client = newClient();
  const body = new Uint8Array(256).fill(3);
  for (let i = 0; i < 4; i++) {
    client.unary(PATH, [], body, {}, () => {});
    carry(client, server);
    carry(server, client);
  }
  for (let i = 0; i < BATCH; i++) client.unary(PATH, [], body, {}, () => {});
  const batch = client.takeOutput() ?? new Uint8Array(0);
  const view = new DataView(batch.buffer, batch.byteOffset, batch.length);
  let first = view.getUint32(5);
  const windowUpdate = new Uint8Array([
    0,
    0,
    4,
    8,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    (45 * BATCH) >> 8,
    (45 * BATCH) & 255,
  ]);
  const perCall = batch.length / BATCH;
  measure("server alone", BATCH, () => {
    for (let at = 0, id = first; at < batch.length; at += perCall, id += 2) {
      view.setUint32(at + 5, id);
      view.setUint32(at + 9 + ((view.getUint16(at) << 8) | batch[at + 2]) + 5, id);
    }
    first += 2 * BATCH;
    if (first > 0x7ff00000) throw new Error("Cannot go on: stream numbers are used up");
    server.receive(batch, 1);
    let bytes = 0;
    for (let out = server.takeOutput(); out !== undefined; out = server.takeOutput())
      bytes += out.length;
    if (bytes < 60 * BATCH) throw new Error(`Cannot be all answers: ${bytes} bytes`);
    server.receive(windowUpdate, performance.now());
  });
}

/** @type {Record<string, () => void>} */
const benches = {
  server: serverAlone,
  both: () => both("client and server", 256, {}),
  deadline: () => both("client and server, with grpc-timeout", 256, { deadlineMs: 1e9 }),
  large: () => both("client and server, 100 kB requests", 100_000, {}),
};

const chosen = process.argv.slice(2);
for (const name of chosen.length > 0 ? chosen : Object.keys(benches)) benches[name]();
