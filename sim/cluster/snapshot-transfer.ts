/**
 * A database on its way from one member to another, piece by piece. When either end dies, or a wire is cut
 * for too long, the rest does not come: the receiver forgets what it has, the sender hears that it failed.
 */
import type { SnapshotSink, SnapshotSource } from "../../src/peer/network.ts";
import { decodeMessage, encodeMessage, type Message } from "../../src/wire/gen/raft.ts";
import type { PeerEnd } from "./network.ts";

/** Microseconds without progress after which a transfer is given up. */
const STALL_US = 3_000_000;

/** Bytes a second of a wire, divided by a million. */
const BYTES_PER_MICROSECOND = 20;

export class SnapshotTransfer {
  readonly #sender: PeerEnd;
  readonly #receiver: PeerEnd;
  readonly #message: Message;
  readonly #source: SnapshotSource;
  #sink: SnapshotSink | undefined;
  /** A call of the sink, or of the source, is under way: nothing else may be called meanwhile. */
  #sinkBusy = false;
  #sourceBusy = false;
  #isOver = false;
  /** Counts steps, so that a timeout knows whether there was progress. */
  #steps = 0;

  constructor(sender: PeerEnd, receiver: PeerEnd, message: Message, source: SnapshotSource) {
    this.#sender = sender;
    this.#receiver = receiver;
    this.#message = message;
    this.#source = source;
  }

  start(): void {
    this.#watchdog();
    const bytes = encodeMessage(this.#message);
    this.#toReceiver(bytes.length, () => {
      if (this.#receiver.refuses(this.#sender)) {
        this.#end(false, "refused");
        return;
      }
      this.#sink = this.#receiver.receiver.onSnapshot(decodeMessage(bytes));
      this.#toSender(() => this.#next());
    });
  }

  #next(): void {
    this.#sourceBusy = true;
    this.#source.next((chunk) => {
      this.#sourceBusy = false;
      if (this.#isOver) {
        this.#source.close();
      } else if (chunk instanceof Error) {
        this.#end(false, chunk.message);
      } else if (chunk === undefined) {
        this.#toReceiver(0, () => {
          this.#sinkBusy = true;
          this.#sink?.finish((failure) => this.#finished(failure));
        });
      } else {
        const bytes = chunk.slice();
        this.#sender.network.counts.snapshotBytes += bytes.length;
        this.#toReceiver(bytes.length, () => {
          this.#sinkBusy = true;
          this.#sink?.write(bytes, (failure) => this.#written(failure));
        });
      }
    });
  }

  #written(failure: Error | undefined): void {
    this.#sinkBusy = false;
    if (this.#isOver) this.#abort("the sender has given up");
    else if (failure === undefined) this.#toSender(() => this.#next());
    else this.#toSender(() => this.#end(false, failure.message));
  }

  #finished(failure: Error | undefined): void {
    this.#sinkBusy = false;
    this.#sink = undefined;
    this.#toSender(() => this.#end(failure === undefined, failure?.message ?? ""));
  }

  /** Continues at the receiver, once `bytes` are there. */
  #toReceiver(bytes: number, run: () => void): void {
    const { loop, links } = this.#sender.network;
    loop.after(bytes / BYTES_PER_MICROSECOND, () => {
      links.carryWhole(this.#sender.machine, this.#receiver.machine, () =>
        loop.after(0, () => this.#proceed(run), this.#receiver.process),
      );
    });
  }

  #toSender(run: () => void): void {
    const { loop, links } = this.#sender.network;
    links.carryWhole(this.#receiver.machine, this.#sender.machine, () =>
      loop.after(0, () => this.#proceed(run), this.#sender.process),
    );
  }

  #proceed(run: () => void): void {
    if (this.#isOver || !this.#sender.isOpen || !this.#receiver.isOpen) return;
    this.#steps++;
    run();
  }

  #watchdog(): void {
    const { loop } = this.#sender.network;
    const before = this.#steps;
    loop.after(STALL_US, () => {
      if (this.#isOver) return;
      if (this.#steps === before) this.#end(false, "the other end does not answer");
      else this.#watchdog();
    });
  }

  #end(delivered: boolean, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (!delivered) this.#abort(reason);
    const { loop } = this.#sender.network;
    const tell = (): void => {
      if (!this.#sourceBusy) this.#source.close();
      this.#sender.snapshotSent(this.#message.to, delivered);
    };
    loop.after(0, tell, this.#sender.process);
  }

  #abort(reason: string): void {
    const sink = this.#sink;
    if (sink === undefined || this.#sinkBusy) return;
    this.#sink = undefined;
    const { loop } = this.#sender.network;
    const abort = (): void => {
      if (this.#receiver.isOpen) sink.abort(reason);
    };
    loop.after(0, abort, this.#receiver.process);
  }
}
