/** Where the auth store keeps what it holds: each change goes there at once, as part of the entry that made it. */
import type { Role, UserContent } from "./account.ts";

export interface AuthStorage {
  putUser(user: UserContent): void;
  removeUser(name: string): void;
  putRole(role: Role): void;
  removeRole(name: string): void;
  putEnabled(enabled: boolean): void;
  putRevision(revision: number): void;
}

/** What was stored. */
export interface StoredAuth {
  readonly users: readonly UserContent[];
  readonly roles: readonly Role[];
  readonly enabled: boolean;
  /** 0 in a database that has not seen the auth store yet. */
  readonly revision: number;
}
