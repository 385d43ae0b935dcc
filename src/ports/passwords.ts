/** Passwords and their bcrypt hashes as a port: work of many milliseconds, done beside everything else. */
export interface PasswordWorkers {
  /** How many jobs are done at the same time; whoever starts more has them wait here. */
  readonly count: number;
  /** Calls `done` later with the hash of `password`, as it is stored. */
  hash(password: string, cost: number, done: (hash: Uint8Array) => void): void;
  /** Calls `done` later with whether `hash` is one of `password`; anything else is none. */
  compare(password: string, hash: Uint8Array, done: (isSame: boolean) => void): void;
  /** Ends. Jobs that are under way are not answered any more. */
  close(): void;
}

/** A keyed digest with a key that nobody else has; the same for the life of the process. */
export type SecretDigest = (parts: readonly Uint8Array[]) => Uint8Array;
