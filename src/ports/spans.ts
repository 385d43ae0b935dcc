/** The way to a collector of spans. */
export interface SpanTransport {
  /**
   * Sends one request of OTLP, marshalled. Calls `done` once, within a bounded time, with what went wrong or
   * `undefined`. One request at a time.
   */
  send(request: Uint8Array, done: (problem: string | undefined) => void): void;
  /** Nothing is sent any more. */
  close(): void;
}
