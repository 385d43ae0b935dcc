/**
 * What other members ask for on the peer port, path by path. Everything of Raft is answered here; the rest is
 * the server's (`PeerReceiver.onRequest`).
 *
 * Source: etcd server/etcdserver/api/rafthttp (http.go), api/etcdhttp (peer.go).
 */
import type { HttpBodyHandler, HttpServerRequest } from "../ports/http.ts";
import { bytesFromUtf8, concatBytes, EMPTY_BYTES } from "../stdx/bytes.ts";
import { decodeMessage } from "../wire/gen/raft.ts";
import { WireError } from "../wire/wire-error.ts";
import { clusterHeader, refuseStranger } from "./headers.ts";
import type { Inbox } from "./inbox.ts";
import { CALL_BYTES_MAX, MESSAGE_BYTES_MAX } from "./limits.ts";
import { formatId, parseId } from "./member-id.ts";
import type { LocalPeer, PeerReceiver } from "./network.ts";
import type { PeerOptions } from "./options.ts";
import type { Peer } from "./peer.ts";
import type { Remotes } from "./remotes.ts";
import { answerFailure, answerMethodNotAllowed, answerRefusal } from "./responses.ts";
import type { SnapshotReceiver } from "./snapshot-receiver.ts";
import { STREAM_PATHS, type StreamKind } from "./stream-kind.ts";

export interface RouteParts {
  readonly self: LocalPeer;
  readonly receiver: PeerReceiver;
  readonly options: PeerOptions;
  readonly inbox: Inbox;
  readonly remotes: Remotes;
  readonly snapshots: SnapshotReceiver;
  readonly peers: ReadonlyMap<bigint, Peer>;
}

/** Paths of the server, with their methods; one with a slash at its end stands for all below it. */
const SERVER_PATHS: ReadonlyMap<string, "GET" | "POST"> = new Map([
  ["/members", "GET"],
  ["/members/promote/", "POST"],
  ["/members/hashkv", "GET"],
  ["/leases", "POST"],
  ["/leases/internal", "POST"],
  ["/downgrade/enabled", "GET"],
  ["/version", "GET"],
]);

export class RaftRoutes {
  readonly #parts: RouteParts;

  constructor(parts: RouteParts) {
    this.#parts = parts;
  }

  serve(request: HttpServerRequest): void {
    const { path } = request;
    if (path === "/raft") this.#message(request);
    else if (path.startsWith("/raft/stream/")) this.#stream(request);
    else if (path === "/raft/snapshot") this.#snapshot(request);
    else if (path === "/raft/probing") this.#probe(request);
    else this.#others(request);
  }

  #message(request: HttpServerRequest): void {
    const { self, inbox, options } = this.#parts;
    if (!this.#isWelcome(request, "POST")) return;
    const headers = clusterHeader(self);
    const fail = (what: string, error: string): void => {
      options.metrics.receivedFailures.child(this.#senderOf(request)).inc();
      options.log.warn(`failed to ${what} Raft message`, {
        "local-member-id": formatId(self.id),
        error,
      });
    };
    readWhole(request, MESSAGE_BYTES_MAX, (body) => {
      if (body instanceof Error) {
        fail("read", body.message);
        answerFailure(request, 400, "error reading raft message", headers);
        return;
      }
      try {
        const message = decodeMessage(body);
        options.metrics.receivedBytes.child(formatId(message.from)).add(body.length);
        const refusal = inbox.deliver(message);
        if (refusal === undefined) request.respond(204, headers, EMPTY_BYTES);
        else answerRefusal(request, refusal, headers);
        if (refusal?.status === 500) fail("process", refusal.text);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        fail("unmarshal", error.message);
        answerFailure(request, 400, "error unmarshalling raft message", headers);
      }
    });
  }

  /**
   * Who a message comes from that cannot be read.
   *
   * Differs from etcd: in metrics it is the member that says so, if it is one; there it is address and port, and
   * every connection a series of its own.
   */
  #senderOf(request: HttpServerRequest): string {
    const from = parseId(request.header("x-server-from"));
    return formatId(from !== undefined && this.#parts.peers.has(from) ? from : 0n);
  }

  #snapshot(request: HttpServerRequest): void {
    if (this.#isWelcome(request, "POST")) this.#parts.snapshots.receive(request);
  }

  #probe(request: HttpServerRequest): void {
    const now = new Date(this.#parts.options.clock.wallMs()).toISOString();
    const headers = { "Content-Type": "text/plain; charset=utf-8" };
    request.respond(200, headers, bytesFromUtf8(`{"OK":true,"Now":"${now}"}\n`));
  }

  /** Whether a request has the method of its path and comes from a member of this cluster; else answers. */
  #isWelcome(request: HttpServerRequest, method: "GET" | "POST"): boolean {
    const { self, options, remotes, peers } = this.#parts;
    if (request.method !== method) {
      answerMethodNotAllowed(request, method);
      return false;
    }
    const refusal = refuseStranger(request.header, self, options.serverVersion, options.log);
    if (refusal !== undefined) {
      answerFailure(request, 412, refusal, this.#headersOf(method));
      return false;
    }
    const from = parseId(request.header("x-server-from"));
    const urls = request.header("x-peerurls");
    const isKnown = from === undefined || peers.has(from);
    if (method === "POST" && !isKnown && urls !== "") remotes.add(from, urls);
    return true;
  }

  #headersOf(method: "GET" | "POST"): Record<string, string> {
    const { self, options } = this.#parts;
    const version = method === "GET" ? { "X-Server-Version": options.serverVersion } : {};
    return { ...version, ...clusterHeader(self) };
  }

  #stream(request: HttpServerRequest): void {
    const { self, options, peers, receiver } = this.#parts;
    const { log } = options;
    if (!this.#isWelcome(request, "GET")) return;
    const headers = this.#headersOf("GET");
    const refuse = (status: number, text: string): void =>
      answerFailure(request, status, text, headers);
    const ids = {
      "local-member-id": formatId(self.id),
      "remote-peer-id-stream-handler": formatId(self.id),
    };
    const kind = kindOf(request.path);
    if (kind === undefined) {
      log.debug("ignored unexpected streaming request path", { ...ids, path: request.path });
      refuse(404, "invalid path");
      return;
    }
    const fromText = request.path.slice(STREAM_PATHS[kind].length);
    const from = parseId(fromText);
    if (from === undefined) {
      log.warn("failed to parse path into ID", { ...ids, path: fromText });
      refuse(404, "invalid from");
      return;
    }
    const sender = { ...ids, "remote-peer-id-from": formatId(from) };
    if (receiver.isRemoved(from)) {
      log.warn("rejected stream from remote peer because it was removed", sender);
      refuse(410, "removed member");
      return;
    }
    const peer = peers.get(from);
    const clusterId = formatId(self.clusterId);
    if (peer === undefined) {
      const urls = request.header("x-peerurls");
      if (urls !== "") this.#parts.remotes.add(from, urls);
      log.warn("failed to find remote peer in cluster", { ...sender, "cluster-id": clusterId });
      refuse(404, "error sender not found");
      return;
    }
    const to = request.header("x-raft-to");
    if (to !== formatId(self.id)) {
      log.warn("ignored streaming request; ID mismatch", {
        ...ids,
        "remote-peer-id-header": to,
        "remote-peer-id-from": formatId(from),
        "cluster-id": clusterId,
      });
      refuse(412, "to field mismatch");
      return;
    }
    peer.attach(kind, request.stream(200, headers, peer.handlerOf(kind)));
  }

  #others(request: HttpServerRequest): void {
    const { self, receiver } = this.#parts;
    const { path } = request;
    const promote = path.startsWith("/members/promote/") ? "/members/promote/" : path;
    const method = SERVER_PATHS.get(promote);
    if (method === undefined) {
      answerFailure(request, 404, "404 page not found");
      return;
    }
    if (request.method !== method) {
      answerMethodNotAllowed(request, method);
      return;
    }
    const wanted = request.header("x-etcd-cluster-id");
    if (path === "/members/hashkv" && wanted !== "" && wanted !== formatId(self.clusterId)) {
      answerFailure(request, 412, "cluster ID mismatch");
      return;
    }
    readWhole(request, CALL_BYTES_MAX, (body) => {
      if (body instanceof Error) {
        answerFailure(request, 400, "error reading body", clusterHeader(self));
        return;
      }
      const contentType = request.header("content-type");
      const token = request.header("authorization");
      const named = token === "" ? {} : { token };
      receiver.onRequest({ method, path, contentType, body, ...named }, (response) =>
        request.respond(
          response.status,
          { ...clusterHeader(self), ...response.headers },
          response.body,
        ),
      );
    });
  }
}

function kindOf(path: string): StreamKind | undefined {
  if (path.startsWith(STREAM_PATHS.append)) return "append";
  return path.startsWith(STREAM_PATHS.message) ? "message" : undefined;
}

/** Reads a body of at most `bytesMax`. */
function readWhole(
  request: HttpServerRequest,
  bytesMax: number,
  done: (body: Uint8Array | Error) => void,
): void {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let isOver = false;
  const finish = (result: Uint8Array | Error): void => {
    if (isOver) return;
    isOver = true;
    done(result);
  };
  const handler: HttpBodyHandler = {
    onBytes(chunk) {
      if (isOver) return;
      bytes += chunk.length;
      if (bytes <= bytesMax) chunks.push(chunk);
      else finish(new Error(`body is longer than ${bytesMax} bytes`));
    },
    onEnd: () => finish(concatBytes(chunks)),
    onFailed: finish,
  };
  request.readBody(handler);
}
