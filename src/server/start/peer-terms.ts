/**
 * Learns the terms of other members while this one takes no part: each is asked for a pre-vote in a term that
 * is long over, which changes nothing with whoever is asked, and is refused with the current term.
 *
 * Source: etcd-io/raft raft.go (Step: messages of lower terms).
 */
import type { MemberInfo } from "../../membership/member-info.ts";
import type { LocalPeer, PeerNetwork, PeerReceiver } from "../../peer/network.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { createMessage, type Message, MessageType } from "../../wire/gen/raft.ts";
import { PEER_TERM_PAUSE_MS } from "../limits.ts";
import { StartError } from "./start-error.ts";

const OLD_TERM = 1;

export interface PeerTermsParts {
  readonly network: PeerNetwork;
  readonly self: LocalPeer;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The highest term of all `voters`, each of which is waited for, however long that takes. Rejects with a
 * `StartError` when one of them says that this member was removed.
 */
export function highestTermOf(
  voters: readonly MemberInfo[],
  parts: PeerTermsParts,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const asking = new TermQuestions(voters, parts, (outcome) => {
      if (typeof outcome === "number") resolve(outcome);
      else reject(outcome);
    });
    asking.start();
  });
}

class TermQuestions implements PeerReceiver {
  readonly #voters: readonly MemberInfo[];
  readonly #parts: PeerTermsParts;
  readonly #done: (outcome: number | StartError) => void;
  readonly #heard = new Map<bigint, number>();
  readonly #transport: ReturnType<PeerNetwork["join"]>;
  #rounds = 0;
  #isOver = false;

  constructor(
    voters: readonly MemberInfo[],
    parts: PeerTermsParts,
    done: (outcome: number | StartError) => void,
  ) {
    this.#voters = voters;
    this.#parts = parts;
    this.#done = done;
    this.#transport = parts.network.join(parts.self, this);
  }

  start(): void {
    for (const { id, peerUrls } of this.#voters) this.#transport.setPeer(id, peerUrls);
    this.#ask();
  }

  onMessage({ from, term }: Message): void {
    if (this.#isOver || term === 0 || !this.#voters.some(({ id }) => id === from)) return;
    this.#heard.set(from, Math.max(term, this.#heard.get(from) ?? 0));
    if (this.#heard.size === this.#voters.length) this.#end(Math.max(...this.#heard.values()));
  }

  onSnapshot(): ReturnType<PeerReceiver["onSnapshot"]> {
    const refuse = (done: (failure: Error) => void): void =>
      this.#parts.clock.defer(() => done(new Error("this member is being repaired")));
    return { write: (_chunk, done) => refuse(done), finish: refuse, abort: () => {} };
  }

  onUnreachable(): void {}

  onSnapshotSent(): void {}

  onRemoved(): void {
    this.#end(new StartError("the member has been permanently removed from the cluster"));
  }

  isRemoved(): boolean {
    return false;
  }

  onRequest(
    _request: Parameters<PeerReceiver["onRequest"]>[0],
    respond: Parameters<PeerReceiver["onRequest"]>[1],
  ): void {
    respond({ status: 503, headers: {}, body: new Uint8Array(0) });
  }

  #ask(): void {
    if (this.#isOver) return;
    const { self, clock, log } = this.#parts;
    const silent = this.#voters.filter(({ id }) => !this.#heard.has(id));
    this.#transport.send(
      silent.map(({ id: to }) =>
        createMessage({ type: MessageType.MsgPreVote, to, from: self.id, term: OLD_TERM }),
      ),
    );
    if (this.#rounds++ % 20 === 10) {
      log.warn("waiting for the terms of all other voters, of which some are silent", {
        silent: silent.map(({ id }) => id.toString(16)),
      });
    }
    clock.after(PEER_TERM_PAUSE_MS, () => this.#ask());
  }

  #end(outcome: number | StartError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Not inside of the call that brought the answer.
    this.#parts.clock.defer(() => {
      this.#transport.stop();
      this.#done(outcome);
    });
  }
}
