/** Tokens of whatever kind `--auth-token` chose: how they are made, and who they stand for. */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { Random } from "../ports/random.ts";
import type { AuthInfo } from "./auth-info.ts";
import { NO_TOKENS, type TokenTable } from "./token-table.ts";
import { newTokenLetters, simpleTokenEntry, type SimpleTokens } from "./simple-tokens.ts";

export interface Tokens {
  /** What is told of tokens where entries are applied. */
  readonly table: TokenTable;
  /** What stands in front of the index of a simple token; empty for tokens of other kinds. */
  newLetters(): string;
  /**
   * The token for a user whose password was checked: `assigned` is what applying the entry has made of the
   * letters. Errors: those of its kind.
   */
  issue(assigned: string, username: string, revision: number): string | EtcdError;
  /** The entry that must be applied before `use` can tell who `token` stands for; 0 for none. */
  awaitedIndex(token: string): number;
  /** Who `token` stands for; `undefined` for nobody. `revision` is that of the auth store. */
  use(token: string, revision: number): AuthInfo | undefined;
}

/** The tokens of `table`, which is filled where entries are applied. */
export function simpleTokens(table: SimpleTokens, random: Random): Tokens {
  return {
    table,
    newLetters: () => newTokenLetters(random),
    issue: (assigned) => assigned,
    awaitedIndex: (token) => (table.has(token) ? 0 : (simpleTokenEntry(token) ?? 0)),
    use: (token, revision) => table.use(token, revision),
  };
}

/** Where `--auth-token` is empty: nobody gets a token. */
export const NO_TOKENS_ISSUED: Tokens = {
  table: NO_TOKENS,
  newLetters: () => "",
  issue: () => Errors.AuthFailed,
  awaitedIndex: () => 0,
  use: () => undefined,
};
