/**
 * Passwords that were found right, so that a client that authenticates again and again does not cost bcrypt
 * each time. What is held is a digest, under a key that never leaves the process, of name, password and the
 * stored hash: it is worth nothing to whoever reads the memory without the key, and nothing any more when the
 * password changes.
 */
import type { SecretDigest } from "../ports/passwords.ts";
import { bytesFromUtf8, equalBytes } from "../stdx/bytes.ts";
import { VERIFIED_USERS_MAX } from "./limits.ts";

export class VerifiedPasswords {
  readonly #digest: SecretDigest;
  /** In the order of their last use. */
  readonly #known = new Map<string, Uint8Array>();

  constructor(digest: SecretDigest) {
    this.#digest = digest;
  }

  get size(): number {
    return this.#known.size;
  }

  /** Whether `password` was found right for this name and stored hash. */
  has(name: string, password: string, hash: Uint8Array): boolean {
    const known = this.#known.get(name);
    if (known === undefined || !equalBytes(known, this.#digestOf(name, password, hash)))
      return false;
    this.#known.delete(name);
    this.#known.set(name, known);
    return true;
  }

  add(name: string, password: string, hash: Uint8Array): void {
    this.#known.delete(name);
    this.#known.set(name, this.#digestOf(name, password, hash));
    if (this.#known.size <= VERIFIED_USERS_MAX) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }

  #digestOf(name: string, password: string, hash: Uint8Array): Uint8Array {
    return this.#digest([bytesFromUtf8(name), bytesFromUtf8(password), hash]);
  }
}
