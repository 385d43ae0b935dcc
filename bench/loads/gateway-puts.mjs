/**
 * JSON puts per second: each client has a connection of its own and sends its next put when the one before is
 * answered.
 *
 * Orders: port, serverPid, clients, valueBytes, keySpace (number of different keys), seconds, warmupSeconds.
 */
import net from "node:net";
import { keyOf, valueOf } from "../client/bodies.mjs";
import { Histogram } from "../client/histogram.mjs";
import { die, finish, orders, sleep } from "../client/report.mjs";
import { processCpuSeconds } from "../harness/process-figures.mjs";

const requests = makeRequests();
const latencies = new Histogram();
let measuring = false;
let next = 0;

function makeRequests() {
  const value = Buffer.from(valueOf(orders.valueBytes)).toString("base64");
  return Array.from({ length: orders.keySpace }, (_, i) => {
    const key = Buffer.from(keyOf("bench/", i)).toString("base64");
    const body = `{"key":"${key}","value":"${value}"}`;
    const head =
      `POST /v3/kv/put HTTP/1.1\r\nHost: 127.0.0.1:${orders.port}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    return Buffer.from(head + body, "latin1");
  });
}

/** One connection and its client. */
class Client {
  #socket;
  #received = "";
  #atMs = 0;

  constructor() {
    this.#socket = net.connect({ port: orders.port, host: "127.0.0.1", noDelay: true });
    this.#socket.setEncoding("latin1");
    this.#socket.on("data", (chunk) => this.#receive(chunk));
    this.#socket.on("error", (error) => die(error.message));
    this.#socket.on("end", () => die("a connection was closed"));
    this.#send();
  }

  #send() {
    next = next + 1 >= requests.length ? 0 : next + 1;
    this.#atMs = performance.now();
    this.#socket.write(requests[next]);
  }

  #receive(chunk) {
    this.#received += chunk;
    const headEnd = this.#received.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const head = this.#received.slice(0, headEnd);
    const length = Number(
      /^content-length: (\d+)$/im.exec(head)?.[1] ?? die(`odd answer: ${head}`),
    );
    if (this.#received.length < headEnd + 4 + length) return;
    if (!head.startsWith("HTTP/1.1 200")) die(this.#received);
    this.#received = this.#received.slice(headEnd + 4 + length);
    if (measuring) latencies.record(performance.now() - this.#atMs);
    this.#send();
  }
}

for (let i = 0; i < orders.clients; i++) new Client();
await sleep(orders.warmupSeconds * 1000);
measuring = true;
const startMs = performance.now();
const serverBefore = processCpuSeconds(orders.serverPid);
await sleep(orders.seconds * 1000);
measuring = false;
const elapsedSeconds = (performance.now() - startMs) / 1000;
const serverCpu = processCpuSeconds(orders.serverPid) - serverBefore;
finish({
  ...latencies.summary(),
  rate: latencies.count / elapsedSeconds,
  cpuUs: (serverCpu * 1e6) / latencies.count,
});
