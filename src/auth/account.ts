/**
 * A user or a role as the store holds it. Values: what changes is replaced by another one. What a user may do
 * is worked out when it is first asked for, and forgotten when one of its roles changes.
 */
import { type Permission, PermissionType, type UserAddOptions } from "../wire/gen/auth.ts";
import { ROOT } from "./names.ts";
import { PermittedRanges } from "./permitted-ranges.ts";

export interface Role {
  readonly name: string;
  /** By key. */
  readonly permissions: readonly Permission[];
}

export interface UserContent {
  readonly name: string;
  /** bcrypt hash; empty for none. */
  readonly password: Uint8Array;
  /** Names of roles, in order. */
  readonly roles: readonly string[];
  /** Absent where a version before 3.4 made the user. */
  readonly options: UserAddOptions | undefined;
}

/** The keys of a user. */
export interface Grants {
  readonly read: PermittedRanges;
  readonly write: PermittedRanges;
}

export class User implements UserContent {
  readonly name: string;
  readonly password: Uint8Array;
  readonly roles: readonly string[];
  readonly options: UserAddOptions | undefined;
  /** Whether it may do everything. */
  readonly isRoot: boolean;
  #grants: Grants | undefined;

  constructor({ name, password, roles, options }: UserContent) {
    this.name = name;
    this.password = password;
    this.roles = roles;
    this.options = options;
    this.isRoot = roles.includes(ROOT);
  }

  /** Whether it can only be told by a certificate. */
  get hasNoPassword(): boolean {
    return this.options?.noPassword ?? false;
  }

  /** What its roles permit together. */
  grants(roles: ReadonlyMap<string, Role>): Grants {
    this.#grants ??= grantsOf(this.roles, roles);
    return this.#grants;
  }

  /** One of its roles has changed. */
  forgetGrants(): void {
    this.#grants = undefined;
  }
}

/** A permission of a type that this version does not know permits nothing. */
function grantsOf(names: readonly string[], roles: ReadonlyMap<string, Role>): Grants {
  const read: Permission[] = [];
  const write: Permission[] = [];
  for (const name of names) {
    for (const permission of roles.get(name)?.permissions ?? []) {
      const { permType } = permission;
      const isBoth = permType === PermissionType.READWRITE;
      if (isBoth || permType === PermissionType.READ) read.push(permission);
      if (isBoth || permType === PermissionType.WRITE) write.push(permission);
    }
  }
  return { read: new PermittedRanges(read), write: new PermittedRanges(write) };
}
