/**
 * Simple tokens: random letters and the index of the entry before the one that assigned them, such as
 * "AbCdEfGhIjKlMnOp.42" of entry 43. They are worth something only because this table knows them: it lives in memory, is
 * filled where that entry is applied, on every member, and is empty after a start.
 *
 * A token ends when it has not been used for its time to live. The tokens are held in the order in which they
 * were used last, so that those that have ended are in front; the order is renewed in steps, not with every use.
 *
 * Source: etcd server/auth/simple_token.go (3.5).
 */
import type { Random } from "../ports/random.ts";
import type { AuthInfo } from "./auth-info.ts";
import { SIMPLE_TOKENS_MAX, TOKEN_USE_STEP_MS } from "./limits.ts";
import type { TokenTable } from "./token-table.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** Letters of a token. */
const LETTERS_PER_TOKEN = 16;

/** An index that no entry ever has is no index. */
const INDEX_DIGITS_MAX = 15;

/** The letters of a new token. */
export function newTokenLetters(random: Random): string {
  let letters = "";
  for (let count = 0; count < LETTERS_PER_TOKEN; count++) {
    letters += LETTERS[random.below(LETTERS.length)];
  }
  return letters;
}

/** The entry that assigned `token`; `undefined` when it does not have the form of a simple token. */
export function simpleTokenEntry(token: string): number | undefined {
  const dot = token.indexOf(".");
  if (dot < 0) return undefined;
  const digits = token.slice(dot + 1);
  return digits.length <= INDEX_DIGITS_MAX && /^\d+$/.test(digits) ? Number(digits) + 1 : undefined;
}

interface Assigned {
  /** Who the token stands for, as of `revision` of the auth store. */
  info: AuthInfo;
  /** When the order was renewed last. */
  usedMs: number;
}

export class SimpleTokens implements TokenTable {
  readonly #ttlMs: number;
  readonly #stepMs: number;
  readonly #nowMs: () => number;
  readonly #countMax: number;
  /** In the order of their last use. */
  readonly #tokens = new Map<string, Assigned>();
  /** Tokens by user, in the order in which they were assigned. */
  readonly #byUser = new Map<string, Set<string>>();

  /** `nowMs` never goes back. */
  constructor(ttlMs: number, nowMs: () => number, countMax: number = SIMPLE_TOKENS_MAX) {
    this.#ttlMs = ttlMs;
    this.#stepMs = Math.min(TOKEN_USE_STEP_MS, ttlMs / 10);
    this.#nowMs = nowMs;
    this.#countMax = countMax;
  }

  get size(): number {
    return this.#tokens.size;
  }

  /** Whether the entry that assigned `token` is applied, and the token has not ended since. */
  has(token: string): boolean {
    return this.#tokens.has(token);
  }

  /**
   * Differs from etcd: the tokens have a bound. Beyond it, the user with the most of them loses the oldest one,
   * and its client authenticates anew; etcd keeps what comes until its memory ends.
   */
  assign(token: string, username: string): void {
    this.expire();
    this.#remove(token);
    if (this.#tokens.size >= this.#countMax) this.#makeRoom();
    this.#tokens.set(token, { info: { username, revision: 0 }, usedMs: this.#nowMs() });
    const own = this.#byUser.get(username);
    if (own === undefined) this.#byUser.set(username, new Set([token]));
    else own.add(token);
  }

  /**
   * Who `token` stands for at `revision` of the auth store, which is the one of now; `undefined` for nobody.
   * Counts as a use. The same object as long as the revision stays.
   */
  use(token: string, revision: number): AuthInfo | undefined {
    const assigned = this.#tokens.get(token);
    if (assigned === undefined) return undefined;
    const nowMs = this.#nowMs();
    const unusedMs = nowMs - assigned.usedMs;
    if (unusedMs > this.#ttlMs) {
      this.#remove(token);
      return undefined;
    }
    if (unusedMs >= this.#stepMs) {
      assigned.usedMs = nowMs;
      this.#tokens.delete(token);
      this.#tokens.set(token, assigned);
    }
    if (assigned.info.revision !== revision) {
      assigned.info = { username: assigned.info.username, revision };
    }
    return assigned.info;
  }

  invalidateUser(username: string): void {
    for (const token of this.#byUser.get(username) ?? []) this.#tokens.delete(token);
    this.#byUser.delete(username);
  }

  invalidateAll(): void {
    this.#tokens.clear();
    this.#byUser.clear();
  }

  /** Forgets tokens that have ended. O(those). */
  expire(): void {
    const endMs = this.#nowMs() - this.#ttlMs;
    for (const [token, { usedMs }] of this.#tokens) {
      if (usedMs >= endMs) return;
      this.#remove(token);
    }
  }

  #remove(token: string): void {
    const assigned = this.#tokens.get(token);
    if (assigned === undefined) return;
    this.#tokens.delete(token);
    const { username } = assigned.info;
    const own = this.#byUser.get(username);
    own?.delete(token);
    if (own?.size === 0) this.#byUser.delete(username);
  }

  /** O(users). */
  #makeRoom(): void {
    let most: Set<string> | undefined;
    for (const own of this.#byUser.values()) {
      if (most === undefined || own.size > most.size) most = own;
    }
    for (const oldest of most ?? []) {
      this.#remove(oldest);
      return;
    }
  }
}
