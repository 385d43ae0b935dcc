/** Files of TLS that cannot be used: which ones, and why, in the words of Go. */
export class TlsFileError extends Error {
  readonly files: readonly string[];

  constructor(files: readonly string[], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "TlsFileError";
    this.files = files;
  }
}
