/**
 * Operations on roles, as `user-operations.ts` has those on users.
 *
 * Source: etcd server/auth/store.go (3.5).
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { compareBytes, equalBytes, utf8FromBytes } from "../stdx/bytes.ts";
import { goSort } from "../stdx/go-sort.ts";
import { utf8Length } from "../stdx/utf8.ts";
import { type Permission, PermissionType } from "../wire/gen/auth.ts";
import type {
  AuthRoleAddRequest,
  AuthRoleDeleteRequest,
  AuthRoleGrantPermissionRequest,
  AuthRoleRevokePermissionRequest,
} from "../wire/gen/rpc.ts";
import type { AuthStore } from "./auth-store.ts";
import { AUTH_NAME_BYTES_MAX } from "./limits.ts";
import { ROOT } from "./names.ts";
import { isOpenEnded } from "./permitted-ranges.ts";

/**
 * Errors: RoleEmpty, RoleAlreadyExist.
 *
 * Differs from etcd: a name that is too long for the key of an item of the database is refused
 * (InvalidAuthManagement). There it ends every member.
 */
export function addRole(store: AuthStore, { name }: AuthRoleAddRequest): EtcdError | undefined {
  if (name === "") return Errors.RoleEmpty;
  if (utf8Length(name) > AUTH_NAME_BYTES_MAX) return Errors.InvalidAuthManagement;
  if (store.role(name) !== undefined) return Errors.RoleAlreadyExist;
  store.putRole({ name, permissions: [] });
  store.raiseRevision();
  store.log.info("created a role", { "role-name": name });
  return undefined;
}

/**
 * Takes the role from every user, too. Errors: InvalidAuthManagement for root while authentication is on,
 * RoleNotFound.
 */
export function deleteRole(
  store: AuthStore,
  { role: name }: AuthRoleDeleteRequest,
): EtcdError | undefined {
  if (store.enabled && name === ROOT) {
    store.log.error("cannot delete 'root' role", { "role-name": name });
    return Errors.InvalidAuthManagement;
  }
  if (store.role(name) === undefined) return Errors.RoleNotFound;
  store.removeRole(name);
  for (const username of store.userNames()) {
    const user = store.user(username);
    if (user === undefined || !user.roles.includes(name)) continue;
    const roles = user.roles.filter((role) => role !== name);
    store.putUser({ name: username, password: user.password, roles, options: user.options });
  }
  store.raiseRevision();
  store.log.info("deleted a role", { "role-name": name });
  return undefined;
}

/**
 * Adds a permission, or changes the type of the one with the same range. Errors: PermissionNotGiven,
 * InvalidAuthManagement for a range in which no key can be, RoleNotFound.
 */
export function grantPermission(
  store: AuthStore,
  { name, perm }: AuthRoleGrantPermissionRequest,
): EtcdError | undefined {
  if (perm === undefined) return Errors.PermissionNotGiven;
  if (!isValidRange(perm)) return Errors.InvalidAuthManagement;
  const role = store.role(name);
  if (role === undefined) return Errors.RoleNotFound;
  store.putRole({ name, permissions: withPermission(role.permissions, perm) });
  store.raiseRevision();
  store.log.info("granted/updated a permission to a user", {
    "user-name": name,
    "permission-name": TYPE_NAMES.get(perm.permType) ?? "",
  });
  return undefined;
}

/** Errors: RoleNotFound, PermissionNotGranted. */
export function revokePermission(
  store: AuthStore,
  request: AuthRoleRevokePermissionRequest,
): EtcdError | undefined {
  const { role: name } = request;
  const role = store.role(name);
  if (role === undefined) return Errors.RoleNotFound;
  const permissions = role.permissions.filter((granted) => !isSameRange(granted, request));
  if (permissions.length === role.permissions.length) return Errors.PermissionNotGranted;
  store.putRole({ name, permissions });
  store.raiseRevision();
  store.log.info("revoked a permission on range", {
    "role-name": name,
    key: utf8FromBytes(request.key),
    "range-end": utf8FromBytes(request.rangeEnd),
  });
  return undefined;
}

/** Only the first permission with the same key is looked at, as in etcd: a later one is granted again. */
function withPermission(permissions: readonly Permission[], granted: Permission): Permission[] {
  const { permType } = granted;
  const at = permissions.findIndex(({ key }) => compareBytes(key, granted.key) >= 0);
  if (at >= 0 && isSameRange(permissions[at], granted)) {
    return permissions.with(at, { ...permissions[at], permType });
  }
  const key = granted.key.slice();
  const rangeEnd = granted.rangeEnd.slice();
  const all = [...permissions, { permType, key, rangeEnd }];
  // The order of those with equal keys decides which of them is changed by the next grant.
  goSort(all, (a, b) => compareBytes(a.key, b.key) < 0);
  return all;
}

function isValidRange({ key, rangeEnd }: Permission): boolean {
  if (key.length === 0) return false;
  return rangeEnd.length === 0 || isOpenEnded(rangeEnd) || compareBytes(key, rangeEnd) < 0;
}

function isSameRange(
  a: Pick<Permission, "key" | "rangeEnd">,
  b: Pick<Permission, "key" | "rangeEnd">,
): boolean {
  return equalBytes(a.key, b.key) && equalBytes(a.rangeEnd, b.rangeEnd);
}

const TYPE_NAMES = new Map<number, string>(
  Object.entries(PermissionType).map(([name, value]) => [value, name]),
);
