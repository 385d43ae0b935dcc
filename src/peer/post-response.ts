/**
 * What the answer to a message that was posted means.
 *
 * Source: etcd server/etcdserver/api/rafthttp (checkPostResponse in util.go).
 */
import type { Log } from "../ports/log.ts";
import { goQuoteText } from "../stdx/go-url.ts";
import { utf8FromBytes } from "../stdx/bytes.ts";
import type { CollectedResponse } from "./collected-response.ts";
import { CLUSTER_ID_MISMATCH, INCOMPATIBLE_VERSION } from "./headers.ts";
import { TO_ANOTHER } from "./inbox.ts";
import { formatId } from "./member-id.ts";

/** This member is none any more. Source: etcd rafthttp (errMemberRemoved). */
export const REMOVED = "the member has been permanently removed from the cluster";

/** Go's names of the statuses that members answer with. */
const STATUS_TEXTS: { readonly [status: number]: string } = {
  200: "OK",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  410: "Gone",
  413: "Request Entity Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/**
 * Returns why the message was not taken; `undefined` when it was. `REMOVED` is a reason to stop.
 *
 * Differs from etcd: a message that went to another member, because a URL is not whose it was, does not make
 * its sender believe that it was removed.
 */
export function refusalOfPost(
  { status, header, body }: CollectedResponse,
  url: string,
  peerId: bigint,
  clusterId: bigint,
  log: Log,
): string | undefined {
  if (status === 204) return undefined;
  const text = utf8FromBytes(body).replace(/\n$/, "");
  if (status === 403 && !text.includes(TO_ANOTHER.text)) return REMOVED;
  if (status !== 412) {
    const name = STATUS_TEXTS[status] ?? "";
    return `unexpected http status ${name} while posting to ${goQuoteText(url)}`;
  }
  if (text === INCOMPATIBLE_VERSION) {
    log.error("request sent was ignored by peer", { "remote-peer-id": formatId(peerId) });
    return text;
  }
  if (text === CLUSTER_ID_MISMATCH) {
    log.error("request sent was ignored due to cluster ID mismatch", {
      "remote-peer-id": formatId(peerId),
      "remote-peer-cluster-id": header("x-etcd-cluster-id"),
      "local-member-cluster-id": formatId(clusterId),
    });
    return text;
  }
  return `unhandled error ${goQuoteText(utf8FromBytes(body))} when precondition failed`;
}
