/**
 * Operations on users and roles: who may, what is done, and the answer.
 *
 * Source: etcd server/etcdserver/apply_auth.go (needAdminPermission, UserGet, RoleGet), apply.go (3.5).
 */
import type { AuthInfo } from "../auth/auth-info.ts";
import { addRole, deleteRole, grantPermission, revokePermission } from "../auth/role-operations.ts";
import {
  addUser,
  authenticate,
  changePassword,
  deleteUser,
  disableAuth,
  enableAuth,
  grantRole,
  revokeRole,
} from "../auth/user-operations.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { InternalRaftRequestOperation } from "../wire/gen/raft-internal.ts";
import type { ResponseHeader } from "../wire/gen/rpc.ts";
import type { Applier } from "./applier.ts";
import { UnsupportedEntryError } from "./cluster-operations.ts";
import type { ApplyResult } from "./result.ts";

/** Applies an operation on the auth store; `undefined` when it is none. */
export function applyAuthOperation(
  applier: Applier,
  caller: AuthInfo,
  operation: InternalRaftRequestOperation,
  index: number,
): ApplyResult | EtcdError | undefined {
  switch (operation.case) {
    case "authenticate": {
      const token = authenticate(applier.auth, operation.value, index);
      if (token instanceof EtcdError) return token;
      return { kind: "authenticate", response: { header: headerOf(applier), token } };
    }
    case "authUserGet":
      return getUser(applier, caller, operation.value.name);
    case "authRoleGet":
      return getRole(applier, caller, operation.value.role);
    default:
  }
  if (!ADMIN_OPERATIONS.has(operation.case)) return undefined;
  return applier.auth.checkAdmin(caller) ?? applyAdminOperation(applier, operation, index);
}

const ADMIN_OPERATIONS: ReadonlySet<string> = new Set([
  "authEnable",
  "authDisable",
  "authStatus",
  "authUserAdd",
  "authUserDelete",
  "authUserChangePassword",
  "authUserGrantRole",
  "authUserRevokeRole",
  "authUserList",
  "authRoleAdd",
  "authRoleDelete",
  "authRoleGrantPermission",
  "authRoleRevokePermission",
  "authRoleList",
]);

function applyAdminOperation(
  applier: Applier,
  operation: InternalRaftRequestOperation,
  index: number,
): ApplyResult | EtcdError {
  const { auth } = applier;
  const header = headerOf(applier);
  switch (operation.case) {
    case "authStatus": {
      const { enabled, revision } = auth;
      return { kind: "authStatus", response: { header, enabled, authRevision: revision } };
    }
    case "authUserList":
      return { kind: "authUserList", response: { header, users: auth.userNames() } };
    case "authRoleList":
      return { kind: "authRoleList", response: { header, roles: auth.roleNames() } };
    default: {
      const refused = changeAuth(applier, operation, index);
      return refused ?? { kind: "authChange", response: { header } };
    }
  }
}

function changeAuth(
  { auth }: Applier,
  operation: InternalRaftRequestOperation,
  index: number,
): EtcdError | undefined {
  switch (operation.case) {
    case "authEnable":
      return enableAuth(auth);
    case "authDisable":
      disableAuth(auth);
      return undefined;
    case "authUserAdd":
      if (operation.value.options?.noPassword !== true) {
        refusePlainPassword(operation.value, index);
      }
      return addUser(auth, operation.value);
    case "authUserDelete":
      return deleteUser(auth, operation.value);
    case "authUserChangePassword":
      if (auth.user(operation.value.name)?.hasNoPassword === false) {
        refusePlainPassword(operation.value, index);
      }
      return changePassword(auth, operation.value);
    case "authUserGrantRole":
      return grantRole(auth, operation.value);
    case "authUserRevokeRole":
      return revokeRole(auth, operation.value);
    case "authRoleAdd":
      return addRole(auth, operation.value);
    case "authRoleDelete":
      return deleteRole(auth, operation.value);
    case "authRoleGrantPermission":
      return grantPermission(auth, operation.value);
    case "authRoleRevokePermission":
      return revokePermission(auth, operation.value);
    default:
      throw new UnsupportedEntryError(`entry ${index} of the log is a ${operation.case} request`);
  }
}

/**
 * Versions before 3.5 had every member hash a password for itself, with chance of its own: members that did so
 * do not hold the same bytes, and nobody can join them. What is not hashed because it is not kept is no matter.
 */
function refusePlainPassword(
  { password, hashedPassword }: { readonly password: string; readonly hashedPassword: string },
  index: number,
): void {
  if (password === "" || hashedPassword !== "") return;
  throw new UnsupportedEntryError(`entry ${index} of the log holds a password as etcd 3.4 has it`);
}

/** Everybody may ask for the own roles. Errors: those of `checkAdmin`, UserNotFound. */
function getUser(applier: Applier, caller: AuthInfo, name: string): ApplyResult | EtcdError {
  const refused = applier.auth.checkAdmin(caller);
  if (refused !== undefined && name !== caller.username) return refused;
  const user = applier.auth.user(name);
  if (user === undefined) return Errors.UserNotFound;
  return {
    kind: "authUserGet",
    response: { header: headerOf(applier), roles: [...user.roles] },
  };
}

/** Everybody may ask for the permissions of an own role. Errors: those of `checkAdmin`, RoleNotFound. */
function getRole(applier: Applier, caller: AuthInfo, name: string): ApplyResult | EtcdError {
  const { auth } = applier;
  const refused = auth.checkAdmin(caller);
  if (refused !== undefined && !auth.hasRole(caller.username, name)) return refused;
  const role = auth.role(name);
  if (role === undefined) return Errors.RoleNotFound;
  return {
    kind: "authRoleGet",
    response: { header: headerOf(applier), perm: [...role.permissions] },
  };
}

function headerOf({ store }: Applier): ResponseHeader {
  return { clusterId: 0n, memberId: 0n, revision: store.revision, raftTerm: 0 };
}
