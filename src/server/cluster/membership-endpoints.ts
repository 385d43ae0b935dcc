/**
 * What members answer each other about themselves and their cluster, on the peer URLs.
 *
 * Source: etcd server/etcdserver/api/etcdhttp/peer.go, server/etcdserver/corrupt.go (hashKVHandler),
 * server/etcdserver/server.go (downgradeEnabledHandler) (3.5).
 */
import { adminRefusal } from "../../api/caller-checks.ts";
import type { Callers, Hashes, Identifiable, MembershipRequests } from "../../api/context.ts";
import { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import type { Member } from "../../member/member.ts";
import { encodeMemberList, formatId, type MemberInfo } from "../../membership/member-info.ts";
import type { PeerRequest, PeerResponse } from "../../peer/network.ts";
import { unprovenPeer } from "../../ports/client-peer.ts";
import type { Log } from "../../ports/log.ts";
import { bytesFromUtf8 } from "../../stdx/bytes.ts";
import { type PeerHandler, peerText } from "./peer-endpoints.ts";
import { encodeHash, HASH_PATH, revisionOf } from "./peer-hash-format.ts";
import { ETCD_VERSION } from "../version.ts";

export interface MembershipEndpointParts {
  readonly member: Member;
  readonly membership: MembershipRequests;
  readonly hashes: Hashes;
  readonly callers: Callers;
  readonly log: Log;
}

/** Path to which promotions are forwarded; the decimal id of the learner follows it. */
export const PROMOTE_PATH = "/members/promote/";

/** Entries for the table of peers' endpoints. */
export function membershipEndpoints(parts: MembershipEndpointParts): [string, PeerHandler][] {
  const { member } = parts;
  return [
    [
      "/members",
      forMethod("GET", (_, respond) =>
        respond(json(`${encodeMemberList(member.applier.cluster.members())}\n`)),
      ),
    ],
    [PROMOTE_PATH, forMethod("POST", (request, respond) => promote(parts, request, respond))],
    [HASH_PATH, forMethod("GET", (request, respond) => hash(parts, request, respond))],
    ["/downgrade/enabled", forMethod("GET", (_, respond) => downgradeEnabled(member, respond))],
    [
      "/version",
      forMethod("GET", (_, respond) => {
        const etcdcluster = member.applier.cluster.version ?? "not_decided";
        respond(json(JSON.stringify({ etcdserver: ETCD_VERSION, etcdcluster })));
      }),
    ],
  ];
}

type Respond = (response: PeerResponse) => void;

function forMethod(method: PeerRequest["method"], handler: PeerHandler): PeerHandler {
  return (request, respond) => {
    if (request.method === method) {
      handler(request, respond);
      return;
    }
    const refusal = peerText(405, "Method Not Allowed");
    respond({ ...refusal, headers: { ...refusal.headers, Allow: method } });
  };
}

function promote(
  parts: MembershipEndpointParts,
  { path, token }: PeerRequest,
  respond: Respond,
): void {
  const text = path.slice(PROMOTE_PATH.length);
  const id = /^[0-9]{1,40}$/.test(text) ? BigInt(text) : undefined;
  if (id === undefined || id >= 1n << 64n) {
    respond(peerText(404, `member ${text} not found in cluster`));
    return;
  }
  const refuse = (error: EtcdError): void => {
    const fields = { "member-id": formatId(id), error: error.message };
    parts.log.warn("failed to promote a member", fields);
    respond(promotionFailure(error));
  };
  const refused = adminRefusal(parts, callerWith(token));
  if (refused !== undefined) {
    refuse(refused);
    return;
  }
  const onChanged = (result: readonly MemberInfo[] | EtcdError): void => {
    if (result instanceof EtcdError) refuse(result);
    else respond(json(`${encodeMemberList(result)}\n`));
  };
  parts.membership.promote(id, { onChanged }, token);
}

/** Whoever has asked the member that forwards it: by a token alone, the connection is that member's. */
function callerWith(token: string | undefined): Identifiable {
  return { get: (name) => (name === "token" ? token : undefined), peer: unprovenPeer("") };
}

function promotionFailure(error: EtcdError): PeerResponse {
  switch (error) {
    case Errors.MemberNotFound:
      return peerText(404, "membership: ID not found");
    case Errors.NotLearner:
      return peerText(412, "membership: can only promote a learner member");
    case Errors.LearnerNotReady:
      return peerText(412, error.message);
    default:
      return { ...json('{"message":"Internal Server Error"}'), status: 500 };
  }
}

function hash(
  { hashes, log }: MembershipEndpointParts,
  { body }: PeerRequest,
  respond: Respond,
): void {
  const revision = revisionOf(body);
  if (revision === undefined) {
    log.warn("failed to unmarshal request", { error: "the body is no request for a hash" });
    respond(peerText(400, "error unmarshalling request"));
    return;
  }
  hashes.ofKeyspace(revision, (result) => {
    if (!(result instanceof EtcdError)) {
      respond(json(encodeHash(result)));
      return;
    }
    log.warn("failed to get hashKV", { "requested-revision": revision, error: result.message });
    respond(peerText(400, result.message.replace(/^etcdserver: /, "")));
  });
}

/** Whether a downgrade goes on, as of everything that was acknowledged before. */
function downgradeEnabled(member: Member, respond: Respond): void {
  member.whenReadable({
    onReadable: () => {
      const text = String(member.applier.cluster.downgrade.enabled);
      const headers = { "Content-Type": "text/plain" };
      respond({ status: 200, headers, body: bytesFromUtf8(text) });
    },
    onFailed: (error) => respond(peerText(500, `failed linearized read: ${error.message}`)),
  });
}

function json(text: string): PeerResponse {
  const headers = { "Content-Type": "application/json" };
  return { status: 200, headers, body: bytesFromUtf8(text) };
}
