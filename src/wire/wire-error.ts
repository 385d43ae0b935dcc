/** Says that bytes are not a legal message. The text is that of etcd's own decoders where they have one. */
export class WireError extends Error {
  /** `message`: what is wrong with the bytes. */
  constructor(message: string) {
    super(message);
    this.name = "WireError";
  }
}
