/**
 * The buckets of the auth store: users, roles, whether authentication is on, and the revision, byte for byte as
 * etcd writes them.
 *
 * Source: etcd server/auth/store.go (putUser, putRole, commitRevision), api/authpb/auth.proto (3.5).
 */
import type { Role, UserContent } from "../auth/account.ts";
import type { AuthStorage, StoredAuth } from "../auth/auth-storage.ts";
import { ROOT } from "../auth/names.ts";
import { bytesFromUtf8, equalBytes, utf8FromBytes } from "../stdx/bytes.ts";
import { decodeRole, decodeUser, encodeRole, encodeUser } from "../wire/gen/auth.ts";
import { WireError } from "../wire/wire-error.ts";
import type { Backend } from "./backend.ts";
import { decodeUint64, encodeUint64 } from "./integers.ts";
import { AUTH, type BucketName } from "./schema.ts";

const ENABLED = 1;

export class AuthRecords implements AuthStorage {
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  putUser({ name, password, roles, options }: UserContent): void {
    const key = bytesFromUtf8(name);
    const value = encodeUser({ name: key, password, roles: [...roles], options });
    this.#backend.put("authUsers", key, value);
  }

  removeUser(name: string): void {
    this.#backend.delete("authUsers", bytesFromUtf8(name));
  }

  putRole({ name, permissions }: Role): void {
    const key = bytesFromUtf8(name);
    const value = encodeRole({ name: key, keyPermission: [...permissions] });
    this.#backend.put("authRoles", key, value);
  }

  removeRole(name: string): void {
    this.#backend.delete("authRoles", bytesFromUtf8(name));
  }

  putEnabled(enabled: boolean): void {
    this.#backend.put("auth", AUTH.authEnabled, Uint8Array.of(enabled ? ENABLED : 0));
  }

  putRevision(revision: number): void {
    this.#backend.put("auth", AUTH.authRevision, encodeUint64(revision));
  }

  /**
   * All that is stored. Throws `WireError`, which names bucket and key, for an item that cannot be read or does
   * not fit to the others.
   */
  load(): StoredAuth {
    const roles: Role[] = [];
    this.#forEach("authRoles", (key, value) => {
      const { name, keyPermission } = decodeRole(value.slice());
      roles.push({ name: nameOf(key, name), permissions: keyPermission });
    });
    const roleNames = new Set(roles.map(({ name }) => name)).add(ROOT);
    const users: UserContent[] = [];
    this.#forEach("authUsers", (key, value) => {
      const user = decodeUser(value.slice());
      const unknown = user.roles.find((role) => !roleNames.has(role));
      if (unknown !== undefined) throw new WireError(`role "${unknown}" is not there`);
      users.push({ ...user, name: nameOf(key, user.name) });
    });
    return { users, roles, enabled: this.#enabled(), revision: this.#revision() };
  }

  #enabled(): boolean {
    const value = this.#backend.get("auth", AUTH.authEnabled);
    return value?.length === 1 && value[0] === ENABLED;
  }

  #revision(): number {
    const value = this.#backend.get("auth", AUTH.authRevision);
    if (value === undefined) return 0;
    return reading("auth", AUTH.authRevision, () => {
      if (value.length !== 8) throw new WireError(`${value.length} bytes instead of 8`);
      return decodeUint64(value);
    });
  }

  #forEach(bucket: BucketName, visit: (key: Uint8Array, value: Uint8Array) => void): void {
    this.#backend.forEach(bucket, (key, value) => reading(bucket, key, () => visit(key, value)));
  }
}

/** The name in an item, which is also its key. */
function nameOf(key: Uint8Array, name: Uint8Array): string {
  if (!equalBytes(key, name)) throw new WireError("its name is another");
  const text = utf8FromBytes(name);
  if (!equalBytes(bytesFromUtf8(text), name)) throw new WireError("its name is not UTF-8");
  return text;
}

function reading<T>(bucket: BucketName, key: Uint8Array, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new WireError(`bucket "${bucket}", key "${utf8FromBytes(key)}": ${error.message}`);
  }
}
