/**
 * Requests between members beside Raft: a table from "METHOD /path" to whoever answers. What is not in it
 * is answered as Go's HTTP server answers it.
 */
import type { PeerRequest, PeerResponse } from "../../peer/network.ts";
import { bytesFromUtf8 } from "../../stdx/bytes.ts";

export type PeerHandler = (request: PeerRequest, respond: (response: PeerResponse) => void) => void;

/** Handlers by path; a path that ends with "/" stands for all below it. */
export type PeerEndpoints = ReadonlyMap<string, PeerHandler>;

/** Answers a request from the table. `respond` is called once, perhaps before this returns. */
export function answerPeer(
  endpoints: PeerEndpoints,
  request: PeerRequest,
  respond: (response: PeerResponse) => void,
): void {
  const { path } = request;
  const handler = endpoints.get(path) ?? endpoints.get(path.slice(0, path.lastIndexOf("/") + 1));
  if (handler === undefined) respond(peerText(404, "404 page not found"));
  else handler(request, respond);
}

/** A response as Go's http.Error writes it: the text and a newline. */
export function peerText(status: number, text: string): PeerResponse {
  const headers = {
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
  };
  return { status, headers, body: bytesFromUtf8(`${text}\n`) };
}
