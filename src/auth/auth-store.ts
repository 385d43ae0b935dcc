/**
 * Users, roles and their permissions as the log has made them, and the answer to whether somebody may do
 * something. It changes by the functions of `user-operations.ts` and `role-operations.ts` alone, which are
 * called where an entry is applied.
 *
 * The revision grows with every change. A request carries the one under which it was established who makes
 * it; when users or roles have changed since, it is refused, and its client authenticates anew.
 *
 * Checks, in this order: nobody named, revision old, user gone, role root, ranges. They allocate nothing, and
 * cost one comparison while authentication is off.
 *
 * Source: etcd server/auth/store.go (isOpPermitted, IsAdminPermitted; 3.5).
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { Log } from "../ports/log.ts";
import { EMPTY_BYTES, equalBytes } from "../stdx/bytes.ts";
import { type Role, User, type UserContent } from "./account.ts";
import type { AuthInfo } from "./auth-info.ts";
import type { AuthStorage, StoredAuth } from "./auth-storage.ts";
import { compareNames, ROOT } from "./names.ts";
import type { TokenTable } from "./token-table.ts";

export interface AuthStoreParts {
  readonly storage: AuthStorage;
  readonly tokens: TokenTable;
  readonly log: Log;
}

/** The revision of a store in which nothing has been changed. */
const FIRST_REVISION = 1;

export class AuthStore {
  readonly tokens: TokenTable;
  readonly log: Log;
  readonly #storage: AuthStorage;
  readonly #users = new Map<string, User>();
  readonly #roles = new Map<string, Role>();
  #enabled: boolean;
  #revision: number;

  /** The store with what was stored; a database without a revision gets the first one. */
  constructor({ storage, tokens, log }: AuthStoreParts, stored: StoredAuth) {
    this.tokens = tokens;
    this.log = log;
    this.#storage = storage;
    for (const user of stored.users) this.#users.set(user.name, new User(user));
    for (const role of stored.roles) this.#roles.set(role.name, role);
    this.#enabled = stored.enabled;
    this.#revision = stored.revision;
    if (stored.revision > 0) return;
    this.#revision = FIRST_REVISION;
    storage.putRevision(FIRST_REVISION);
  }

  /** Whether it matters who makes a request. */
  get enabled(): boolean {
    return this.#enabled;
  }

  get revision(): number {
    return this.#revision;
  }

  user(name: string): User | undefined {
    return this.#users.get(name);
  }

  role(name: string): Role | undefined {
    return this.#roles.get(name);
  }

  /** As whom a member does what it does by itself; nobody while authentication is off. */
  rootCaller(): AuthInfo | undefined {
    return this.#enabled ? { username: ROOT, revision: this.#revision } : undefined;
  }

  /** In order. */
  userNames(): string[] {
    return [...this.#users.keys()].sort(compareNames);
  }

  /** In order. */
  roleNames(): string[] {
    return [...this.#roles.keys()].sort(compareNames);
  }

  /** Whether the user is there and has the role. */
  hasRole(username: string, role: string): boolean {
    const user = this.#users.get(username);
    if (user !== undefined) return user.roles.includes(role);
    this.log.warn("'has-role' requested for non-existing user", {
      "user-name": username,
      "role-name": role,
    });
    return false;
  }

  // --- Checks -------------------------------------------------------------------------------------------

  /** Whether a key may be written. Errors, here and below: UserEmpty, AuthOldRevision, PermissionDenied. */
  checkPut(caller: AuthInfo | undefined, key: Uint8Array): EtcdError | undefined {
    return this.#enabled ? this.#check(caller, key, EMPTY_BYTES, "write") : undefined;
  }

  /** Whether a range, as a `RangeRequest` has it, may be read. */
  checkRange(
    caller: AuthInfo | undefined,
    key: Uint8Array,
    rangeEnd: Uint8Array,
  ): EtcdError | undefined {
    return this.#enabled ? this.#check(caller, key, rangeEnd, "read") : undefined;
  }

  /** Whether a range may be deleted. */
  checkDeleteRange(
    caller: AuthInfo | undefined,
    key: Uint8Array,
    rangeEnd: Uint8Array,
  ): EtcdError | undefined {
    return this.#enabled ? this.#check(caller, key, rangeEnd, "write") : undefined;
  }

  /**
   * Whether somebody has the role root. The revision is not looked at. Errors: UserEmpty, UserNotFound,
   * PermissionDenied.
   */
  checkAdmin(caller: AuthInfo | undefined): EtcdError | undefined {
    if (!this.#enabled) return undefined;
    if (caller === undefined || caller.username === "") return Errors.UserEmpty;
    const user = this.#users.get(caller.username);
    if (user === undefined) return Errors.UserNotFound;
    return user.isRoot ? undefined : Errors.PermissionDenied;
  }

  #check(
    caller: AuthInfo | undefined,
    key: Uint8Array,
    rangeEnd: Uint8Array,
    access: "read" | "write",
  ): EtcdError | undefined {
    if (caller === undefined || caller.revision === 0) return Errors.UserEmpty;
    if (caller.revision < this.#revision) {
      this.log.warn("request auth revision is less than current node auth revision", {
        "current node auth revision": this.#revision,
        "request auth revision": caller.revision,
        error: "auth: revision in header is old",
      });
      return Errors.AuthOldRevision;
    }
    const user = this.#users.get(caller.username);
    if (user === undefined) {
      this.log.error("cannot find a user for permission check", { "user-name": caller.username });
      return Errors.PermissionDenied;
    }
    if (user.isRoot) return undefined;
    const permitted = user.grants(this.#roles)[access];
    return permitted.covers(key, rangeEnd) ? undefined : Errors.PermissionDenied;
  }

  // --- Changes ------------------------------------------------------------------------------------------

  /** Adds a user, or puts another in its place. */
  putUser(content: UserContent): void {
    this.#users.set(content.name, new User(content));
    this.#storage.putUser(content);
  }

  removeUser(name: string): void {
    this.#users.delete(name);
    this.#storage.removeUser(name);
  }

  /** Adds a role, or puts another in its place. Keeps the permissions. */
  putRole(role: Role): void {
    this.#roles.set(role.name, role);
    this.#storage.putRole(role);
    this.#forgetGrantsOf(role.name);
  }

  /** Removes a role; users that have it are the caller's business. */
  removeRole(name: string): void {
    this.#roles.delete(name);
    this.#storage.removeRole(name);
    this.#forgetGrantsOf(name);
  }

  putEnabled(enabled: boolean): void {
    this.#enabled = enabled;
    this.#storage.putEnabled(enabled);
  }

  /** Something has changed. */
  raiseRevision(): void {
    this.#revision++;
    this.#storage.putRevision(this.#revision);
  }

  /**
   * This store takes the place of `previous`, because a snapshot has overtaken it. Tokens of users that were
   * changed in between would have been given up on the way.
   */
  replace(previous: AuthStore): void {
    if (previous.enabled && !this.#enabled) this.tokens.invalidateAll();
    for (const [name, { password }] of previous.#users) {
      const user = this.#users.get(name);
      if (user === undefined || !equalBytes(user.password, password)) {
        this.tokens.invalidateUser(name);
      }
    }
  }

  #forgetGrantsOf(role: string): void {
    for (const user of this.#users.values()) {
      if (user.roles.includes(role)) user.forgetGrants();
    }
  }
}
