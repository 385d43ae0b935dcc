/**
 * Users, roles, and whether the cluster asks who calls.
 *
 * Source: etcd client/v3/auth.go, client/v3/retry.go.
 */
import type { Permission } from "../wire/gen/auth.ts";
import type {
  AuthDisableResponse,
  AuthEnableResponse,
  AuthRoleAddResponse,
  AuthRoleDeleteResponse,
  AuthRoleGetResponse,
  AuthRoleGrantPermissionResponse,
  AuthRoleListResponse,
  AuthRoleRevokePermissionRequest,
  AuthRoleRevokePermissionResponse,
  AuthStatusResponse,
  AuthUserAddRequest,
  AuthUserAddResponse,
  AuthUserChangePasswordResponse,
  AuthUserDeleteResponse,
  AuthUserGetResponse,
  AuthUserGrantRoleResponse,
  AuthUserListResponse,
  AuthUserRevokeRoleResponse,
} from "../wire/gen/rpc.ts";
import { AuthService } from "../wire/gen/services.ts";
import type { CallOptions } from "./call-options.ts";
import type { Channel } from "./channel.ts";

/** Every method throws `EtcdError`. */
export class Auth {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** From now on every call needs a user. Needs the user root with the role root. */
  enable(options?: CallOptions): Promise<AuthEnableResponse> {
    return this.#channel.call(AuthService.authEnable, {}, "once", options);
  }

  disable(options?: CallOptions): Promise<AuthDisableResponse> {
    return this.#channel.call(AuthService.authDisable, {}, "once", options);
  }

  status(options?: CallOptions): Promise<AuthStatusResponse> {
    return this.#channel.call(AuthService.authStatus, {}, "once", options);
  }

  userAdd(
    request: Partial<AuthUserAddRequest>,
    options?: CallOptions,
  ): Promise<AuthUserAddResponse> {
    return this.#channel.call(AuthService.userAdd, request, "once", options);
  }

  userDelete(name: string, options?: CallOptions): Promise<AuthUserDeleteResponse> {
    return this.#channel.call(AuthService.userDelete, { name }, "once", options);
  }

  userChangePassword(
    name: string,
    password: string,
    options?: CallOptions,
  ): Promise<AuthUserChangePasswordResponse> {
    const request = { name, password };
    return this.#channel.call(AuthService.userChangePassword, request, "once", options);
  }

  userGrantRole(
    user: string,
    role: string,
    options?: CallOptions,
  ): Promise<AuthUserGrantRoleResponse> {
    return this.#channel.call(AuthService.userGrantRole, { user, role }, "once", options);
  }

  userRevokeRole(
    name: string,
    role: string,
    options?: CallOptions,
  ): Promise<AuthUserRevokeRoleResponse> {
    return this.#channel.call(AuthService.userRevokeRole, { name, role }, "once", options);
  }

  userGet(name: string, options?: CallOptions): Promise<AuthUserGetResponse> {
    return this.#channel.call(AuthService.userGet, { name }, "repeatable", options);
  }

  userList(options?: CallOptions): Promise<AuthUserListResponse> {
    return this.#channel.call(AuthService.userList, {}, "repeatable", options);
  }

  roleAdd(name: string, options?: CallOptions): Promise<AuthRoleAddResponse> {
    return this.#channel.call(AuthService.roleAdd, { name }, "once", options);
  }

  roleDelete(role: string, options?: CallOptions): Promise<AuthRoleDeleteResponse> {
    return this.#channel.call(AuthService.roleDelete, { role }, "once", options);
  }

  roleGet(role: string, options?: CallOptions): Promise<AuthRoleGetResponse> {
    return this.#channel.call(AuthService.roleGet, { role }, "repeatable", options);
  }

  roleList(options?: CallOptions): Promise<AuthRoleListResponse> {
    return this.#channel.call(AuthService.roleList, {}, "repeatable", options);
  }

  roleGrantPermission(
    name: string,
    perm: Permission,
    options?: CallOptions,
  ): Promise<AuthRoleGrantPermissionResponse> {
    return this.#channel.call(AuthService.roleGrantPermission, { name, perm }, "once", options);
  }

  roleRevokePermission(
    request: AuthRoleRevokePermissionRequest,
    options?: CallOptions,
  ): Promise<AuthRoleRevokePermissionResponse> {
    return this.#channel.call(AuthService.roleRevokePermission, request, "once", options);
  }
}
