import type { HeaderBlock } from "./header-block.ts";
import type { Http2Stream } from "./stream.ts";

/** What differs between the two sides of a connection, asked for by the shared core. */
export interface ConnectionRole {
  readonly isServer: boolean;
  /** Calls that have no stream yet; they keep a draining connection alive. */
  readonly waitingCalls: number;
  /** Server: a new stream; set its owner. `remoteClosed` is up to date. */
  onRequest(stream: Http2Stream, block: HeaderBlock): void;
  /** The peer's settings have changed. */
  onPeerSettings(): void;
  /** The peer goes away: streams of ours above `lastStreamId` were not processed. `detail` says why. */
  onGoAway(lastStreamId: number, detail: string): void;
  /** A stream was closed and is forgotten. */
  onStreamClosed(): void;
  /** The bytes of this `receive` are about to become invalid. */
  onReceiveEnd(): void;
  /** Time has passed. */
  onTick(nowMs: number): void;
  nextTickMs(): number;
  /** The connection is over; its streams have been told. */
  onEnded(reason: string): void;
}
