/**
 * The receiving end of one of the two streams from a peer: dials, reads, and dials again when the stream
 * ends, for as long as the peer belongs to the cluster.
 *
 * A stream on which the peer has fallen silent may be alive, dead, or wait for TCP to send once more what was
 * lost, which it does the later the longer nothing got through. Nobody can tell, so another one is dialled
 * beside it: whichever is heard from first goes on.
 *
 * Source: etcd server/etcdserver/api/rafthttp (streamReader in stream.go).
 */
import type { Timer } from "../ports/clock.ts";
import type { Counter } from "../stdx/metrics/counter.ts";
import type { Inbox } from "./inbox.ts";
import { DIAL_BASE_MS, DIAL_INTERVAL_MS, DIAL_PATIENCE } from "./limits.ts";
import { formatId } from "./member-id.ts";
import type { LocalPeer, PeerReceiver } from "./network.ts";
import type { PeerOptions } from "./options.ts";
import type { PeerStatus } from "./peer-status.ts";
import type { StreamDecoder } from "./stream-codec.ts";
import { StreamDial, type StreamDialEvents } from "./stream-dial.ts";
import { STREAM_NAMES, type StreamKind } from "./stream-kind.ts";
import type { UrlPicker } from "./url-picker.ts";

export interface StreamReaderParts {
  readonly kind: StreamKind;
  readonly self: LocalPeer;
  readonly peerId: bigint;
  readonly options: PeerOptions;
  readonly picker: UrlPicker;
  readonly status: PeerStatus;
  readonly inbox: Inbox;
  readonly receiver: PeerReceiver;
  /** Counts what comes in. */
  readonly receivedBytes: Counter;
  /** A new decoder for a new connection. */
  readonly createDecoder: () => StreamDecoder;
  /** Called whenever bytes came in. */
  readonly onHeard: () => void;
}

export class StreamReader implements StreamDialEvents {
  readonly #parts: StreamReaderParts;
  #open: StreamDial | undefined;
  #dialling: StreamDial | undefined;
  #waiting: Timer | undefined;
  #nextDialMs = 0;
  /** The shortest time in which a stream opened; connections are not waited for much longer than that. */
  #openedInMs = Number.POSITIVE_INFINITY;
  #isSilent = false;
  #stopped = false;

  constructor(parts: StreamReaderParts) {
    this.#parts = parts;
    parts.options.log.info("started stream reader with remote peer", this.#fields());
  }

  start(): void {
    this.#waiting = undefined;
    const { dialTimeoutMs } = this.#parts.options;
    const patienceMs = DIAL_BASE_MS + DIAL_PATIENCE * this.#openedInMs;
    this.#dialling = new StreamDial(this.#parts, Math.min(dialTimeoutMs, patienceMs), this);
  }

  /** Nothing has been heard from the peer for longer than it is ever silent. */
  silent(): void {
    if (this.#isSilent || this.#stopped) return;
    this.#isSilent = true;
    if (this.#dialling === undefined && this.#waiting === undefined) this.#dialAgain();
  }

  /** For good. */
  stop(): void {
    this.#stopped = true;
    this.#waiting?.cancel();
    if (this.#open !== undefined) this.#logLost("EOF");
    this.#open?.abort();
    this.#dialling?.abort();
    this.#parts.options.log.info("stopped stream reader with remote peer", this.#fields());
  }

  onOpen(dial: StreamDial): void {
    const { status, options } = this.#parts;
    if (this.#open !== undefined) {
      this.#open.abort();
      this.#logLost("nothing was heard on it");
    }
    this.#open = dial;
    this.#dialling = undefined;
    this.#isSilent = false;
    this.#openedInMs = Math.min(this.#openedInMs, dial.ageMs);
    status.activate();
    options.log.info("established TCP streaming connection with remote peer", this.#fields());
    this.#parts.onHeard();
  }

  onHeard(): void {
    this.#parts.onHeard();
    if (!this.#isSilent) return;
    // The open stream was only slow: it goes on.
    this.#isSilent = false;
    this.#parts.status.activate();
    this.#dialling?.abort();
    this.#dialling = undefined;
    this.#waiting?.cancel();
    this.#waiting = undefined;
  }

  onFailed(dial: StreamDial, reason: string | undefined): void {
    const { picker, status, kind } = this.#parts;
    this.#dialling = undefined;
    picker.unreachable(dial.url);
    if (reason !== undefined) status.deactivate(STREAM_NAMES[kind], "dial", reason);
    if (this.#open === undefined || this.#isSilent) this.#dialAgain();
  }

  onLost(_dial: StreamDial, reason: string | undefined): void {
    const { status, kind } = this.#parts;
    this.#open = undefined;
    this.#logLost(reason ?? "EOF");
    if (reason !== undefined) status.deactivate(STREAM_NAMES[kind], "read", reason);
    if (this.#dialling === undefined && this.#waiting === undefined) this.#dialAgain();
  }

  #dialAgain(): void {
    if (this.#stopped) return;
    const { clock } = this.#parts.options;
    const nowMs = clock.nowMs();
    const atMs = Math.max(nowMs, this.#nextDialMs);
    this.#nextDialMs = atMs + DIAL_INTERVAL_MS;
    this.#waiting = clock.after(atMs - nowMs, () => this.start());
  }

  #logLost(error: string): void {
    this.#parts.options.log.warn("lost TCP streaming connection with remote peer", {
      ...this.#fields(),
      error,
    });
  }

  #fields(): Record<string, string> {
    const { kind, self, peerId } = this.#parts;
    return {
      "stream-reader-type": STREAM_NAMES[kind],
      "local-member-id": formatId(self.id),
      "remote-peer-id": formatId(peerId),
    };
  }
}
