/**
 * The unary methods of the Lease service: LeaseGrant, LeaseRevoke, LeaseTimeToLive, LeaseLeases. Renewals
 * are in `lease-keep-alive.ts`.
 *
 * Source: etcd server/etcdserver/api/v3rpc/lease.go, quota.go, server/etcdserver/v3_server.go (3.5).
 */
import { checkLeaseKeys } from "../apply/authorization.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
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
  type LeaseTimeToLiveRequest,
  type LeaseTimeToLiveResponse,
} from "../wire/gen/rpc.ts";
import { strangerRefusal } from "./caller-checks.ts";
import { headerAt, type LeaseContext, type LeaseState } from "./context.ts";
import { keepAliveMethod } from "./lease-keep-alive.ts";
import { LeaseLister } from "./lease-list.ts";
import { LeaseRights } from "./lease-rights.ts";
import { proposeForCall, ProposedCall, spaceRefusal } from "./proposed-call.ts";
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
    const refused =
      spaceRefusal(member, { case: "leaseGrant", value: request }) ??
      strangerRefusal(context, call);
    if (refused !== undefined) {
      fail(call, refused);
      return;
    }
    let body = bytes;
    if (request.id === NO_LEASE) {
      request.id = member.newLeaseId();
      body = encodeLeaseGrantRequest(request);
    }
    proposeForCall(context, call, Operation.leaseGrant, body, new ProposedCall(context, call));
  });
}

function revokeMethod(context: LeaseContext): GrpcMethodHandler {
  return unary(decodeLeaseRevokeRequest, (call, _request, bytes) => {
    const refused = strangerRefusal(context, call);
    if (refused !== undefined) fail(call, refused);
    else
      proposeForCall(context, call, Operation.leaseRevoke, bytes, new ProposedCall(context, call));
  });
}

function timeToLiveMethod(context: LeaseContext): GrpcMethodHandler {
  return unary(decodeLeaseTimeToLiveRequest, (call, request) => {
    const refused = strangerRefusal(context, call) ?? keysRefusal(context, call, request);
    if (refused !== undefined) {
      fail(call, refused);
      return;
    }
    const { enabled, revision } = context.member.applier.auth;
    const isGone = (): boolean => !call.open;
    context.leases.timeToLive(request, isGone, (result) => {
      // What its caller may read can have changed since it was checked.
      const isOld = enabled && revision !== context.member.applier.auth.revision;
      if (request.keys && isOld) fail(call, Errors.AuthOldRevision);
      else if (result instanceof EtcdError && result !== Errors.LeaseNotFound) fail(call, result);
      else call.sendUnary(encodeLeaseTimeToLiveResponse(timeToLive(context, request.id, result)));
    });
  });
}

/** Why the keys of a lease are not told. */
function keysRefusal(
  { member: { applier }, callers }: LeaseContext,
  call: GrpcServerCall,
  { id, keys }: LeaseTimeToLiveRequest,
): EtcdError | undefined {
  if (!keys || !applier.auth.enabled) return undefined;
  const caller = callers.identityOf(call);
  if (caller instanceof EtcdError) return caller;
  const lease = applier.lessor.lease(id);
  return lease === undefined ? undefined : checkLeaseKeys(applier, caller, [lease]);
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

/** Who asks for all leases must be allowed to read all their keys. */
function leasesMethod(context: LeaseContext): GrpcMethodHandler {
  const { member, callers, backups } = context;
  const lister = new LeaseLister(context);
  return unary(decodeLeaseLeasesRequest, (call) => {
    const { auth } = member.applier;
    const caller = callers.identityOf(call);
    if (caller instanceof EtcdError) {
      fail(call, caller);
    } else if (auth.checkAdmin(caller) === undefined) {
      lister.list(call);
    } else if (caller === undefined) {
      fail(call, Errors.UserEmpty);
    } else {
      const answer = (refused: EtcdError | undefined): void =>
        refused === undefined ? lister.list(call) : fail(call, refused);
      const rights = new LeaseRights(context, caller, () => !call.open, answer);
      if (rights.step()) backups.runInSlices(rights);
    }
  });
}
