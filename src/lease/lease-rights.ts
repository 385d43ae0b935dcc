/**
 * What is known of who may write the keys of a lease: whoever uses a lease must be allowed to write all its keys,
 * and a lease may have a million. The last user that was, and the key that the last one was not, are remembered,
 * so that only keys attached since need a look.
 */
import { LEASE_UNCHECKED_KEYS_MAX } from "./limits.ts";

export class LeaseRights {
  #username = "";
  /** Of users and roles, when the user was looked at; 0 for nobody. */
  #revision = 0;
  /** Attached since. */
  #unchecked: string[] = [];
  /** The last key for which somebody was refused; it may be detached. */
  refusedKey: string | undefined;

  /**
   * The keys that the user must still be asked for: all of `keys`, unless it was found to be allowed to write the
   * others under this revision of users and roles. Some may be detached.
   */
  toCheck(username: string, revision: number, keys: ReadonlySet<string>): Iterable<string> {
    const isKnown = this.#revision === revision && this.#username === username;
    return isKnown ? this.#unchecked : keys;
  }

  /** The user may write all keys, under this revision of users and roles. */
  allChecked(username: string, revision: number): void {
    this.#username = username;
    this.#revision = revision;
    if (this.#unchecked.length > 0) this.#unchecked = [];
  }

  keyAdded(key: string): void {
    if (this.#revision === 0) return;
    this.#unchecked.push(key);
    if (this.#unchecked.length <= LEASE_UNCHECKED_KEYS_MAX) return;
    this.#revision = 0;
    this.#unchecked = [];
  }
}
