/** Errors of members inside a process. */

/** Options that no member can run with. The message says which one, and what is wrong with it. */
export class EtcdConfigError extends Error {
  /** `message`: which option, and what is wrong with it. */
  constructor(message: string) {
    super(message);
    this.name = "EtcdConfigError";
  }
}

/** The member was stopped, so that what was waited for will not happen. */
export class EtcdStoppedError extends Error {
  /** Always the same text. */
  constructor() {
    super("the member was stopped");
    this.name = "EtcdStoppedError";
  }
}
