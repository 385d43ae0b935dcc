/**
 * The receiving end of one of the two streams from a peer: dials, reads, and dials again when the stream
 * ends, for as long as the peer belongs to the cluster.
 *
 * Source: etcd server/etcdserver/api/rafthttp (streamReader in stream.go).
 */
import { compareVersions, parseVersion } from "../membership/version.ts";
import type { Timer } from "../ports/clock.ts";
import type { HeaderOf, HttpExchange, HttpResponseHandler } from "../ports/http.ts";
import { concatBytes, utf8FromBytes } from "../stdx/bytes.ts";
import { goQuoteText } from "../stdx/go-url.ts";
import { WireError } from "../wire/wire-error.ts";
import {
  CLUSTER_ID_MISMATCH,
  INCOMPATIBLE_VERSION,
  requestHeaders,
  versionHeader,
} from "./headers.ts";
import type { Inbox } from "./inbox.ts";
import { DIAL_INTERVAL_MS, SHORT_RESPONSE_BYTES_MAX } from "./limits.ts";
import { formatId } from "./member-id.ts";
import type { LocalPeer, PeerReceiver } from "./network.ts";
import type { PeerOptions } from "./options.ts";
import type { PeerStatus } from "./peer-status.ts";
import { REMOVED } from "./post-response.ts";
import { type StreamDecoder, StreamError } from "./stream-codec.ts";
import { STREAM_NAMES, STREAM_PATHS, type StreamKind } from "./stream-kind.ts";
import type { UrlPicker } from "./url-picker.ts";

export interface StreamReaderParts {
  readonly kind: StreamKind;
  readonly self: LocalPeer;
  readonly peerId: bigint;
  readonly options: PeerOptions;
  readonly picker: UrlPicker;
  readonly status: PeerStatus;
  readonly inbox: Inbox;
  readonly receiver: PeerReceiver;
  /** A new decoder for a new connection. */
  readonly createDecoder: () => StreamDecoder;
}

/** The first release with both kinds of streams. */
const STREAMS_SINCE = { major: 2, minor: 1 };

/** What to do about members of two clusters that reach each other. */
const MISMATCH_HINT =
  "founders of a cluster need the same --initial-cluster and --initial-cluster-token; who joins one needs --initial-cluster-state=existing and an empty data directory";
export class StreamReader implements HttpResponseHandler {
  readonly #parts: StreamReaderParts;
  #url = "";
  #exchange: HttpExchange | undefined;
  /** While the stream is open. */
  #decoder: StreamDecoder | undefined;
  /** The body of a refusal that is worth reading. */
  #refusal: Uint8Array[] | undefined;
  #header: HeaderOf = () => "";
  #waiting: Timer | undefined;
  #nextDialMs = 0;
  #stopped = false;

  constructor(parts: StreamReaderParts) {
    this.#parts = parts;
    parts.options.log.info("started stream reader with remote peer", this.#fields());
  }

  start(): void {
    const { options, picker, self, peerId, kind } = this.#parts;
    this.#waiting = undefined;
    this.#url = picker.pick();
    this.#decoder = undefined;
    this.#refusal = undefined;
    const url = `${this.#url}${STREAM_PATHS[kind]}${formatId(self.id)}`;
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
        body: new Uint8Array(0),
        connectTimeoutMs: options.dialTimeoutMs,
        stallTimeoutMs: options.readTimeoutMs,
        reuse: false,
      },
      this,
    );
  }

  /** For good. */
  stop(): void {
    this.#stopped = true;
    this.#waiting?.cancel();
    if (this.#decoder !== undefined) this.#logLost("EOF");
    this.#exchange?.abort();
    this.#parts.options.log.info("stopped stream reader with remote peer", this.#fields());
  }

  onResponse(status: number, header: HeaderOf): void {
    const { self, peerId, options, receiver, kind } = this.#parts;
    this.#header = header;
    const remote = versionHeader(header, "x-server-version");
    const local = parseVersion(options.serverVersion);
    const isOlder =
      remote === undefined || local === undefined || compareVersions(remote, local) < 0;
    if (isOlder && (remote === undefined || compareVersions(remote, STREAMS_SINCE) < 0)) {
      this.#giveUp(undefined);
      return;
    }
    switch (status) {
      case 200:
        this.#decoder = this.#parts.createDecoder();
        this.#parts.status.activate();
        options.log.info("established TCP streaming connection with remote peer", this.#fields());
        return;
      case 404:
        this.#giveUp(`peer ${formatId(peerId)} failed to find local node ${formatId(self.id)}`);
        return;
      case 410:
        this.#giveUp(REMOVED);
        receiver.onRemoved();
        return;
      case 412:
        this.#refusal = [];
        return;
      default:
        options.log.debug("unexpected answer to a stream request", { kind, status });
        this.#giveUp(`unhandled http status ${status}`);
    }
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#decoder === undefined) {
      const length = (this.#refusal ?? []).reduce((sum, chunk) => sum + chunk.length, 0);
      if (length < SHORT_RESPONSE_BYTES_MAX) this.#refusal?.push(bytes);
      return;
    }
    try {
      this.#decoder.decode(bytes, this.#parts.inbox.take);
    } catch (error) {
      if (!(error instanceof StreamError || error instanceof WireError)) throw error;
      this.#exchange?.abort();
      this.#lost(error.message);
    }
  }

  onWritable(): void {}

  onEnd(): void {
    if (this.#decoder === undefined) this.#giveUp(this.#readRefusal());
    else this.#lost(undefined);
  }

  onFailed(reason: Error): void {
    if (this.#decoder !== undefined) this.#lost(reason.message);
    else this.#giveUp(reason.message);
  }

  /** The stream did not come about. Without a reason nothing is said of it, as etcd does not. */
  #giveUp(reason: string | undefined): void {
    const { picker, status, kind } = this.#parts;
    this.#exchange?.abort();
    picker.unreachable(this.#url);
    if (reason !== undefined) status.deactivate(STREAM_NAMES[kind], "dial", reason);
    this.#dialAgain();
  }

  /** The stream ended, for a reason or because the peer ended it in order. */
  #lost(reason: string | undefined): void {
    const { status, kind } = this.#parts;
    this.#decoder = undefined;
    this.#logLost(reason ?? "EOF");
    if (reason !== undefined) status.deactivate(STREAM_NAMES[kind], "read", reason);
    this.#dialAgain();
  }

  #dialAgain(): void {
    if (this.#stopped) return;
    const { clock } = this.#parts.options;
    const nowMs = clock.nowMs();
    const atMs = Math.max(nowMs, this.#nextDialMs);
    this.#nextDialMs = atMs + DIAL_INTERVAL_MS;
    this.#waiting = clock.after(atMs - nowMs, () => this.start());
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

  #logLost(error: string): void {
    this.#parts.options.log.warn("lost TCP streaming connection with remote peer", {
      ...this.#fields(),
      error,
    });
  }

  #fields(): Record<string, string> {
    const { kind, self, peerId } = this.#parts;
    return {
      "stream-reader-type": STREAM_NAMES[kind],
      "local-member-id": formatId(self.id),
      "remote-peer-id": formatId(peerId),
    };
  }
}
