/**
 * The unary methods of the Lease service: LeaseGrant, LeaseRevoke, LeaseTimeToLive, LeaseLeases. Renewals
 * are in `lease-keep-alive.ts`.
 *
 * Source: etcd server/etcdserver/api/v3rpc/lease.go, quota.go, server/etcdserver/v3_server.go (3.5).
 */
import type { ApplyResult } from "../apply/result.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import { NO_LEASE } from "../lease/lessor.ts";
import type { ProposalWaiter } from "../member/ready.ts";
import { assert, AssertionError } from "../stdx/assert.ts";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import { InternalRaftRequestOperationField as Operation } from "../wire/gen/raft-internal.ts";
import {
  createLeaseTimeToLiveResponse,
  decodeLeaseGrantRequest,
  decodeLeaseLeasesRequest,
  decodeLeaseRevokeRequest,
  decodeLeaseTimeToLiveRequest,
  encodeLeaseGrantRequest,
  encodeLeaseGrantResponse,
  encodeLeaseRevokeResponse,
  encodeLeaseTimeToLiveResponse,
  type LeaseTimeToLiveRequest,
  type LeaseTimeToLiveResponse,
  type ResponseHeader,
} from "../wire/gen/rpc.ts";
import { completeHeader, headerAt, type LeaseContext } from "./context.ts";
import { keepAliveMethod } from "./lease-keep-alive.ts";
import { LeaseLister } from "./lease-list.ts";
import { fail } from "./status.ts";
import { unary } from "./unary.ts";

export function leaseMethods(context: LeaseContext): [string, GrpcMethodHandler][] {
  return [
    ["/etcdserverpb.Lease/LeaseGrant", grantMethod(context)],
    ["/etcdserverpb.Lease/LeaseRevoke", revokeMethod(context)],
    ["/etcdserverpb.Lease/LeaseKeepAlive", keepAliveMethod(context)],
    ["/etcdserverpb.Lease/LeaseTimeToLive", timeToLiveMethod(context)],
    ["/etcdserverpb.Lease/LeaseLeases", leasesMethod(context)],
  ];
}

function grantMethod(context: LeaseContext): GrpcMethodHandler {
  const { member } = context;
  return unary(decodeLeaseGrantRequest, (call, request, bytes) => {
    if (!member.applier.quota.admits({ case: "leaseGrant", value: request })) {
      member.raiseNoSpace();
      fail(call, Errors.NoSpace);
      return;
    }
    let body = bytes;
    if (request.id === NO_LEASE) {
      request.id = member.newLeaseId();
      body = encodeLeaseGrantRequest(request);
    }
    member.propose(Operation.leaseGrant, body, new LeaseProposal(context, call));
  });
}

function revokeMethod(context: LeaseContext): GrpcMethodHandler {
  return unary(decodeLeaseRevokeRequest, (call, _request, bytes) => {
    context.member.propose(Operation.leaseRevoke, bytes, new LeaseProposal(context, call));
  });
}

function timeToLiveMethod(context: LeaseContext): GrpcMethodHandler {
  return unary(decodeLeaseTimeToLiveRequest, (call, request) => {
    const response = timeToLive(context, request);
    if (response instanceof EtcdError) fail(call, response);
    else call.sendUnary(encodeLeaseTimeToLiveResponse(response));
  });
}

/** Errors: NoLeader, LeaderChanged. A lease that is not there has a time to live of -1. */
function timeToLive(
  context: LeaseContext,
  { id, keys }: LeaseTimeToLiveRequest,
): LeaseTimeToLiveResponse | EtcdError {
  const { member } = context;
  const { lessor, store } = member.applier;
  if (!lessor.isPrimary) {
    return member.status().leader === 0n ? Errors.NoLeader : Errors.LeaderChanged;
  }
  const header = headerAt(context, store.revision);
  const lease = lessor.lease(id);
  if (lease === undefined) return createLeaseTimeToLiveResponse({ header, id, ttl: -1 });
  return createLeaseTimeToLiveResponse({
    header,
    id,
    // Of an expired lease that is being revoked: 0 or below, as etcd tells it.
    ttl: Math.trunc((lease.expiryMs - context.clock.nowMs()) / 1000),
    grantedTtl: lease.ttlSeconds,
    keys: keys ? Array.from(lease.keys, bytesFromLatin1) : [],
  });
}

function leasesMethod(context: LeaseContext): GrpcMethodHandler {
  const lister = new LeaseLister(context);
  return unary(decodeLeaseLeasesRequest, (call) => lister.list(call));
}

/** A proposed grant or revocation. */
class LeaseProposal implements ProposalWaiter {
  readonly #context: LeaseContext;
  readonly #call: GrpcServerCall;

  constructor(context: LeaseContext, call: GrpcServerCall) {
    this.#context = context;
    this.#call = call;
  }

  onApplied(result: ApplyResult | EtcdError): void {
    if (result instanceof EtcdError) fail(this.#call, result);
    else if (this.#call.open) this.#call.sendUnary(this.#encode(result));
  }

  #encode(result: ApplyResult): Uint8Array {
    switch (result.kind) {
      case "leaseGrant":
        this.#complete(result.response.header);
        return encodeLeaseGrantResponse(result.response);
      case "leaseRevoke":
        this.#complete(result.response.header);
        return encodeLeaseRevokeResponse(result.response);
      default:
        throw new AssertionError(`A lease request answers no ${result.kind}`);
    }
  }

  #complete(header: ResponseHeader | undefined): void {
    assert(header !== undefined, "Every answer about a lease has a header");
    completeHeader(this.#context, header);
  }
}
