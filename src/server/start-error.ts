/**
 * Why a member cannot start: one line that names the file, flag or member, and says what to do. Nothing
 * on disk was changed because of it.
 */
export class StartError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "StartError";
  }
}
