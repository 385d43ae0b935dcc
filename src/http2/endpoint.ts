/**
 * What a socket shell sees of one HTTP/2 connection, whichever side it is.
 *
 * The shell owns the socket and the clock, the endpoint decides. One turn of the shell is: hand over what
 * was read (`receive`), run whatever else there is to do, then write what came out of it, all at once:
 *
 *   onOutput (once, when there is something to write)  ->  remember this endpoint for the end of the turn
 *   end of turn:  while the socket accepts bytes and `takeOutput()` returns some: write them
 *   socket full:  do not call `takeOutput`; on "drain" go on with the loop above
 *   `wantsInput` false (told by onInputWanted): pause the socket until it is true
 *   `shouldClose` true (look after receive, tick, takeOutput): write what is left, then end the socket
 *   socket gone:  `socketClosed(reason)`
 *   timer:        `tick(now)` at `nextTickMs()` or somewhat later; once every 10 to 100 ms is good enough
 */

/** What the shell is told. One object per connection, so no call needs a closure. */
export interface EndpointEvents {
  /** Output went from nothing to something. Fired once until `takeOutput` has returned `undefined`. */
  onOutput(): void;
  /**
   * The connection has ended: no call is open, none will be. `takeOutput` may still have last words, except
   * after `socketClosed`. `reason` is for the log. Fired once.
   */
  onClosed(reason: string): void;
  /** The peer's SETTINGS arrived: it speaks HTTP/2. Fired once. */
  onReady?(): void;
  /** The peer sent GOAWAY: a client opens another connection for new calls. `detail` is for the log. */
  onGoAway?(detail: string): void;
  /** `wantsInput` changed: pause the socket on false, resume it on true. */
  onInputWanted?(wanted: boolean): void;
}

export interface Http2Endpoint {
  /**
   * Begins the connection: queues the preface (client) and the SETTINGS, starts the handshake timeout.
   * Called once, before anything else. `nowMs` here and below is monotonic milliseconds of the shell.
   */
  start(nowMs: number): void;

  /**
   * Takes bytes from the socket, any cut. `chunk` is borrowed until return. Handlers run inside. After
   * `shouldClose` it is ignored.
   */
  receive(chunk: Uint8Array, nowMs: number): void;

  /**
   * Everything that may be written now, `undefined` when there is nothing. The bytes belong to the caller.
   * Call it only while the socket accepts bytes: what is not taken holds back the streams behind it. One
   * call returns a bounded piece: go on until `undefined`. Handlers may run inside (`onWritable`); never call
   * it from inside one, or from an event.
   */
  takeOutput(): Uint8Array | undefined;

  /**
   * Nothing that `takeOutput` ever gave is needed any more, as after a write that the kernel took whole: the
   * memory is used again. To be called between a `takeOutput` and anything else, or not at all.
   */
  outputWritten(): void;

  /** Bytes kept for the peer: output, queues behind closed windows, incomplete messages. For metrics. */
  readonly bufferedBytes: number;

  /** False while the peer does not read what it asked for: the shell stops reading until it is true. */
  readonly wantsInput: boolean;

  /** True when the socket has to be ended after the last `takeOutput`. */
  readonly shouldClose: boolean;

  /** Why the connection ended or has to end; empty while it lives. */
  readonly closeReason: string;

  /** Runs whatever has become due: deadlines, keepalive, timeouts. Early or late calls are harmless. */
  tick(nowMs: number): void;

  /** When `tick` is next needed, in the shell's milliseconds; `Infinity` when nothing is waited for. */
  nextTickMs(): number;

  /**
   * Ends the connection gracefully: no new calls, the open ones go on, then `shouldClose`. Idempotent.
   */
  drain(): void;

  /** Ends the connection now: open calls are cancelled, a GOAWAY is queued, `shouldClose` is true. */
  close(reason: string): void;

  /** The socket is gone: every open call is cancelled, nothing more comes out. Idempotent. */
  socketClosed(reason: string): void;
}
