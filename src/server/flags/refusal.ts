/** A refused value of a flag; the message is the user's, in etcd's words. */
export class FlagRefusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = "FlagRefusal";
  }
}
