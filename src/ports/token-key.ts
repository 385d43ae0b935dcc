/** The key of signed tokens as a port. */
export interface TokenKey {
  /** As the header of a token names it, such as "RS256". */
  readonly algorithm: string;
  /** Whether there is what signing needs. */
  readonly canSign: boolean;
  /** The signature of `bytes`; `undefined` when the key does not fit the algorithm. */
  sign(bytes: Uint8Array): Uint8Array | undefined;
  /** Whether `signature` is one of `bytes`. */
  verify(bytes: Uint8Array, signature: Uint8Array): boolean;
}
