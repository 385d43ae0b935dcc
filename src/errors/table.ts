/**
 * The one table of answers that are not success: name, gRPC code and text, byte for byte what etcd 3.5
 * sends. Where etcd declares one code and its server sends another (`NotEnoughStartedMembers`,
 * `TooManyRequests`), the sent one stands here, because clients see that one.
 *
 * Source: etcd api/v3rpc/rpctypes/error.go and server/etcdserver/api/v3rpc/util.go (3.5).
 */
import { GrpcCode } from "./codes.ts";
import { EtcdError } from "./etcd-error.ts";

/**
 * The errors of etcd by name; docs/errors.md has them as a table. Calls of clients throw
 * these very objects: `error === Errors.LeaseNotFound`. Texts that are not among them become other EtcdErrors.
 */
export const Errors = {
  /** A key is empty where a request, a comparison or an operation of a transaction needs one. */
  EmptyKey: new EtcdError(GrpcCode.InvalidArgument, "etcdserver: key is not provided"),
  /**
   * A put with ignore_value or ignore_lease to a key that is not there; an operation of a
   * transaction without content.
   */
  KeyNotFound: new EtcdError(GrpcCode.InvalidArgument, "etcdserver: key not found"),
  /** A put with ignore_value and a value. */
  ValueProvided: new EtcdError(GrpcCode.InvalidArgument, "etcdserver: value is provided"),
  /** A put with ignore_lease and a lease. */
  LeaseProvided: new EtcdError(GrpcCode.InvalidArgument, "etcdserver: lease is provided"),
  /**
   * A transaction with more comparisons or operations than --max-txn-ops; nested ones share the
   * number.
   */
  TooManyOps: new EtcdError(
    GrpcCode.InvalidArgument,
    "etcdserver: too many operations in txn request",
  ),
  /** A transaction that could write a key twice. */
  DuplicateKey: new EtcdError(
    GrpcCode.InvalidArgument,
    "etcdserver: duplicate key given in txn request",
  ),
  /** A read, a hash, a compaction or a watch at a revision that is compacted. */
  Compacted: new EtcdError(
    GrpcCode.OutOfRange,
    "etcdserver: mvcc: required revision has been compacted",
  ),
  /** A read, a hash or a compaction at a revision that is not there yet. */
  FutureRevision: new EtcdError(
    GrpcCode.OutOfRange,
    "etcdserver: mvcc: required revision is a future revision",
  ),
  /**
   * A put, a transaction with puts or the grant of a lease, while the quota is used up or the
   * alarm NOSPACE is raised.
   */
  NoSpace: new EtcdError(GrpcCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded"),
  /** A put with a lease that is not there, or the revocation of one. */
  LeaseNotFound: new EtcdError(GrpcCode.NotFound, "etcdserver: requested lease not found"),
  /** The grant of a lease with an id that is in use. */
  LeaseExist: new EtcdError(GrpcCode.FailedPrecondition, "etcdserver: lease already exists"),
  /** The grant of a lease for longer than 9,000,000,000 seconds. */
  LeaseTtlTooLarge: new EtcdError(GrpcCode.OutOfRange, "etcdserver: too large lease TTL"),
  /** A lease kept alive by a member that no longer leads. */
  NotPrimaryLessor: new EtcdError(GrpcCode.Unknown, "not a primary lessor"),
  /** A stream of watches that the server ended, other than for want of a leader. */
  WatchCanceled: new EtcdError(GrpcCode.Canceled, "etcdserver: watch canceled"),
  /** A new member with the id of another. */
  MemberExist: new EtcdError(GrpcCode.FailedPrecondition, "etcdserver: member ID already exist"),
  /** A member with a peer URL of another. */
  PeerUrlExist: new EtcdError(GrpcCode.FailedPrecondition, "etcdserver: Peer URLs already exists"),
  /** A change of members that could cost the quorum, with --strict-reconfig-check. */
  NotEnoughStartedMembers: new EtcdError(
    GrpcCode.Unknown,
    "etcdserver: re-configuration failed due to not enough started members",
  ),
  /** A new member with peer URLs that are none. */
  BadMemberUrls: new EtcdError(
    GrpcCode.InvalidArgument,
    "etcdserver: given member URLs are invalid",
  ),
  /** A change of a member that is not there, or was removed. */
  MemberNotFound: new EtcdError(GrpcCode.NotFound, "etcdserver: member not found"),
  /** The promotion of a member that votes. */
  NotLearner: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: can only promote a learner member",
  ),
  /** The promotion of a learner that is far behind the leader. */
  LearnerNotReady: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: can only promote a learner member which is in sync with leader",
  ),
  /** One more learner than there may be. */
  TooManyLearners: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: too many learner members in cluster",
  ),
  /** A peer that belongs to another cluster was asked for its hash; clients never see it. */
  ClusterIdMismatch: new EtcdError(GrpcCode.FailedPrecondition, "etcdserver: cluster ID mismatch"),
  /** A proposal that is larger than --max-request-bytes. */
  RequestTooLarge: new EtcdError(GrpcCode.InvalidArgument, "etcdserver: request is too large"),
  /** A proposal while many that are committed wait to be applied, or many wait for an answer. */
  TooManyRequests: new EtcdError(GrpcCode.Unknown, "etcdserver: too many requests"),
  /** Enabling authentication without the user root. */
  RootUserNotExist: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: root user does not exist",
  ),
  /** Enabling authentication while the user root lacks the role root. */
  RootRoleNotExist: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: root user does not have root role",
  ),
  /** A new user with the name of another. */
  UserAlreadyExist: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: user name already exists",
  ),
  /** A user without a name; a call without a user while authentication is on. */
  UserEmpty: new EtcdError(GrpcCode.InvalidArgument, "etcdserver: user name is empty"),
  /** A change of a user that is not there, or a call by one. */
  UserNotFound: new EtcdError(GrpcCode.FailedPrecondition, "etcdserver: user name not found"),
  /** A new role with the name of another. */
  RoleAlreadyExist: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: role name already exists",
  ),
  /** A change of a role that is not there. */
  RoleNotFound: new EtcdError(GrpcCode.FailedPrecondition, "etcdserver: role name not found"),
  /** A role without a name. */
  RoleEmpty: new EtcdError(GrpcCode.InvalidArgument, "etcdserver: role name is empty"),
  /** A name and a password that do not belong together. */
  AuthFailed: new EtcdError(
    GrpcCode.InvalidArgument,
    "etcdserver: authentication failed, invalid user ID or password",
  ),
  /** A password that is none, or that belongs to a user without one; the text is not mapped, as in etcd. */
  NoPasswordUser: new EtcdError(
    GrpcCode.Unknown,
    "auth: authentication failed, password was given for no password user",
  ),
  /** A grant to a role that names no permission. */
  PermissionNotGiven: new EtcdError(GrpcCode.InvalidArgument, "etcdserver: permission not given"),
  /** A call that its user may not make. */
  PermissionDenied: new EtcdError(GrpcCode.PermissionDenied, "etcdserver: permission denied"),
  /** Taking a role from a user who does not have it. */
  RoleNotGranted: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: role is not granted to the user",
  ),
  /** Taking a permission from a role that does not have it. */
  PermissionNotGranted: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: permission is not granted to the role",
  ),
  /** Asking for a token while authentication is off. */
  AuthNotEnabled: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: authentication is not enabled",
  ),
  /** A token that is unknown or has run out. */
  InvalidAuthToken: new EtcdError(GrpcCode.Unauthenticated, "etcdserver: invalid auth token"),
  /** Taking away the user or the role root while authentication is on. */
  InvalidAuthManagement: new EtcdError(
    GrpcCode.InvalidArgument,
    "etcdserver: invalid auth management",
  ),
  /** A token from before a change of users or roles. */
  AuthOldRevision: new EtcdError(
    GrpcCode.InvalidArgument,
    "etcdserver: revision of auth store is old",
  ),
  /** A new password of more bytes than bcrypt looks at. */
  PasswordTooLong: new EtcdError(GrpcCode.Unknown, "bcrypt: password length exceeds 72 bytes"),
  /** Asking a member for a token that can verify tokens, but not sign them. */
  TokenVerifyOnly: new EtcdError(
    GrpcCode.Unknown,
    "auth: token signing attempted with verify-only key",
  ),
  /** Asking for a token while the key of the flags is not one for the method of the flags. */
  TokenKeyUnfit: new EtcdError(GrpcCode.Unknown, "key is invalid"),
  /** As `PermissionDenied`, of the maintenance calls of 3.5 that hand out data. */
  MaintenancePermissionDenied: new EtcdError(GrpcCode.Unknown, "auth: permission denied"),
  /** As `UserEmpty`, of the same calls. */
  MaintenanceUserEmpty: new EtcdError(GrpcCode.Unknown, "auth: user name is empty"),
  /** As `UserNotFound`, of the same calls. */
  MaintenanceUserNotFound: new EtcdError(GrpcCode.Unknown, "auth: user not found"),
  /** As `InvalidAuthToken`, of the same calls. */
  MaintenanceInvalidAuthToken: new EtcdError(GrpcCode.Unknown, "auth: invalid auth token"),
  /** As `AuthOldRevision`, of the same calls. */
  MaintenanceAuthOldRevision: new EtcdError(GrpcCode.Unknown, "auth: revision in header is old"),
  /** A call that needs a leader while there is none. */
  NoLeader: new EtcdError(GrpcCode.Unavailable, "etcdserver: no leader"),
  /** A transfer of leadership asked of a member that does not lead. */
  NotLeader: new EtcdError(GrpcCode.FailedPrecondition, "etcdserver: not leader"),
  /** A read during which another member became the leader. */
  LeaderChanged: new EtcdError(GrpcCode.Unavailable, "etcdserver: leader changed"),
  /** A cluster too old for the call. */
  NotCapable: new EtcdError(GrpcCode.Unavailable, "etcdserver: not capable"),
  /** A call while the server stops. */
  Stopped: new EtcdError(GrpcCode.Unavailable, "etcdserver: server stopped"),
  /** A proposal or a read that was not answered in time. */
  Timeout: new EtcdError(GrpcCode.Unavailable, "etcdserver: request timed out"),
  /**
   * A proposal that waited for a leader until it was too late: it was not made. The text is that of Go's
   * context, which goes out as it is.
   */
  DeadlineExceeded: new EtcdError(GrpcCode.DeadlineExceeded, "context deadline exceeded"),
  /** A proposal or a read that was not answered in time, soon after the cluster lost its leader. */
  TimeoutDueToLeaderFail: new EtcdError(
    GrpcCode.Unavailable,
    "etcdserver: request timed out, possibly due to previous leader failure",
  ),
  /** A proposal or a read that was not answered in time, while too few members can be reached. */
  TimeoutDueToConnectionLost: new EtcdError(
    GrpcCode.Unavailable,
    "etcdserver: request timed out, possibly due to connection lost",
  ),
  /** A transfer of leadership that was not done in time. */
  TransferTimeout: new EtcdError(
    GrpcCode.Unknown,
    "etcdserver: request timed out, leader transfer took too long",
  ),
  /** An action that the method does not know. */
  UnknownMethod: new EtcdError(GrpcCode.Unknown, "etcdserver: unknown method"),
  /** A call about leases while the member is behind in applying. */
  TimeoutWaitAppliedIndex: new EtcdError(
    GrpcCode.Unavailable,
    "etcdserver: request timed out, waiting for the applied index took too long",
  ),
  /** A change of members while too few can be reached. */
  UnhealthyCluster: new EtcdError(GrpcCode.Unavailable, "etcdserver: unhealthy cluster"),
  /** A change, or the grant or revocation of a lease, while the alarm CORRUPT is raised. */
  Corrupt: new EtcdError(GrpcCode.DataLoss, "etcdserver: corrupt cluster"),
  /** A call that a learner does not answer. */
  NotSupportedForLearner: new EtcdError(
    GrpcCode.Unavailable,
    "etcdserver: rpc not supported for learner",
  ),
  /** A transfer of leadership to a member that cannot lead. */
  BadLeaderTransferee: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: bad leader transferee",
  ),
  /** A downgrade before the members have agreed on a version. */
  ClusterVersionUnavailable: new EtcdError(
    GrpcCode.Unavailable,
    "etcdserver: cluster version not found during downgrade",
  ),
  /** A downgrade to what is no version. */
  WrongDowngradeVersionFormat: new EtcdError(
    GrpcCode.InvalidArgument,
    "etcdserver: wrong downgrade target version format",
  ),
  /** A downgrade to a version other than the one before. */
  InvalidDowngradeTargetVersion: new EtcdError(
    GrpcCode.InvalidArgument,
    "etcdserver: invalid downgrade target version",
  ),
  /** A downgrade while there is one. */
  DowngradeInProcess: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: cluster has a downgrade job in progress",
  ),
  /** The end of a downgrade while there is none. */
  NoInflightDowngrade: new EtcdError(
    GrpcCode.FailedPrecondition,
    "etcdserver: no inflight downgrade job",
  ),
  /** A lock whose lease ended while its turn was waited for. */
  LockSessionExpired: new EtcdError(GrpcCode.Unknown, "mutex: session is expired"),
  /** A lock that is tried for and held by somebody else; told by the client library. */
  Locked: new EtcdError(GrpcCode.Unknown, "mutex: Locked by another session"),
  /** The leader of an election that has none. */
  ElectionNoLeader: new EtcdError(GrpcCode.Unknown, "election: no leader"),
  /** A proclamation of somebody who does not lead, or no longer. */
  ElectionNotLeader: new EtcdError(GrpcCode.Unknown, "election: not leader"),
  /** A proclamation or a resignation that does not say of what. */
  LeaderKeyMissing: new EtcdError(GrpcCode.Unknown, '"leader" field must be provided'),
  /** An observation of an election whose reads failed. */
  ElectionObserveClosed: new EtcdError(GrpcCode.Unknown, "election: observe closed early"),
} as const;
