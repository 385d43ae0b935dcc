/**
 * One attempt to open a stream from a peer, and the stream if it comes about: from the request to the last
 * byte.
 *
 * Source: etcd server/etcdserver/api/rafthttp (streamReader.dial in stream.go).
 */
import { compareVersions, parseVersion } from "../membership/version.ts";
import type { HeaderOf, HttpExchange, HttpResponseHandler } from "../ports/http.ts";
import { concatBytes, EMPTY_BYTES, utf8FromBytes } from "../stdx/bytes.ts";
import { goQuoteText } from "../stdx/go-url.ts";
import { WireError } from "../wire/wire-error.ts";
import {
  CLUSTER_ID_MISMATCH,
  INCOMPATIBLE_VERSION,
  requestHeaders,
  versionHeader,
} from "./headers.ts";
import { SHORT_RESPONSE_BYTES_MAX } from "./limits.ts";
import { formatId } from "./member-id.ts";
import { REMOVED } from "./post-response.ts";
import { type StreamDecoder, StreamError } from "./stream-codec.ts";
import { STREAM_PATHS } from "./stream-kind.ts";
import type { StreamReaderParts } from "./stream-reader.ts";

/** What happens to an attempt: it fails, or opens and ends some time. */
export interface StreamDialEvents {
  onOpen(dial: StreamDial): void;
  /** Bytes came in, and what they say was handed on. */
  onHeard(): void;
  /** It did not come about. Without a reason nothing is said of it, as etcd does not. */
  onFailed(dial: StreamDial, reason: string | undefined): void;
  /** It was open and ended, for a reason or because the peer ended it in order. */
  onLost(dial: StreamDial, reason: string | undefined): void;
}

/** The first release with both kinds of streams. */
const STREAMS_SINCE = { major: 2, minor: 1 };

/** What to do about members of two clusters that reach each other. */
const MISMATCH_HINT =
  "founders of a cluster need the same --initial-cluster and --initial-cluster-token; who joins one needs --initial-cluster-state=existing and an empty data directory";

export class StreamDial implements HttpResponseHandler {
  /** The peer URL that is dialled. */
  readonly url: string;
  readonly #parts: StreamReaderParts;
  readonly #events: StreamDialEvents;
  readonly #exchange: HttpExchange;
  readonly #startMs: number;
  /** While the stream is open. */
  #decoder: StreamDecoder | undefined;
  /** The body of a refusal that is worth reading. */
  #refusal: Uint8Array[] | undefined;
  #header: HeaderOf = () => "";

  constructor(parts: StreamReaderParts, connectTimeoutMs: number, events: StreamDialEvents) {
    const { options, picker, self, peerId, kind } = parts;
    this.#parts = parts;
    this.#events = events;
    this.#startMs = options.clock.nowMs();
    this.url = picker.pick();
    const url = `${this.url}${STREAM_PATHS[kind]}${formatId(self.id)}`;
    options.log.debug("dial stream reader", {
      from: formatId(self.id),
      to: formatId(peerId),
      address: url,
    });
    const headers = requestHeaders(self, options.serverVersion);
    headers["X-Raft-To"] = formatId(peerId);
    this.#exchange = options.http.request(
      {
        method: "GET",
        url,
        headers,
        body: EMPTY_BYTES,
        connectTimeoutMs,
        stallTimeoutMs: options.readTimeoutMs,
        reuse: false,
      },
      this,
    );
  }

  /** Milliseconds since it began. */
  get ageMs(): number {
    return this.#parts.options.clock.nowMs() - this.#startMs;
  }

  /** Gives it up, or closes it; nothing is told of it any more. */
  abort(): void {
    this.#exchange.abort();
  }

  onResponse(status: number, header: HeaderOf): void {
    const { self, peerId, options, receiver } = this.#parts;
    this.#header = header;
    const remote = versionHeader(header, "x-server-version");
    const local = parseVersion(options.serverVersion);
    const isOlder =
      remote === undefined || local === undefined || compareVersions(remote, local) < 0;
    if (isOlder && (remote === undefined || compareVersions(remote, STREAMS_SINCE) < 0)) {
      this.#fail(undefined);
      return;
    }
    switch (status) {
      case 200:
        this.#decoder = this.#parts.createDecoder();
        this.#events.onOpen(this);
        return;
      case 404:
        this.#fail(`peer ${formatId(peerId)} failed to find local node ${formatId(self.id)}`);
        return;
      case 410:
        this.#fail(REMOVED);
        receiver.onRemoved();
        return;
      case 412:
        this.#refusal = [];
        return;
      default:
        this.#fail(`unhandled http status ${status}`);
    }
  }

  onBytes(bytes: Uint8Array): void {
    this.#parts.receivedBytes.add(bytes.length);
    if (this.#decoder === undefined) {
      const length = (this.#refusal ?? []).reduce((sum, chunk) => sum + chunk.length, 0);
      if (length < SHORT_RESPONSE_BYTES_MAX) this.#refusal?.push(bytes);
      return;
    }
    try {
      this.#decoder.decode(bytes, this.#parts.inbox.take);
    } catch (error) {
      if (!(error instanceof StreamError || error instanceof WireError)) throw error;
      this.abort();
      this.#events.onLost(this, error.message);
      return;
    }
    this.#events.onHeard();
  }

  onWritable(): void {}

  onEnd(): void {
    if (this.#decoder === undefined) this.#fail(this.#readRefusal());
    else this.#events.onLost(this, undefined);
  }

  onFailed(reason: Error): void {
    if (this.#decoder === undefined) this.#fail(reason.message);
    else this.#events.onLost(this, reason.message);
  }

  #fail(reason: string | undefined): void {
    this.abort();
    this.#events.onFailed(this, reason);
  }

  /** What a refusal with status 412 means. */
  #readRefusal(): string {
    const { self, peerId, options } = this.#parts;
    const text = utf8FromBytes(concatBytes(this.#refusal ?? [])).replace(/\n$/, "");
    if (text === INCOMPATIBLE_VERSION) {
      options.log.warn(
        "request sent was ignored by remote peer due to server version incompatibility",
        {
          "local-member-id": formatId(self.id),
          "remote-peer-id": formatId(peerId),
          error: INCOMPATIBLE_VERSION,
        },
      );
      return text;
    }
    if (text === CLUSTER_ID_MISMATCH) {
      options.log.warn("request sent was ignored by remote peer due to cluster ID mismatch", {
        "remote-peer-id": formatId(peerId),
        "remote-peer-cluster-id": this.#header("x-etcd-cluster-id"),
        "local-member-id": formatId(self.id),
        "local-member-cluster-id": formatId(self.clusterId),
        error: CLUSTER_ID_MISMATCH,
        hint: MISMATCH_HINT,
      });
      return text;
    }
    return `unhandled error ${goQuoteText(text)} when precondition failed`;
  }
}
