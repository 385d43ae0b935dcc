/** Which calls the audit log has a line for, and what it tells of the request of each. */
import * as election from "../../wire/gen/election.ts";
import * as lock from "../../wire/gen/lock.ts";
import * as rpc from "../../wire/gen/rpc.ts";
import {
  type AuditFields,
  given,
  idField,
  keyField,
  leaseField,
  nameOf,
  permissionFields,
  rangeFields,
  txnFields,
} from "./audit-fields.ts";

/** What is told of a request, whose bytes are borrowed. Throws `WireError` for bytes that are none. */
type Tell = (request: Uint8Array) => AuditFields;

/** Tells of a request of type `T`, once it is decoded. */
function telling<T>(decode: (bytes: Uint8Array) => T, tell: (request: T) => AuditFields): Tell {
  return (bytes) => tell(decode(bytes));
}

const NOTHING: Tell = () => ({});

function leaderKey(leader: election.LeaderKey | undefined): AuditFields {
  if (leader === undefined) return {};
  return {
    ...keyField("name", leader.name),
    ...keyField("key", leader.key),
    ...leaseField(leader.lease),
  };
}

const KV: Readonly<Record<string, Tell>> = {
  Range: telling(rpc.decodeRangeRequest, (request) => ({
    ...rangeFields(request),
    ...given("at_revision", request.revision),
  })),
  Put: telling(rpc.decodePutRequest, ({ key, lease }) => ({
    ...keyField("key", key),
    ...leaseField(lease),
  })),
  DeleteRange: telling(rpc.decodeDeleteRangeRequest, rangeFields),
  Txn: telling(rpc.decodeTxnRequest, txnFields),
  Compact: telling(rpc.decodeCompactionRequest, ({ revision }) => ({ at_revision: revision })),
};

const LEASE: Readonly<Record<string, Tell>> = {
  LeaseGrant: telling(rpc.decodeLeaseGrantRequest, ({ id, ttl }) => ({ ...leaseField(id), ttl })),
  LeaseRevoke: telling(rpc.decodeLeaseRevokeRequest, ({ id }) => leaseField(id)),
  LeaseTimeToLive: telling(rpc.decodeLeaseTimeToLiveRequest, ({ id }) => leaseField(id)),
  LeaseLeases: NOTHING,
};

const CLUSTER: Readonly<Record<string, Tell>> = {
  MemberAdd: telling(rpc.decodeMemberAddRequest, ({ peerUrls, isLearner }) => ({
    peer_urls: peerUrls,
    ...given("learner", isLearner),
  })),
  MemberRemove: telling(rpc.decodeMemberRemoveRequest, ({ id }) => idField("member_id", id)),
  MemberUpdate: telling(rpc.decodeMemberUpdateRequest, ({ id, peerUrls }) => ({
    ...idField("member_id", id),
    peer_urls: peerUrls,
  })),
  MemberPromote: telling(rpc.decodeMemberPromoteRequest, ({ id }) => idField("member_id", id)),
  MemberList: NOTHING,
};

const MAINTENANCE: Readonly<Record<string, Tell>> = {
  Alarm: telling(rpc.decodeAlarmRequest, ({ action, alarm, memberId }) => ({
    action: nameOf(rpc.AlarmAction, action),
    alarm: nameOf(rpc.AlarmType, alarm),
    ...idField("member_id", memberId),
  })),
  Status: NOTHING,
  Defragment: NOTHING,
  Hash: NOTHING,
  HashKV: telling(rpc.decodeHashKVRequest, ({ revision }) => given("at_revision", revision)),
  Snapshot: NOTHING,
  MoveLeader: telling(rpc.decodeMoveLeaderRequest, ({ targetId }) =>
    idField("member_id", targetId),
  ),
  Downgrade: telling(rpc.decodeDowngradeRequest, ({ action, version }) => ({
    action: nameOf(rpc.DowngradeAction, action),
    ...given("version", version),
  })),
};

const AUTH: Readonly<Record<string, Tell>> = {
  AuthEnable: NOTHING,
  AuthDisable: NOTHING,
  AuthStatus: NOTHING,
  Authenticate: telling(rpc.decodeAuthenticateRequest, ({ name }) => ({ name })),
  UserAdd: telling(rpc.decodeAuthUserAddRequest, ({ name, options }) => ({
    name,
    ...given("no_password", options?.noPassword ?? false),
  })),
  UserGet: telling(rpc.decodeAuthUserGetRequest, ({ name }) => ({ name })),
  UserList: NOTHING,
  UserDelete: telling(rpc.decodeAuthUserDeleteRequest, ({ name }) => ({ name })),
  UserChangePassword: telling(rpc.decodeAuthUserChangePasswordRequest, ({ name }) => ({ name })),
  UserGrantRole: telling(rpc.decodeAuthUserGrantRoleRequest, ({ user, role }) => ({
    name: user,
    role,
  })),
  UserRevokeRole: telling(rpc.decodeAuthUserRevokeRoleRequest, ({ name, role }) => ({
    name,
    role,
  })),
  RoleAdd: telling(rpc.decodeAuthRoleAddRequest, ({ name }) => ({ role: name })),
  RoleGet: telling(rpc.decodeAuthRoleGetRequest, ({ role }) => ({ role })),
  RoleList: NOTHING,
  RoleDelete: telling(rpc.decodeAuthRoleDeleteRequest, ({ role }) => ({ role })),
  RoleGrantPermission: telling(rpc.decodeAuthRoleGrantPermissionRequest, ({ name, perm }) => ({
    role: name,
    ...permissionFields(perm),
  })),
  RoleRevokePermission: telling(rpc.decodeAuthRoleRevokePermissionRequest, (request) => ({
    role: request.role,
    ...rangeFields(request),
  })),
};

const LOCK: Readonly<Record<string, Tell>> = {
  Lock: telling(lock.decodeLockRequest, ({ name, lease }) => ({
    ...keyField("name", name),
    ...leaseField(lease),
  })),
  Unlock: telling(lock.decodeUnlockRequest, ({ key }) => keyField("key", key)),
};

const ELECTION: Readonly<Record<string, Tell>> = {
  Campaign: telling(election.decodeCampaignRequest, ({ name, lease }) => ({
    ...keyField("name", name),
    ...leaseField(lease),
  })),
  Proclaim: telling(election.decodeProclaimRequest, ({ leader }) => leaderKey(leader)),
  Leader: telling(election.decodeLeaderRequest, ({ name }) => keyField("name", name)),
  Observe: telling(election.decodeLeaderRequest, ({ name }) => keyField("name", name)),
  Resign: telling(election.decodeResignRequest, ({ leader }) => leaderKey(leader)),
};

const SERVICES: Readonly<Record<string, Readonly<Record<string, Tell>>>> = {
  "etcdserverpb.KV": KV,
  "etcdserverpb.Lease": LEASE,
  "etcdserverpb.Cluster": CLUSTER,
  "etcdserverpb.Maintenance": MAINTENANCE,
  "etcdserverpb.Auth": AUTH,
  "v3lockpb.Lock": LOCK,
  "v3electionpb.Election": ELECTION,
};

/**
 * What is told of each request, by the path of the method. The streams of watchers and of renewals, which
 * have a line for each thing that happens on them, are elsewhere.
 */
export const AUDITED_METHODS: ReadonlyMap<string, Tell> = new Map(
  Object.entries(SERVICES).flatMap(([service, methods]) =>
    Object.entries(methods).map(([name, tell]) => [`/${service}/${name}`, tell]),
  ),
);
