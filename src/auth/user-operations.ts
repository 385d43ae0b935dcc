/**
 * Operations on users, and turning authentication on and off, as the log has them: each is done, or refused
 * with nothing changed. In etcd's order of checks; what the operation leaves as it was does not raise the
 * revision.
 *
 * Source: etcd server/auth/store.go (3.5).
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { bytesFromBase64 } from "../stdx/base64.ts";
import { EMPTY_BYTES } from "../stdx/bytes.ts";
import { utf8Length } from "../stdx/utf8.ts";
import { createUserAddOptions } from "../wire/gen/auth.ts";
import type { InternalAuthenticateRequest } from "../wire/gen/raft-internal.ts";
import type {
  AuthUserAddRequest,
  AuthUserChangePasswordRequest,
  AuthUserDeleteRequest,
  AuthUserGrantRoleRequest,
  AuthUserRevokeRoleRequest,
} from "../wire/gen/rpc.ts";
import type { AuthStore } from "./auth-store.ts";
import { AUTH_NAME_BYTES_MAX } from "./limits.ts";
import { ROOT, withName } from "./names.ts";

/** Errors: RootUserNotExist, RootRoleNotExist. Does not raise the revision. */
export function enableAuth(store: AuthStore): EtcdError | undefined {
  if (store.enabled) {
    store.log.info("authentication is already enabled; ignored auth enable request");
    return undefined;
  }
  const root = store.user(ROOT);
  if (root === undefined) return Errors.RootUserNotExist;
  if (!root.isRoot) return Errors.RootRoleNotExist;
  store.putEnabled(true);
  store.log.info("enabled authentication");
  return undefined;
}

/** Tokens are given up. */
export function disableAuth(store: AuthStore): void {
  if (!store.enabled) return;
  store.putEnabled(false);
  store.raiseRevision();
  store.tokens.invalidateAll();
  store.log.info("disabled authentication");
}

/**
 * A user has shown its password, on the member that has proposed this. Returns its token: what that member has
 * chosen, and the index of the entry before this one: etcd takes the last one whose effects are there. Every
 * member must come to the same token. Errors: AuthNotEnabled, AuthFailed.
 */
export function authenticate(
  store: AuthStore,
  { name, simpleToken }: InternalAuthenticateRequest,
  index: number,
): string | EtcdError {
  if (!store.enabled) return Errors.AuthNotEnabled;
  const user = store.user(name);
  if (user === undefined || user.hasNoPassword) return Errors.AuthFailed;
  const token = `${simpleToken}.${index - 1}`;
  store.tokens.assign(token, name);
  return token;
}

/**
 * Errors: UserEmpty, UserAlreadyExist, NoPasswordUser.
 *
 * Differs from etcd: a name that is too long for the key of an item of the database is refused
 * (InvalidAuthManagement). There it ends every member.
 */
export function addUser(store: AuthStore, request: AuthUserAddRequest): EtcdError | undefined {
  const { name } = request;
  if (name === "") return Errors.UserEmpty;
  if (utf8Length(name) > AUTH_NAME_BYTES_MAX) return Errors.InvalidAuthManagement;
  if (store.user(name) !== undefined) return Errors.UserAlreadyExist;
  const options = createUserAddOptions(request.options);
  const password = options.noPassword ? EMPTY_BYTES : bytesFromBase64(request.hashedPassword);
  if (typeof password === "number") return Errors.NoPasswordUser;
  store.putUser({ name, password, roles: [], options });
  store.raiseRevision();
  store.log.info("added a user", { "user-name": name });
  return undefined;
}

/** Errors: InvalidAuthManagement for root while authentication is on, UserNotFound. */
export function deleteUser(
  store: AuthStore,
  { name }: AuthUserDeleteRequest,
): EtcdError | undefined {
  if (store.enabled && name === ROOT) {
    store.log.error("cannot delete 'root' user", { "user-name": name });
    return Errors.InvalidAuthManagement;
  }
  const user = store.user(name);
  if (user === undefined) return Errors.UserNotFound;
  store.removeUser(name);
  store.raiseRevision();
  store.tokens.invalidateUser(name);
  store.log.info("deleted a user", { "user-name": name, "user-roles": user.roles });
  return undefined;
}

/** A user without a password keeps none. Errors: UserNotFound, NoPasswordUser. */
export function changePassword(
  store: AuthStore,
  { name, hashedPassword }: AuthUserChangePasswordRequest,
): EtcdError | undefined {
  const user = store.user(name);
  if (user === undefined) return Errors.UserNotFound;
  const password = user.hasNoPassword ? EMPTY_BYTES : bytesFromBase64(hashedPassword);
  if (typeof password === "number") return Errors.NoPasswordUser;
  const { roles, options } = user;
  store.putUser({ name, password, roles, options });
  store.raiseRevision();
  store.tokens.invalidateUser(name);
  store.log.info("changed a password of a user", { "user-name": name, "user-roles": roles });
  return undefined;
}

/**
 * The role root need not be there. A role that the user has is granted again without a change. Errors:
 * UserNotFound, RoleNotFound.
 */
export function grantRole(
  store: AuthStore,
  { user: name, role }: AuthUserGrantRoleRequest,
): EtcdError | undefined {
  const user = store.user(name);
  if (user === undefined) return Errors.UserNotFound;
  if (role !== ROOT && store.role(role) === undefined) return Errors.RoleNotFound;
  if (user.roles.includes(role)) {
    store.log.warn("ignored grant role request to a user", {
      "user-name": name,
      "user-roles": user.roles,
      "duplicate-role-name": role,
    });
    return undefined;
  }
  const roles = withName(user.roles, role);
  store.putUser({ name, password: user.password, roles, options: user.options });
  store.raiseRevision();
  store.log.info("granted a role to a user", {
    "user-name": name,
    "user-roles": roles,
    "added-role-name": role,
  });
  return undefined;
}

/**
 * Errors: InvalidAuthManagement for the role root of root while authentication is on, UserNotFound,
 * RoleNotGranted.
 */
export function revokeRole(
  store: AuthStore,
  { name, role }: AuthUserRevokeRoleRequest,
): EtcdError | undefined {
  if (store.enabled && name === ROOT && role === ROOT) {
    store.log.error("'root' user cannot revoke 'root' role", {
      "user-name": name,
      "role-name": role,
    });
    return Errors.InvalidAuthManagement;
  }
  const user = store.user(name);
  if (user === undefined) return Errors.UserNotFound;
  if (!user.roles.includes(role)) return Errors.RoleNotGranted;
  const roles = user.roles.filter((other) => other !== role);
  store.putUser({ name, password: user.password, roles, options: user.options });
  store.raiseRevision();
  store.log.info("revoked a role from a user", {
    "user-name": name,
    "old-user-roles": user.roles,
    "new-user-roles": roles,
    "revoked-role-name": role,
  });
  return undefined;
}
