/** A digest of bytes that come piece by piece. */
export interface Digest {
  /** Takes in more bytes; they are free when it returns. */
  update(bytes: Uint8Array): void;
  /** The digest of all of them. Ends the use of this object. */
  finish(): Uint8Array;
}
