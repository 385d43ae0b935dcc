/**
 * What a leader answers its followers about leases: POST /leases renews one, POST /leases/internal tells how
 * long one has to live.
 *
 * Source: etcd server/lease/leasehttp/http.go (3.5).
 */
import { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import type { Member } from "../../member/member.ts";
import type { PeerRequest, PeerResponse } from "../../peer/network.ts";
import type { Clock } from "../../ports/clock.ts";
import {
  createLeaseInternalResponse,
  decodeLeaseInternalRequest,
  encodeLeaseInternalResponse,
} from "../../wire/gen/lease.ts";
import {
  createLeaseKeepAliveResponse,
  createLeaseTimeToLiveResponse,
  createResponseHeader,
  decodeLeaseKeepAliveRequest,
  encodeLeaseKeepAliveResponse,
} from "../../wire/gen/rpc.ts";
import { WireError } from "../../wire/wire-error.ts";
import { lookAtLease } from "./cluster-leases.ts";
import { type PeerHandler, peerText } from "./peer-endpoints.ts";

/** What the endpoints ask of a member. */
export type LeaseEndpointMember = Pick<Member, "applier" | "renewLease" | "whenApplied">;

type Respond = (response: PeerResponse) => void;

export function leaseEndpoints(
  member: LeaseEndpointMember,
  clock: Pick<Clock, "nowMs">,
): [string, PeerHandler][] {
  return [
    ["/leases", posted((body, respond) => renew(member, clock, body, respond))],
    ["/leases/internal", posted((body, respond) => look(member, clock, body, respond))],
  ];
}

/** `answer` may throw a `WireError` for a body that is no such message. */
function posted(answer: (body: Uint8Array, respond: Respond) => void): PeerHandler {
  return ({ method, body }: PeerRequest, respond) => {
    if (method !== "POST") {
      respond(peerText(405, "Method Not Allowed"));
      return;
    }
    try {
      answer(body, respond);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      respond(peerText(400, "error unmarshalling request"));
    }
  };
}

function renew(
  member: LeaseEndpointMember,
  clock: Pick<Clock, "nowMs">,
  body: Uint8Array,
  respond: Respond,
): void {
  const { id } = decodeLeaseKeepAliveRequest(body);
  member.renewLease(id, clock.nowMs(), {
    onRenewed: (ttl) => {
      if (ttl === 0) respond(peerText(404, NOT_FOUND));
      else
        respond(message(encodeLeaseKeepAliveResponse(createLeaseKeepAliveResponse({ id, ttl }))));
    },
    onFailed: (error) => respond(refusal(error, 400)),
  });
}

function look(
  member: LeaseEndpointMember,
  clock: Pick<Clock, "nowMs">,
  body: Uint8Array,
  respond: Respond,
): void {
  const { leaseTimeToLiveRequest: request } = decodeLeaseInternalRequest(body);
  if (request === undefined) {
    respond(peerText(400, "error unmarshalling request"));
    return;
  }
  lookAtLease(member, clock, request, (result) => {
    if (result === Errors.LeaseNotFound) {
      respond(peerText(404, NOT_FOUND));
    } else if (result instanceof EtcdError) {
      respond(refusal(result, 500));
    } else {
      const leaseTimeToLiveResponse = createLeaseTimeToLiveResponse({
        header: createResponseHeader(),
        id: request.id,
        ttl: result.ttlSeconds,
        grantedTtl: result.grantedTtlSeconds,
        keys: [...result.keys],
      });
      const response = createLeaseInternalResponse({ leaseTimeToLiveResponse });
      respond(message(encodeLeaseInternalResponse(response)));
    }
  });
}

const NOT_FOUND = "lease not found";

/** Between members a deposed leader has one word, whatever clients are told. */
const DEPOSED: ReadonlySet<EtcdError> = new Set([Errors.NoLeader, Errors.LeaderChanged]);

function refusal(error: EtcdError, status: number): PeerResponse {
  if (error === Errors.TimeoutWaitAppliedIndex) {
    return peerText(408, "waiting for node to catch up its applied index has timed out");
  }
  const { message: text } = DEPOSED.has(error) ? Errors.NotPrimaryLessor : error;
  return peerText(status, text);
}

function message(body: Uint8Array): PeerResponse {
  return { status: 200, headers: { "Content-Type": "application/protobuf" }, body };
}
