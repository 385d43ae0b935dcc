/** A proxy that cannot start: what is said, and where. The exit code is 1. */
export class ProxyExit extends Error {
  readonly stream: "stdout" | "stderr";

  constructor(message: string, stream: "stdout" | "stderr") {
    super(message);
    this.name = "ProxyExit";
    this.stream = stream;
  }
}
