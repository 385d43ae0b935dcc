/**
 * The one table of answers that are not success: name, gRPC code and text, byte for byte what etcd 3.5
 * sends. Where etcd declares one code and its server sends another (`NotEnoughStartedMembers`,
 * `TooManyRequests`), the sent one stands here, because clients see that one.
 *
 * Source: etcd api/v3rpc/rpctypes/error.go and server/etcdserver/api/v3rpc/util.go (3.5).
 */
import { GrpcCode } from "./codes.ts";
import { EtcdError } from "./etcd-error.ts";

export const Errors = {
  EmptyKey: new EtcdError(GrpcCode.InvalidArgument, "etcdserver: key is not provided"),
  KeyNotFound: new EtcdError(GrpcCode.InvalidArgument, "etcdserver: key not found"),
  ValueProvided: new EtcdError(GrpcCode.InvalidArgument, "etcdserver: value is provided"),
  LeaseProvided: new EtcdError(GrpcCode.InvalidArgument, "etcdserver: lease is provided"),
  TooManyOps: new EtcdError(
    GrpcCode.InvalidArgument,
    "etcdserver: too many operations in txn request",
  ),
  DuplicateKey: new EtcdError(
    GrpcCode.InvalidArgument,
    "etcdserver: duplicate key given in txn request",
  ),
  Compacted: new EtcdError(
    GrpcCode.OutOfRange,
    "etcdserver: mvcc: required revision has been compacted",
  ),
  FutureRevision: new EtcdError(
    GrpcCode.OutOfRange,
    "etcdserver: mvcc: required revision is a future revision",
  ),
  NoSpace: new EtcdError(GrpcCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded"),
  LeaseNotFound: new EtcdError(GrpcCode.NotFound, "etcdserver: requested lease not found"),
  LeaseExist: new EtcdError(GrpcCode.FailedPrecondition, "etcdserver: lease already exists"),
  LeaseTtlTooLarge: new EtcdError(GrpcCode.OutOfRange, "etcdserver: too large lease TTL"),
  NotPrimaryLessor: new EtcdError(GrpcCode.Unknown, "not a primary lessor"),
  WatchCanceled: new EtcdError(GrpcCode.Canceled, "etcdserver: watch canceled"),
  MemberExist: new EtcdError(GrpcCode.FailedPrecondition, "etcdserver: member ID already exist"),
  PeerUrlExist: new EtcdError(GrpcCode.FailedPrecondition, "etcdserver: Peer URLs already exists"),
  NotEnoughStartedMembers: new EtcdError(
    GrpcCode.Unknown,
    "etcdserver: re-configuration failed due to not enough started members",
  ),
  BadMemberUrls: new EtcdError(
    GrpcCode.InvalidArgument,
    "etcdserver: given member URLs are invalid",
  ),
  MemberNotFound: new EtcdError(GrpcCode.NotFound, "etcdserver: member not found"),
  NotLearner: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: can only promote a learner member",
  ),
  LearnerNotReady: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: can only promote a learner member which is in sync with leader",
  ),
  TooManyLearners: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: too many learner members in cluster",
  ),
  ClusterIdMismatch: new EtcdError(GrpcCode.FailedPrecondition, "etcdserver: cluster ID mismatch"),
  RequestTooLarge: new EtcdError(GrpcCode.InvalidArgument, "etcdserver: request is too large"),
  TooManyRequests: new EtcdError(GrpcCode.Unknown, "etcdserver: too many requests"),
  RootUserNotExist: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: root user does not exist",
  ),
  RootRoleNotExist: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: root user does not have root role",
  ),
  UserAlreadyExist: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: user name already exists",
  ),
  UserEmpty: new EtcdError(GrpcCode.InvalidArgument, "etcdserver: user name is empty"),
  UserNotFound: new EtcdError(GrpcCode.FailedPrecondition, "etcdserver: user name not found"),
  RoleAlreadyExist: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: role name already exists",
  ),
  RoleNotFound: new EtcdError(GrpcCode.FailedPrecondition, "etcdserver: role name not found"),
  RoleEmpty: new EtcdError(GrpcCode.InvalidArgument, "etcdserver: role name is empty"),
  AuthFailed: new EtcdError(
    GrpcCode.InvalidArgument,
    "etcdserver: authentication failed, invalid user ID or password",
  ),
  PermissionNotGiven: new EtcdError(GrpcCode.InvalidArgument, "etcdserver: permission not given"),
  PermissionDenied: new EtcdError(GrpcCode.PermissionDenied, "etcdserver: permission denied"),
  RoleNotGranted: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: role is not granted to the user",
  ),
  PermissionNotGranted: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: permission is not granted to the role",
  ),
  AuthNotEnabled: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: authentication is not enabled",
  ),
  InvalidAuthToken: new EtcdError(GrpcCode.Unauthenticated, "etcdserver: invalid auth token"),
  InvalidAuthManagement: new EtcdError(
    GrpcCode.InvalidArgument,
    "etcdserver: invalid auth management",
  ),
  AuthOldRevision: new EtcdError(
    GrpcCode.InvalidArgument,
    "etcdserver: revision of auth store is old",
  ),
  NoLeader: new EtcdError(GrpcCode.Unavailable, "etcdserver: no leader"),
  NotLeader: new EtcdError(GrpcCode.FailedPrecondition, "etcdserver: not leader"),
  LeaderChanged: new EtcdError(GrpcCode.Unavailable, "etcdserver: leader changed"),
  NotCapable: new EtcdError(GrpcCode.Unavailable, "etcdserver: not capable"),
  Stopped: new EtcdError(GrpcCode.Unavailable, "etcdserver: server stopped"),
  Timeout: new EtcdError(GrpcCode.Unavailable, "etcdserver: request timed out"),
  TimeoutDueToLeaderFail: new EtcdError(
    GrpcCode.Unavailable,
    "etcdserver: request timed out, possibly due to previous leader failure",
  ),
  TimeoutDueToConnectionLost: new EtcdError(
    GrpcCode.Unavailable,
    "etcdserver: request timed out, possibly due to connection lost",
  ),
  TransferTimeout: new EtcdError(
    GrpcCode.Unknown,
    "etcdserver: request timed out, leader transfer took too long",
  ),
  UnknownMethod: new EtcdError(GrpcCode.Unknown, "etcdserver: unknown method"),
  TimeoutWaitAppliedIndex: new EtcdError(
    GrpcCode.Unavailable,
    "etcdserver: request timed out, waiting for the applied index took too long",
  ),
  UnhealthyCluster: new EtcdError(GrpcCode.Unavailable, "etcdserver: unhealthy cluster"),
  Corrupt: new EtcdError(GrpcCode.DataLoss, "etcdserver: corrupt cluster"),
  NotSupportedForLearner: new EtcdError(
    GrpcCode.Unavailable,
    "etcdserver: rpc not supported for learner",
  ),
  BadLeaderTransferee: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: bad leader transferee",
  ),
  ClusterVersionUnavailable: new EtcdError(
    GrpcCode.Unavailable,
    "etcdserver: cluster version not found during downgrade",
  ),
  WrongDowngradeVersionFormat: new EtcdError(
    GrpcCode.InvalidArgument,
    "etcdserver: wrong downgrade target version format",
  ),
  InvalidDowngradeTargetVersion: new EtcdError(
    GrpcCode.InvalidArgument,
    "etcdserver: invalid downgrade target version",
  ),
  DowngradeInProcess: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: cluster has a downgrade job in progress",
  ),
  NoInflightDowngrade: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: no inflight downgrade job",
  ),
} as const;
