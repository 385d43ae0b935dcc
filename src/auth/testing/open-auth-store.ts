/** A store of users and roles without a database, for tests. */
import type { Role, UserContent } from "../account.ts";
import type { AuthStorage, StoredAuth } from "../auth-storage.ts";
import { AuthStore } from "../auth-store.ts";
import { NO_TOKENS, type TokenTable } from "../token-table.ts";

/** Keeps what it is given, in memory. */
export class MemoryAuthStorage implements AuthStorage {
  readonly users = new Map<string, UserContent>();
  readonly roles = new Map<string, Role>();
  enabled = false;
  revision = 0;

  putUser(user: UserContent): void {
    this.users.set(user.name, user);
  }

  removeUser(name: string): void {
    this.users.delete(name);
  }

  putRole(role: Role): void {
    this.roles.set(role.name, role);
  }

  removeRole(name: string): void {
    this.roles.delete(name);
  }

  putEnabled(enabled: boolean): void {
    this.enabled = enabled;
  }

  putRevision(revision: number): void {
    this.revision = revision;
  }

  load(): StoredAuth {
    const { users, roles, enabled, revision } = this;
    return { users: [...users.values()], roles: [...roles.values()], enabled, revision };
  }
}

/** A store with what `storage` holds. */
export function openAuthStore(
  storage: MemoryAuthStorage = new MemoryAuthStorage(),
  tokens: TokenTable = NO_TOKENS,
): AuthStore {
  return new AuthStore({ storage, tokens, log: SILENT }, storage.load());
}

const SILENT = {
  enabled: () => false,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  fatal: () => undefined,
};
