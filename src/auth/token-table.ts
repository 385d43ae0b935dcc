/** What the auth store tells those who hand out tokens that only live in memory: simple tokens. */
export interface TokenTable {
  /** `token` stands for `username` from now on. Called in the order of the log, on every member. */
  assign(token: string, username: string): void;
  /** The tokens of a user are worth nothing any more. */
  invalidateUser(username: string): void;
  /** No token is worth anything any more. */
  invalidateAll(): void;
}

/** Where nobody can have a token. */
export const NO_TOKENS: TokenTable = {
  assign: () => undefined,
  invalidateUser: () => undefined,
  invalidateAll: () => undefined,
};
