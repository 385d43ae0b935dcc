/**
 * Members that are nothing but their ends of the network, over real sockets: what they are told is kept.
 */
import { PeerMetrics } from "../../src/peer/metrics.ts";
import { MetricsRegistry } from "../../src/stdx/metrics/registry.ts";
import { HttpPeerNetwork } from "../../src/peer/http-network.ts";
import type {
  LocalPeer,
  PeerReceiver,
  PeerRequest,
  PeerResponse,
  SnapshotSink,
  SnapshotSource,
  Transport,
} from "../../src/peer/network.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { createHttpClient } from "../../src/platform/http-client.ts";
import { createHttpServer } from "../../src/platform/http-server.ts";
import { listenOn } from "../../src/platform/tcp.ts";
import { bytesFromUtf8, concatBytes, EMPTY_BYTES } from "../../src/stdx/bytes.ts";
import type { Message } from "../../src/wire/gen/raft.ts";
import { MemoryLog } from "../../sim/memory-log.ts";

const CLUSTER_ID = 0xc1n;
const UNTIL_MS = 20_000;

/** Waits until `isTrue`, or fails with `what`. */
export async function until(what: string, isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + UNTIL_MS;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export interface PeerEndOptions {
  readonly id: bigint;
  readonly clusterId?: bigint;
  readonly serverVersion?: string;
  readonly timeoutMs?: number;
  /** A free one when absent. */
  readonly port?: number;
}

/** One member's end, listening on a port of its own. */
export class PeerEnd {
  readonly messages: Message[] = [];
  readonly unreachable: bigint[] = [];
  readonly snapshotsSent: { id: bigint; delivered: boolean }[] = [];
  readonly requests: PeerRequest[] = [];
  readonly removed = new Set<bigint>();
  /** Databases that arrived or are arriving, with how they ended. */
  readonly databases: { message: Message; chunks: Uint8Array[]; end: string }[] = [];
  readonly log: MemoryLog;
  readonly metrics: PeerMetrics;
  removals = 0;
  /** Called for every message that arrives. */
  onMessage: (message: Message) => void = () => {};
  /** What a sink answers to `finish`. */
  finishFailure: Error | undefined;
  /** How long a sink takes for each write. */
  sinkDelayMs = 0;
  /** Called for every database that arrived whole. */
  onSnapshot: (message: Message) => void = () => {};
  onUnreachable: (id: bigint) => void = () => {};
  onSnapshotSent: (id: bigint, delivered: boolean) => void = () => {};
  readonly self: LocalPeer;
  readonly url: string;
  readonly network: HttpPeerNetwork;
  readonly transport: Transport;
  readonly #close: () => void;

  constructor(
    self: LocalPeer,
    network: HttpPeerNetwork,
    { log, metrics }: Pick<PeerEnd, "log" | "metrics">,
    close: () => void,
  ) {
    this.self = self;
    this.url = self.peerUrls[0];
    this.network = network;
    this.log = log;
    this.metrics = metrics;
    this.#close = close;
    this.transport = network.join(self, this.#receiver());
  }

  stop(): void {
    this.transport.stop();
    this.#close();
  }

  #receiver(): PeerReceiver {
    return {
      onMessage: (message) => {
        this.messages.push(message);
        this.onMessage(message);
      },
      onSnapshot: (message) => this.#sink(message),
      onUnreachable: (id) => {
        this.unreachable.push(id);
        this.onUnreachable(id);
      },
      onSnapshotSent: (id, delivered) => {
        this.snapshotsSent.push({ id, delivered });
        this.onSnapshotSent(id, delivered);
      },
      onRemoved: () => this.removals++,
      isRemoved: (id) => this.removed.has(id),
      onRequest: (request, respond) => {
        this.requests.push(request);
        respond(answerTo(request));
      },
    };
  }

  #sink(message: Message): SnapshotSink {
    const database = { message, chunks: [] as Uint8Array[], end: "" };
    this.databases.push(database);
    return {
      write: (chunk, done) => {
        database.chunks.push(chunk.slice());
        setTimeout(() => done(undefined), this.sinkDelayMs);
      },
      finish: (done) => {
        database.end = "finished";
        if (this.finishFailure === undefined) this.onSnapshot(message);
        setImmediate(() => done(this.finishFailure));
      },
      abort: (reason) => {
        database.end = reason;
      },
    };
  }
}

function answerTo({ path, body }: PeerRequest): PeerResponse {
  const text = concatBytes([bytesFromUtf8(`${path} `), body]);
  return { status: 200, headers: { "Content-Type": "text/plain" }, body: text };
}

/** Starts one end, which listens but knows nobody. */
export async function startPeerEnd(options: PeerEndOptions): Promise<PeerEnd> {
  const {
    id,
    clusterId = CLUSTER_ID,
    serverVersion = "3.5.16",
    timeoutMs = 5000,
    port = 0,
  } = options;
  const log = new MemoryLog();
  const metrics = new PeerMetrics(new MetricsRegistry());
  const http = createHttpClient();
  const network = new HttpPeerNetwork({
    metrics,
    http,
    clock: systemClock,
    log,
    serverVersion,
    dialTimeoutMs: timeoutMs,
    readTimeoutMs: timeoutMs,
  });
  const server = createHttpServer(
    { readTimeoutMs: timeoutMs, writeTimeoutMs: timeoutMs, idleTimeoutMs: timeoutMs },
    (request) => network.serve(request),
  );
  const listener = await listenOn({ kind: "tcp", host: "127.0.0.1", port }, (stream) =>
    server.serve(stream, EMPTY_BYTES),
  );
  const url = `http://127.0.0.1:${listener.port}`;
  return new PeerEnd({ id, clusterId, peerUrls: [url] }, network, { log, metrics }, () => {
    listener.close();
    server.destroy();
    http.close();
  });
}

/** Two ends that know each other, with all four streams open. */
export async function startPair(): Promise<[PeerEnd, PeerEnd]> {
  const [a, b] = await Promise.all([startPeerEnd({ id: 1n }), startPeerEnd({ id: 2n })]);
  connect(a, b);
  connect(b, a);
  await until("all streams are open", () => streamsOpen(a) === 2 && streamsOpen(b) === 2);
  return [a, b];
}

/** Tells `end` of `other`. */
export function connect(end: PeerEnd, other: PeerEnd): void {
  end.transport.setPeer(other.self.id, other.self.peerUrls);
}

/** Streams to send on that `end` was ever given. */
export function streamsOpen(end: PeerEnd): number {
  const line = "established TCP streaming connection with remote peer";
  return linesOf(end, line).filter((fields) => "stream-writer-type" in fields).length;
}

/** The fields of every line of the log with this message. */
export function linesOf(end: PeerEnd, message: string): Record<string, unknown>[] {
  return end.log.lines
    .filter((line) => line.message === message)
    .map((line) => ({ ...line.fields }));
}

/** A database of bytes in memory. */
export function sourceOf(chunks: readonly Uint8Array[]): SnapshotSource & { closed: boolean } {
  let next = 0;
  return {
    bytes: chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    closed: false,
    next: (done) => {
      const chunk = chunks[next++];
      setImmediate(() => done(chunk));
    },
    close() {
      this.closed = true;
    },
  };
}
