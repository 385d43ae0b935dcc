/** Randomness as a port; the simulator's is seeded. */
export interface Random {
  /** An integer in [0, bound), uniformly. `bound` is at most 2^32. */
  below(bound: number): number;
  /** Fills `into` with random bytes, fit for tokens and ids. */
  fill(into: Uint8Array): void;
}
