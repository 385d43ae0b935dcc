/** The network of members over HTTP: calls to whoever listens on a peer URL, and this member's part in it. */
import type { HttpServerRequest } from "../ports/http.ts";
import type { Timer } from "../ports/clock.ts";
import { HttpTransport } from "./http-transport.ts";
import { ResponseCollector } from "./collected-response.ts";
import { CALL_BYTES_MAX } from "./limits.ts";
import { formatId } from "./member-id.ts";
import type {
  LocalPeer,
  PeerNetwork,
  PeerReceiver,
  PeerRequest,
  PeerResponse,
  Transport,
} from "./network.ts";
import type { PeerOptions } from "./options.ts";
import { answerFailure } from "./responses.ts";

export class HttpPeerNetwork implements PeerNetwork {
  readonly #options: PeerOptions;
  #transport: HttpTransport | undefined;

  constructor(options: PeerOptions) {
    this.#options = options;
  }

  join(self: LocalPeer, receiver: PeerReceiver): Transport {
    this.#transport = new HttpTransport(self, receiver, this.#options);
    return this.#transport;
  }

  /** Answers a request that came in on a peer URL. */
  serve(request: HttpServerRequest): void {
    if (this.#transport?.serve(request) === true) return;
    answerFailure(request, 503, "etcdserver: server stopped");
  }

  call(
    url: string,
    request: PeerRequest,
    timeoutMs: number,
    done: (answer: PeerResponse | Error) => void,
  ): void {
    const { http, clock } = this.#options;
    const target = url.replace(/\/$/, "") + request.path;
    const collector = new ResponseCollector(CALL_BYTES_MAX, (response) => {
      deadline.cancel();
      exchange.abort();
      if (response instanceof Error) {
        done(response);
        return;
      }
      const { status, header, body } = response;
      const contentType = header("content-type");
      const clusterId = header("x-etcd-cluster-id");
      const headers: Record<string, string> = {};
      if (contentType !== "") headers["Content-Type"] = contentType;
      if (clusterId !== "") headers["X-Etcd-Cluster-ID"] = clusterId;
      done({ status, headers, body });
    });
    const deadline: Timer = clock.after(timeoutMs, () =>
      collector.onFailed(new Error(`${target}: deadline exceeded`)),
    );
    const { method, contentType, body, token, clusterId: wanted } = request;
    const exchange = http.request(
      {
        method,
        url: target,
        headers: {
          ...(contentType === "" ? {} : { "Content-Type": contentType }),
          ...(token === undefined ? {} : { Authorization: token }),
          ...(wanted === undefined ? {} : { "X-Etcd-Cluster-ID": formatId(wanted) }),
        },
        body,
        connectTimeoutMs: timeoutMs,
        stallTimeoutMs: 0,
        reuse: false,
      },
      collector,
    );
  }
}
