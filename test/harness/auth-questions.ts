/**
 * One question for each RPC, and for each way in which it asks for other rights: what the matrix of
 * authorisation asks in the name of everybody. None of them changes what later ones are answered, whoever may
 * ask it.
 *
 * The cluster that they are for: user `keys` may read and write keys "k" and "k7", user `prefix` may read "p/…" and write
 * "p/w…" and "w", user `nothing` has no role, `root` has root. Lease 7 is attached to "k7", lease 8 to "other",
 * lease 9 to nothing.
 */
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import type { MethodInfo } from "../../src/wire/codec.ts";
import { PermissionType } from "../../src/wire/gen/auth.ts";
import {
  AlarmAction,
  AlarmType,
  createCompare,
  createPutRequest,
  createRangeRequest,
  createDeleteRangeRequest,
  createRequestOp,
  createTxnRequest,
  createWatchCreateRequest,
  createWatchRequest,
  DowngradeAction,
  encodeWatchRequest,
  type RequestOp,
  type TxnRequest,
} from "../../src/wire/gen/rpc.ts";
import {
  AuthService,
  ClusterService,
  ElectionService,
  HealthService,
  KVService,
  LeaseService,
  LockService,
  MaintenanceService,
  WatchService,
} from "../../src/wire/gen/services.ts";

export interface AuthQuestion {
  readonly name: string;
  readonly path: string;
  readonly body: Uint8Array;
  /**
   * Whether the call has one answer, many (`stream`), or lives on after its first one (`open`), which is told
   * by `shown` then.
   */
  readonly kind: "unary" | "stream" | "open";
  readonly shown?: (message: Uint8Array) => string;
  /** Whether it does not matter who asks, so that it need not be asked by all. */
  readonly isForAll?: boolean;
}

const key = bytesFromLatin1;

function unary<Request extends object, Response>(
  name: string,
  method: MethodInfo<Request, Response>,
  request: Partial<Request> = {},
): AuthQuestion {
  const { path, request: codec, serverStreaming } = method;
  const kind = serverStreaming ? "stream" : "unary";
  return { name, path, kind, body: codec.encode(codec.create(request)) };
}

const put = (name: string, more: Parameters<typeof createPutRequest>[0] = {}): RequestOp =>
  createRequestOp({
    request: { case: "requestPut", value: createPutRequest({ key: key(name), ...more }) },
  });
const get = (name: string): RequestOp =>
  createRequestOp({
    request: { case: "requestRange", value: createRangeRequest({ key: key(name) }) },
  });
const remove = (name: string, prevKv: boolean): RequestOp =>
  createRequestOp({
    request: {
      case: "requestDeleteRange",
      value: createDeleteRangeRequest({ key: key(name), prevKv }),
    },
  });
const nested = (inner: Partial<TxnRequest>): RequestOp =>
  createRequestOp({ request: { case: "requestTxn", value: createTxnRequest(inner) } });

const { range, put: putMethod, deleteRange, txn, compact } = KVService;

const KV: readonly AuthQuestion[] = [
  unary("Range k", range, { key: key("k") }),
  unary("Range k, serializable", range, { key: key("k"), serializable: true }),
  unary("Range without a key", range, {}),
  unary("Range other", range, { key: key("other") }),
  unary("Range p/…", range, { key: key("p/"), rangeEnd: key("p0") }),
  unary("Range within p/…", range, { key: key("p/a"), rangeEnd: key("p/b") }),
  unary("Range beyond p/…", range, { key: key("p/"), rangeEnd: key("p1") }),
  unary("Range from k on", range, { key: key("k"), rangeEnd: key("\0") }),
  unary("Range of the future", range, { key: key("k"), revision: 1_000_000 }),
  unary("Put k", putMethod, { key: key("k"), value: key("v") }),
  unary("Put other", putMethod, { key: key("other") }),
  unary("Put p/w", putMethod, { key: key("p/w") }),
  unary("Put p/w, for what was there", putMethod, { key: key("p/w"), prevKv: true }),
  unary("Put p/r", putMethod, { key: key("p/r") }),
  unary("Put k with its lease", putMethod, { key: key("k"), lease: 7n }),
  unary("Put p/w with a lease of others", putMethod, { key: key("p/w"), lease: 7n }),
  unary("Put k with an unknown lease", putMethod, { key: key("k"), lease: 99n }),
  unary("DeleteRange missing", deleteRange, { key: key("missing") }),
  unary("DeleteRange within p/w…", deleteRange, { key: key("p/wx"), rangeEnd: key("p/wy") }),
  unary("DeleteRange p/wx, for what was there", deleteRange, { key: key("p/wx"), prevKv: true }),
  unary("DeleteRange p/…", deleteRange, { key: key("p/none"), rangeEnd: key("p/nonf") }),
  unary("Txn, reading k", txn, { success: [get("k")] }),
  unary("Txn, reading k and other", txn, { success: [get("k")], failure: [get("other")] }),
  unary("Txn, writing k", txn, { success: [put("k")] }),
  unary("Txn, in the other branch other", txn, { success: [put("k")], failure: [put("other")] }),
  unary("Txn, deleting k2 for what was there", txn, { success: [remove("k2", true)] }),
  unary("Txn, comparing other", txn, {
    compare: [createCompare({ key: key("other") })],
    success: [put("k")],
  }),
  unary("Txn, nested", txn, { success: [nested({ success: [put("k")], failure: [get("k")] })] }),
  unary("Txn, nested put", txn, { success: [nested({ failure: [put("other")] })] }),
  unary("Txn, nested read", txn, { success: [nested({ failure: [get("other")] })] }),
  unary("Put w", putMethod, { key: key("w") }),
  unary("Put w, for what was there", putMethod, { key: key("w"), prevKv: true }),
  unary("Txn, put w for what was there", txn, { failure: [put("w", { prevKv: true })] }),
  unary("Txn, put with a lease of others", txn, { failure: [put("k", { lease: 8n })] }),
  unary("Compact", compact, { revision: 1_000_000 }),
];

function watch(name: string, from: string, to: string, startRevision = 0): AuthQuestion {
  const value = createWatchCreateRequest({ key: key(from), rangeEnd: key(to), startRevision });
  const request = createWatchRequest({ requestUnion: { case: "createRequest", value } });
  return {
    name: `Watch ${name}`,
    path: WatchService.watch.path,
    kind: "open",
    body: encodeWatchRequest(request),
    shown: (message) => {
      const { created, canceled, cancelReason } = WatchService.watch.response.decode(message);
      return JSON.stringify({ created, canceled, cancelReason });
    },
  };
}

const WATCHES: readonly AuthQuestion[] = [
  watch("k", "k", ""),
  watch("other", "other", ""),
  watch("p/…", "p/", "p0"),
  watch("beyond p/…", "p/", "p1"),
  watch("from k on", "k", "\0"),
  watch("everything", "", "\0"),
  watch("before all revisions", "other", "", -1),
];

const { leaseGrant, leaseRevoke, leaseKeepAlive, leaseTimeToLive, leaseLeases } = LeaseService;

function keepAlive(id: bigint): AuthQuestion {
  const { path, request, response } = leaseKeepAlive;
  return {
    name: `LeaseKeepAlive ${id}`,
    path,
    kind: "open",
    body: request.encode(request.create({ id })),
    shown: (message) => `ttl ${response.decode(message).ttl}`,
  };
}

const LEASES: readonly AuthQuestion[] = [
  // Leases 7, 8 and 9 are there: nobody gets a new one.
  unary("LeaseGrant", leaseGrant, { id: 9n, ttl: 1000 }),
  unary("LeaseRevoke 99", leaseRevoke, { id: 99n }),
  ...[7n, 8n, 9n, 99n].flatMap((id) => [
    keepAlive(id),
    unary(`LeaseTimeToLive ${id}`, leaseTimeToLive, { id }),
    unary(`LeaseTimeToLive ${id} with keys`, leaseTimeToLive, { id, keys: true }),
  ]),
  unary("LeaseLeases", leaseLeases),
];

const { memberAdd, memberList, memberPromote, memberRemove, memberUpdate } = ClusterService;
const URLS = ["http://127.0.0.1:2380"];

const CLUSTER: readonly AuthQuestion[] = [
  unary("MemberList", memberList),
  unary("MemberList, linearizable", memberList, { linearizable: true }),
  unary("MemberAdd", memberAdd, { peerUrls: URLS }),
  unary("MemberAdd without URLs", memberAdd, {}),
  unary("MemberRemove", memberRemove, { id: 1234n }),
  unary("MemberUpdate", memberUpdate, { id: 1234n, peerUrls: URLS }),
  unary("MemberPromote", memberPromote, { id: 1234n }),
];

const { alarm, status, defragment, hash, hashKV, snapshot, moveLeader, downgrade } =
  MaintenanceService;

const MAINTENANCE: readonly AuthQuestion[] = [
  unary("Alarm, asking", alarm, { action: AlarmAction.GET }),
  unary("Alarm, lifting", alarm, { action: AlarmAction.DEACTIVATE, alarm: AlarmType.NOSPACE }),
  unary("Status", status),
  unary("Defragment", defragment),
  unary("Hash", hash),
  unary("HashKV", hashKV),
  unary("HashKV of the future", hashKV, { revision: 1_000_000 }),
  unary("Snapshot", snapshot),
  unary("MoveLeader", moveLeader, { targetId: 1234n }),
  unary("Downgrade", downgrade, { action: DowngradeAction.VALIDATE, version: "2.0" }),
];

const KEY_PERMISSION = { permType: PermissionType.READ, key: key("k"), rangeEnd: key("") };

const AUTH: readonly AuthQuestion[] = [
  unary("AuthStatus", AuthService.authStatus),
  unary("AuthEnable", AuthService.authEnable),
  ...[
    unary("Authenticate", AuthService.authenticate, { name: "nothing", password: "nothing" }),
    unary("Authenticate, wrong", AuthService.authenticate, { name: "nothing", password: "x" }),
    unary("Authenticate, unknown", AuthService.authenticate, { name: "nobody", password: "x" }),
    unary("Authenticate, nameless", AuthService.authenticate, {}),
    unary("Authenticate, by certificate only", AuthService.authenticate, {
      name: "cert",
      password: "x",
    }),
  ].map((question) => ({ ...question, isForAll: true })),
  unary("UserAdd", AuthService.userAdd, { name: "root", password: "x" }),
  unary("UserAdd, nameless", AuthService.userAdd, { password: "x" }),
  unary("UserAdd without password", AuthService.userAdd, {
    name: "root",
    options: { noPassword: true },
  }),
  unary("UserDelete", AuthService.userDelete, { name: "nobody" }),
  unary("UserDelete root", AuthService.userDelete, { name: "root" }),
  unary("UserGet keys", AuthService.userGet, { name: "keys" }),
  unary("UserGet root", AuthService.userGet, { name: "root" }),
  unary("UserGet nobody", AuthService.userGet, { name: "nobody" }),
  unary("UserGet, nameless", AuthService.userGet, {}),
  unary("UserList", AuthService.userList),
  unary("UserChangePassword", AuthService.userChangePassword, { name: "nobody", password: "x" }),
  unary("UserGrantRole", AuthService.userGrantRole, { user: "nobody", role: "keys" }),
  unary("UserRevokeRole", AuthService.userRevokeRole, { name: "nobody", role: "keys" }),
  unary("UserRevokeRole root", AuthService.userRevokeRole, { name: "root", role: "root" }),
  unary("RoleAdd", AuthService.roleAdd, { name: "keys" }),
  unary("RoleGet keys", AuthService.roleGet, { role: "keys" }),
  unary("RoleGet root", AuthService.roleGet, { role: "root" }),
  unary("RoleGet nothing", AuthService.roleGet, { role: "nothing" }),
  unary("RoleList", AuthService.roleList),
  unary("RoleDelete", AuthService.roleDelete, { role: "nothing" }),
  unary("RoleDelete root", AuthService.roleDelete, { role: "root" }),
  unary("RoleGrantPermission", AuthService.roleGrantPermission, {
    name: "nothing",
    perm: KEY_PERMISSION,
  }),
  unary("RoleRevokePermission", AuthService.roleRevokePermission, {
    role: "nothing",
    key: key("k"),
  }),
];

/** What asks the keyspace on behalf of whoever calls. Lease 9 is there for it. */
const CONCURRENCY: readonly AuthQuestion[] = [
  unary("Lock", LockService.lock, { name: key("lock"), lease: 9n }),
  unary("Unlock", LockService.unlock, { key: key("missing") }),
  unary("Unlock k2", LockService.unlock, { key: key("k2") }),
  unary("Leader", ElectionService.leader, { name: key("nobody") }),
  unary("Campaign", ElectionService.campaign, { name: key("election"), lease: 9n }),
  unary("Proclaim", ElectionService.proclaim, {
    leader: { name: key("e"), key: key("e/9"), rev: 1, lease: 9n },
  }),
  unary("Resign", ElectionService.resign, {
    leader: { name: key("e"), key: key("e/9"), rev: 1, lease: 9n },
  }),
  unary("Health", HealthService.check),
];

/** All of them. */
export const AUTH_QUESTIONS: readonly AuthQuestion[] = [
  ...KV,
  ...WATCHES,
  ...LEASES,
  ...CLUSTER,
  ...MAINTENANCE,
  ...AUTH,
  ...CONCURRENCY,
];
