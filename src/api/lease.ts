/**
 * The unary methods of the Lease service: LeaseGrant, LeaseRevoke, LeaseTimeToLive, LeaseLeases. Renewals
 * are in `lease-keep-alive.ts`.
 *
 * Source: etcd server/etcdserver/api/v3rpc/lease.go, quota.go, server/etcdserver/v3_server.go (3.5).
 */
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcMethodHandler } from "../http2/grpc-server-types.ts";
import { NO_LEASE } from "../lease/lessor.ts";
import { InternalRaftRequestOperationField as Operation } from "../wire/gen/raft-internal.ts";
import {
  createLeaseTimeToLiveResponse,
  decodeLeaseGrantRequest,
  decodeLeaseLeasesRequest,
  decodeLeaseRevokeRequest,
  decodeLeaseTimeToLiveRequest,
  encodeLeaseGrantRequest,
  encodeLeaseTimeToLiveResponse,
  type LeaseTimeToLiveResponse,
} from "../wire/gen/rpc.ts";
import { headerAt, type LeaseContext, type LeaseState } from "./context.ts";
import { keepAliveMethod } from "./lease-keep-alive.ts";
import { LeaseLister } from "./lease-list.ts";
import { ProposedCall, spaceRefusal } from "./proposed-call.ts";
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
    const refused = spaceRefusal(member, { case: "leaseGrant", value: request });
    if (refused !== undefined) {
      fail(call, refused);
      return;
    }
    let body = bytes;
    if (request.id === NO_LEASE) {
      request.id = member.newLeaseId();
      body = encodeLeaseGrantRequest(request);
    }
    member.propose(Operation.leaseGrant, body, new ProposedCall(context, call));
  });
}

function revokeMethod(context: LeaseContext): GrpcMethodHandler {
  return unary(decodeLeaseRevokeRequest, (call, _request, bytes) => {
    context.member.propose(Operation.leaseRevoke, bytes, new ProposedCall(context, call));
  });
}

function timeToLiveMethod(context: LeaseContext): GrpcMethodHandler {
  return unary(decodeLeaseTimeToLiveRequest, (call, request) => {
    const isGone = (): boolean => !call.open;
    context.leases.timeToLive(request, isGone, (result) => {
      if (result instanceof EtcdError && result !== Errors.LeaseNotFound) fail(call, result);
      else call.sendUnary(encodeLeaseTimeToLiveResponse(timeToLive(context, request.id, result)));
    });
  });
}

/** A lease that is not there has a time to live of -1. The revision is this member's. */
function timeToLive(
  context: LeaseContext,
  id: bigint,
  state: LeaseState | EtcdError,
): LeaseTimeToLiveResponse {
  const header = headerAt(context, context.member.applier.store.revision);
  if (state instanceof EtcdError) return createLeaseTimeToLiveResponse({ header, id, ttl: -1 });
  return createLeaseTimeToLiveResponse({
    header,
    id,
    ttl: state.ttlSeconds,
    grantedTtl: state.grantedTtlSeconds,
    keys: [...state.keys],
  });
}

function leasesMethod(context: LeaseContext): GrpcMethodHandler {
  const lister = new LeaseLister(context);
  return unary(decodeLeaseLeasesRequest, (call) => lister.list(call));
}
