/**
 * Sends databases to a peer that lags too far behind: one request whose body is the message and then the
 * database, as fast as the peer takes it.
 *
 * Source: etcd server/etcdserver/api/rafthttp (snapshot_sender.go).
 */
import type { Timer } from "../ports/clock.ts";
import type { HeaderOf, HttpExchange, HttpResponseHandler } from "../ports/http.ts";
import type { LogFields } from "../ports/log.ts";
import { humanBytes } from "../stdx/humanize.ts";
import type { Message } from "../wire/gen/raft.ts";
import { ResponseCollector } from "./collected-response.ts";
import { requestHeaders } from "./headers.ts";
import { SHORT_RESPONSE_BYTES_MAX, SNAPSHOT_RESPONSE_MS, SNAPSHOT_STALL_MS } from "./limits.ts";
import { formatId } from "./member-id.ts";
import { encodeMessageFrame } from "./message-stream.ts";
import { TransferCounts } from "./transfer-counts.ts";
import type { SnapshotSource } from "./network.ts";
import type { PipelineParts } from "./pipeline.ts";
import { refusalOfPost, REMOVED } from "./post-response.ts";

const PATH = "/raft/snapshot";

export class SnapshotSender {
  readonly #parts: PipelineParts;
  readonly #underWay = new Set<SnapshotTransfer>();

  constructor(parts: PipelineParts) {
    this.#parts = parts;
  }

  send(message: Message, database: SnapshotSource): void {
    const { options, picker, peerId, self, status, receiver } = this.#parts;
    const { log } = options;
    const url = picker.pick();
    const bytes = database.bytes;
    const fields: LogFields = {
      "snapshot-index": message.snapshot?.metadata.index ?? 0,
      "remote-peer-id": formatId(peerId),
      bytes,
      size: humanBytes(bytes),
    };
    log.info("sending database snapshot", fields);
    const counts = new TransferCounts(
      options.metrics.snapshotsSent,
      formatId(peerId),
      options.clock,
    );
    const collector = new ResponseCollector(SHORT_RESPONSE_BYTES_MAX, (response) => {
      this.#underWay.delete(transfer);
      transfer.stop();
      const failure =
        response instanceof Error
          ? response.message
          : refusalOfPost(response, url + PATH, peerId, self.clusterId, log);
      if (failure === undefined) {
        status.activate();
        options.metrics.sentBytes.child(formatId(peerId)).add(bytes);
        counts.succeeded();
        receiver.onSnapshotSent(peerId, true);
        log.info("sent database snapshot", fields);
        return;
      }
      log.warn("failed to send database snapshot", { ...fields, error: failure });
      options.metrics.sentFailures.child(formatId(peerId)).inc();
      counts.failed();
      if (failure === REMOVED) receiver.onRemoved();
      picker.unreachable(url);
      status.deactivate("sendMsgSnap", "post", failure);
      receiver.onUnreachable(peerId);
      receiver.onSnapshotSent(peerId, false);
    });
    const transfer = new SnapshotTransfer(this.#parts, url + PATH, database, collector, counts);
    this.#underWay.add(transfer);
    transfer.start(message);
  }

  /** For good: nothing is told of what was under way. */
  stop(): void {
    for (const transfer of this.#underWay) transfer.stop();
    this.#underWay.clear();
  }
}

/** One database on its way. */
class SnapshotTransfer implements HttpResponseHandler {
  readonly #parts: PipelineParts;
  readonly #url: string;
  readonly #database: SnapshotSource;
  readonly #collector: ResponseCollector;
  #exchange: HttpExchange | undefined;
  #deadline: Timer | undefined;
  #stopped = false;
  readonly #counts: TransferCounts;

  constructor(
    parts: PipelineParts,
    url: string,
    database: SnapshotSource,
    collector: ResponseCollector,
    counts: TransferCounts,
  ) {
    this.#counts = counts;
    this.#parts = parts;
    this.#url = url;
    this.#database = database;
    this.#collector = collector;
  }

  start(message: Message): void {
    const { options, self } = this.#parts;
    this.#exchange = options.http.request(
      {
        method: "POST",
        url: this.#url,
        headers: {
          "Content-Type": "application/octet-stream",
          ...requestHeaders(self, options.serverVersion),
        },
        body: "streamed",
        connectTimeoutMs: options.dialTimeoutMs,
        stallTimeoutMs: 0,
        reuse: false,
      },
      this,
    );
    this.#write(encodeMessageFrame(message));
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#deadline?.cancel();
    this.#exchange?.abort();
    this.#database.close();
    this.#counts.ended();
  }

  onResponse(status: number, header: HeaderOf): void {
    this.#collector.onResponse(status, header);
  }

  onBytes(bytes: Uint8Array): void {
    this.#collector.onBytes(bytes);
  }

  onWritable(): void {
    this.#next();
  }

  onEnd(): void {
    this.#collector.onEnd();
  }

  onFailed(reason: Error): void {
    this.#collector.onFailed(reason);
  }

  /** Sends bytes, and goes on when there is room for more. */
  #write(bytes: Uint8Array): void {
    this.#failAfter(SNAPSHOT_STALL_MS, "write");
    if (this.#exchange?.write(bytes) === true) this.#next();
  }

  #next(): void {
    this.#database.next((chunk) => {
      if (this.#stopped) return;
      if (chunk instanceof Error) {
        this.#collector.onFailed(chunk);
      } else if (chunk === undefined) {
        this.#failAfter(SNAPSHOT_RESPONSE_MS, "read");
        this.#exchange?.end();
      } else {
        // The source uses its memory again; the socket may need it for longer.
        this.#write(chunk.slice());
      }
    });
  }

  #failAfter(timeoutMs: number, operation: string): void {
    this.#deadline?.cancel();
    this.#deadline = this.#parts.options.clock.after(timeoutMs, () =>
      this.#collector.onFailed(new Error(`${operation} ${this.#url}: i/o timeout`)),
    );
  }
}
