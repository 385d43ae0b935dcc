/**
 * The way for messages while a stream is not open: each is a request of its own, a few at a time.
 *
 * Source: etcd server/etcdserver/api/rafthttp (pipeline.go).
 */
import type { HttpExchange } from "../ports/http.ts";
import { encodeMessage } from "../wire/gen/raft.ts";
import type { Message } from "../wire/gen/raft.ts";
import { type CollectedResponse, ResponseCollector } from "./collected-response.ts";
import { requestHeaders } from "./headers.ts";
import {
  PIPELINE_QUEUE_MESSAGES_MAX,
  PIPELINE_SENDERS,
  SHORT_RESPONSE_BYTES_MAX,
} from "./limits.ts";
import { formatId } from "./member-id.ts";
import type { LocalPeer, PeerReceiver } from "./network.ts";
import type { PeerOptions } from "./options.ts";
import type { PeerStatus } from "./peer-status.ts";
import { refusalOfPost, REMOVED } from "./post-response.ts";
import type { UrlPicker } from "./url-picker.ts";

export interface PipelineParts {
  readonly self: LocalPeer;
  readonly peerId: bigint;
  readonly options: PeerOptions;
  readonly picker: UrlPicker;
  readonly status: PeerStatus;
  readonly receiver: PeerReceiver;
}

const PATH = "/raft";

export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #waiting: Message[] = [];
  readonly #underWay = new Set<HttpExchange>();

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    parts.options.log.info("started HTTP pipelining with remote peer", this.#ids());
  }

  /** Sends a message or lets it wait. False when there is no room for it. */
  send(message: Message): boolean {
    if (this.#underWay.size < PIPELINE_SENDERS) this.#post(message);
    else if (this.#waiting.length < PIPELINE_QUEUE_MESSAGES_MAX) this.#waiting.push(message);
    else return false;
    return true;
  }

  /** For good. */
  stop(): void {
    for (const exchange of this.#underWay) exchange.abort();
    this.#underWay.clear();
    this.#waiting.length = 0;
    this.#parts.options.log.info("stopped HTTP pipelining with remote peer", this.#ids());
  }

  #post(message: Message): void {
    const { options, picker, self } = this.#parts;
    const url = picker.pick();
    const body = encodeMessage(message);
    const exchange = options.http.request(
      {
        method: "POST",
        url: url + PATH,
        headers: {
          "Content-Type": "application/protobuf",
          ...requestHeaders(self, options.serverVersion),
        },
        body,
        connectTimeoutMs: options.dialTimeoutMs,
        stallTimeoutMs: options.readTimeoutMs,
        reuse: true,
      },
      new ResponseCollector(SHORT_RESPONSE_BYTES_MAX, (response) => {
        exchange.abort();
        this.#underWay.delete(exchange);
        this.#answered(url, body.length, response);
        const next = this.#waiting.shift();
        if (next !== undefined) this.#post(next);
      }),
    );
    this.#underWay.add(exchange);
  }

  #answered(url: string, bytes: number, response: CollectedResponse | Error): void {
    const { options, picker, self, peerId, status, receiver } = this.#parts;
    const failure =
      response instanceof Error
        ? response.message
        : refusalOfPost(response, url + PATH, peerId, self.clusterId, options.log);
    const to = formatId(peerId);
    if (failure === undefined) {
      status.activate();
      options.metrics.sentBytes.child(to).add(bytes);
      return;
    }
    options.metrics.sentFailures.child(to).inc();
    picker.unreachable(url);
    if (failure === REMOVED) receiver.onRemoved();
    status.deactivate("pipeline", "write", failure);
    receiver.onUnreachable(peerId);
  }

  #ids(): { "local-member-id": string; "remote-peer-id": string } {
    const { self, peerId } = this.#parts;
    return { "local-member-id": formatId(self.id), "remote-peer-id": formatId(peerId) };
  }
}
