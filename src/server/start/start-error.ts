/**
 * Why a member cannot start: one line that names the file, flag or member, and says what to do. Nothing
 * on disk was changed because of it.
 */
export class StartError extends Error {
  /** `cause`: what it follows from, if anything. */
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "StartError";
  }
}

/** A `StartError` because data of the member is missing, or is not what it wrote. */
export class DamagedDataError extends StartError {}
