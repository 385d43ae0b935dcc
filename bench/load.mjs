/**
 * The load generator: one process, so that what it costs is not charged to the server. Speaks gRPC over
 * this project's own HTTP/2 client, without a promise or a closure per call.
 *
 *   node bench/load.mjs '{"port":2379,"connections":100,"clients":1000,"operation":"put",…}'
 *
 * Prints one JSON line: rate, latencies in milliseconds, errors.
 */
import { GrpcClientConnection } from "../dist/http2/grpc-client.js";
import { installPlatformBytes } from "../dist/platform/native-bytes.js";
import { dial } from "../dist/platform/socket-dial.js";
import {
  encodePutRequest,
  encodeRangeRequest,
  createPutRequest,
  createRangeRequest,
} from "../dist/wire/gen/rpc.js";

/**
 * @typedef {object} Load
 * @property {number} port
 * @property {number} connections
 * @property {number} clients   calls kept under way, spread over the connections
 * @property {"put" | "range" | "serializable-range"} operation
 * @property {number} valueBytes
 * @property {number} keySpace  number of different keys
 * @property {number} seconds   measured time
 * @property {number} warmupSeconds
 */

installPlatformBytes();
/** @type {Load} */
const load = JSON.parse(process.argv[2] ?? "{}");
const METADATA = [];
const PATHS = {
  put: "/etcdserverpb.KV/Put",
  range: "/etcdserverpb.KV/Range",
  "serializable-range": "/etcdserverpb.KV/Range",
};
const path = PATHS[load.operation];
const bodies = makeBodies();

/** Latencies in a histogram of 1 % steps from 1 µs to about 17 minutes. */
const BUCKETS_PER_E = 100;
const histogram = new Uint32Array(2100);
let measuring = false;
let calls = 0;
let failures = 0;
let firstFailure = "";
let slowestMs = 0;
let next = 0;
let stopped = false;

const workers = await connect();
for (const [index, worker] of workers.entries()) {
  const share =
    Math.floor(load.clients / workers.length) + (index < load.clients % workers.length ? 1 : 0);
  for (let i = 0; i < share; i++) worker.call();
}
await sleep(load.warmupSeconds * 1000);
measuring = true;
const cpuBefore = process.cpuUsage();
const startMs = performance.now();
await sleep(load.seconds * 1000);
const elapsedSeconds = (performance.now() - startMs) / 1000;
measuring = false;
stopped = true;
const cpu = process.cpuUsage(cpuBefore);
console.log(
  JSON.stringify({
    rate: calls / elapsedSeconds,
    calls,
    failures,
    firstFailure,
    p50: percentile(0.5),
    p99: percentile(0.99),
    slowest: slowestMs,
    loadCpuPerCallUs: (cpu.user + cpu.system) / calls,
  }),
);
process.exit(failures > 0 ? 1 : 0);

async function connect() {
  const streams = await Promise.all(
    Array.from({ length: load.connections }, () => dial(`127.0.0.1:${load.port}`, undefined)),
  );
  return streams.map((stream) => new Worker(stream));
}

/** One connection and the calls on it. */
function Worker(stream) {
  let writable = true;
  let flushScheduled = false;
  const flush = () => {
    flushScheduled = false;
    while (writable) {
      const output = engine.takeOutput();
      if (output === undefined) return;
      writable = stream.write(output);
    }
  };
  const engine = new GrpcClientConnection({
    authority: `127.0.0.1:${load.port}`,
    events: {
      onOutput() {
        if (flushScheduled) return;
        flushScheduled = true;
        setImmediate(flush);
      },
      onClosed(reason) {
        if (!stopped) fail(`connection closed: ${reason}`);
      },
      onInputWanted(wanted) {
        if (wanted) stream.resume();
        else stream.pause();
      },
    },
  });
  engine.start(performance.now());
  stream.setHandler({
    onBytes(bytes) {
      engine.receive(bytes, performance.now());
    },
    onWritable() {
      writable = true;
      flush();
    },
    onClosed(reason) {
      engine.socketClosed(reason);
    },
  });
  const done = (status, _message, call) => {
    if (status.code !== 0) fail(`code ${status.code}: ${status.message}`);
    if (measuring) record(performance.now() - call.context);
    if (!stopped) this.call();
  };
  this.call = () => {
    next = next + 1 === bodies.length ? 0 : next + 1;
    engine.unary(path, METADATA, bodies[next], {}, done).context = performance.now();
  };
}

function fail(text) {
  failures++;
  if (firstFailure === "") firstFailure = text;
}

function record(ms) {
  calls++;
  if (ms > slowestMs) slowestMs = ms;
  const bucket = Math.floor(Math.log(Math.max(ms * 1000, 1)) * BUCKETS_PER_E);
  histogram[Math.min(bucket, histogram.length - 1)]++;
}

function percentile(fraction) {
  let seen = 0;
  for (let bucket = 0; bucket < histogram.length; bucket++) {
    seen += histogram[bucket];
    if (seen >= calls * fraction) return Math.exp((bucket + 0.5) / BUCKETS_PER_E) / 1000;
  }
  return slowestMs;
}

function makeBodies() {
  const value = new Uint8Array(load.valueBytes).fill(0x76);
  return Array.from({ length: load.keySpace }, (_, index) => {
    const key = new TextEncoder().encode(`bench/${String(index).padStart(10, "0")}`);
    return load.operation === "put"
      ? encodePutRequest(createPutRequest({ key, value }))
      : encodeRangeRequest(createRangeRequest({ key, serializable: load.operation !== "range" }));
  });
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
