/** A short response, collected to its end. */
import type { HeaderOf, HttpResponseHandler } from "../ports/http.ts";
import { concatBytes } from "../stdx/bytes.ts";

export interface CollectedResponse {
  readonly status: number;
  readonly header: HeaderOf;
  readonly body: Uint8Array;
}

/** Collects a body of at most `bytesMax`; `done` is called once, unless the exchange is aborted. */
export class ResponseCollector implements HttpResponseHandler {
  readonly #bytesMax: number;
  readonly #done: (response: CollectedResponse | Error) => void;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #status = 0;
  #header: HeaderOf = () => "";
  #over = false;

  constructor(bytesMax: number, done: (response: CollectedResponse | Error) => void) {
    this.#bytesMax = bytesMax;
    this.#done = done;
  }

  onResponse(status: number, header: HeaderOf): void {
    this.#status = status;
    this.#header = header;
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#bytes += bytes.length;
    if (this.#bytes <= this.#bytesMax) this.#chunks.push(bytes);
    else this.#finish(new Error(`response is longer than ${this.#bytesMax} bytes`));
  }

  onWritable(): void {}

  onEnd(): void {
    const body = concatBytes(this.#chunks);
    this.#finish({ status: this.#status, header: this.#header, body });
  }

  onFailed(reason: Error): void {
    this.#finish(reason);
  }

  #finish(result: CollectedResponse | Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#done(result);
  }
}
