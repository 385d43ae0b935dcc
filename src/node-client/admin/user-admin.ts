/**
 * Users, roles, and whether the cluster asks who calls.
 *
 * ```ts
 * await client.auth.addRole("reader");
 * await client.auth.grant("reader", "read", { prefix: "public/" });
 * await client.auth.addUser("ann", { password: "secret" });
 * await client.auth.grantRole("ann", "reader");
 * ```
 *
 * Keys in permissions are those of the cluster, also in the client of a namespace.
 */
import type { Auth } from "../../client/auth.ts";
import { type Permission as WirePermission, PermissionType } from "../../wire/gen/auth.ts";
import type { CallBounds, Deadlines } from "../call-bounds.ts";
import { KeySpace, type KeyTarget, targetOf } from "../key-space.ts";

/** What a role may do with keys. */
export type Access = "read" | "write" | "readwrite";

/** Keys, and what may be done with them. */
export interface Permission {
  /** What may be done. */
  readonly access: Access;
  /** As `grant` and `revoke` take it. */
  readonly target: KeyTarget;
}

/** Whether the cluster asks who calls. */
export interface AuthState {
  /** Whether calls need a user. */
  readonly isEnabled: boolean;
  /** Grows with every change of users and roles. */
  readonly revision: number;
}

const PERMISSION_TYPES: Readonly<Record<Access, PermissionType>> = {
  read: PermissionType.READ,
  write: PermissionType.WRITE,
  readwrite: PermissionType.READWRITE,
};

/** Of the cluster as a whole: permissions know no namespaces. */
const ALL_KEYS = new KeySpace();

/** Every method throws `EtcdError`, with the texts of etcd: `Errors.UserNotFound`, `Errors.RoleAlreadyExist`, … */
export class UserAdmin {
  readonly #auth: Auth;
  readonly #deadlines: Deadlines;

  /** Made by clients. @internal */
  constructor(auth: Auth, deadlines: Deadlines) {
    this.#auth = auth;
    this.#deadlines = deadlines;
  }

  /** From now on every call needs a user. Throws `Errors.RootUserNotExist` without a user root with the role root. */
  async enable(bounds?: CallBounds): Promise<void> {
    await this.#auth.enable(this.#deadlines.of(bounds));
  }

  /** From now on nobody is asked who they are. Needs a user with the role root. */
  async disable(bounds?: CallBounds): Promise<void> {
    await this.#auth.disable(this.#deadlines.of(bounds));
  }

  /** Whether users are asked for. */
  async state(bounds?: CallBounds): Promise<AuthState> {
    const { enabled, authRevision } = await this.#auth.status(this.#deadlines.of(bounds));
    return { isEnabled: enabled, revision: authRevision };
  }

  /** The names of all users. */
  async users(bounds?: CallBounds): Promise<readonly string[]> {
    return (await this.#auth.userList(this.#deadlines.of(bounds))).users;
  }

  /**
   * Makes a user without roles. Throws `Errors.UserAlreadyExist`. Without a password, the user can only be the common
   * name of a certificate.
   */
  async addUser(
    name: string,
    options: { readonly password?: string | undefined } & CallBounds = {},
  ): Promise<void> {
    const { password } = options;
    const request =
      password === undefined ? { name, options: { noPassword: true } } : { name, password };
    await this.#auth.userAdd(request, this.#deadlines.of(options));
  }

  /**
   * Deletes a user; its tokens end. Throws `Errors.UserNotFound`, and `Errors.InvalidAuthManagement` for root while users
   * are asked for.
   */
  async deleteUser(name: string, bounds?: CallBounds): Promise<void> {
    await this.#auth.userDelete(name, this.#deadlines.of(bounds));
  }

  /** Gives a user another password; its tokens end. */
  async setPassword(name: string, password: string, bounds?: CallBounds): Promise<void> {
    await this.#auth.userChangePassword(name, password, this.#deadlines.of(bounds));
  }

  /** The names of a user's roles. */
  async rolesOf(user: string, bounds?: CallBounds): Promise<readonly string[]> {
    return (await this.#auth.userGet(user, this.#deadlines.of(bounds))).roles;
  }

  /** Gives a user a role. Throws `Errors.UserNotFound`, `Errors.RoleNotFound`. */
  async grantRole(user: string, role: string, bounds?: CallBounds): Promise<void> {
    await this.#auth.userGrantRole(user, role, this.#deadlines.of(bounds));
  }

  /** Takes a role from a user. Throws `Errors.UserNotFound`, `Errors.RoleNotGranted`. */
  async revokeRole(user: string, role: string, bounds?: CallBounds): Promise<void> {
    await this.#auth.userRevokeRole(user, role, this.#deadlines.of(bounds));
  }

  /** The names of all roles. */
  async roles(bounds?: CallBounds): Promise<readonly string[]> {
    return (await this.#auth.roleList(this.#deadlines.of(bounds))).roles;
  }

  /** Makes a role without permissions. Throws `Errors.RoleAlreadyExist`, `Errors.RoleEmpty`. */
  async addRole(name: string, bounds?: CallBounds): Promise<void> {
    await this.#auth.roleAdd(name, this.#deadlines.of(bounds));
  }

  /** Deletes a role; users lose it. Throws `Errors.RoleNotFound`. */
  async deleteRole(name: string, bounds?: CallBounds): Promise<void> {
    await this.#auth.roleDelete(name, this.#deadlines.of(bounds));
  }

  /** What a role may do. */
  async permissionsOf(role: string, bounds?: CallBounds): Promise<readonly Permission[]> {
    return (await this.#auth.roleGet(role, this.#deadlines.of(bounds))).perm.map(permissionOf);
  }

  /** Lets a role do something with keys; what was granted for the same target before is replaced. */
  async grant(role: string, access: Access, target: KeyTarget, bounds?: CallBounds): Promise<void> {
    const permission = { permType: PERMISSION_TYPES[access], ...ALL_KEYS.range(target) };
    await this.#auth.roleGrantPermission(role, permission, this.#deadlines.of(bounds));
  }

  /** Takes back what was granted for exactly this target. Throws `Errors.PermissionNotGranted`. */
  async revoke(role: string, target: KeyTarget, bounds?: CallBounds): Promise<void> {
    const request = { role, ...ALL_KEYS.range(target) };
    await this.#auth.roleRevokePermission(request, this.#deadlines.of(bounds));
  }
}

function permissionOf({ permType, key, rangeEnd }: WirePermission): Permission {
  const isWrite = permType === PermissionType.WRITE;
  const access = permType === PermissionType.READ ? "read" : isWrite ? "write" : "readwrite";
  return { access, target: targetOf({ key, rangeEnd }) };
}
