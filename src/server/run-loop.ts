/**
 * Drives one member: collects what arrived in a turn of the event loop, takes what the member wants done,
 * and does it. Group commit falls out of this: while one write to the log is under way, the next batch
 * gathers.
 *
 * ```
 *   requests, ticks, ──> poke ──> turn: takeReady ──> start the log write ──> send ──> apply, answer ──> flush
 *   messages              ^                                   │
 *                         └───────────── durable ─────────────┘
 * ```
 *
 * Knows only ports: the simulator drives members with this same loop.
 */
import type { Member } from "../member/member.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import { NONE } from "../raft/node-id.ts";
import type { Message } from "../wire/gen/raft.ts";
import type { CurrentState } from "./applied-state.ts";
import type { Wal } from "../wal/wal.ts";
import type { WalFailure } from "../wal/types.ts";
import type { DiskWatch } from "./disk-watch.ts";
import type { PeerLink } from "./peer-link.ts";

export interface RunLoopParts {
  readonly member: Member;
  readonly peers: PeerLink;
  readonly wal: Wal;
  readonly current: CurrentState;
  readonly disk: DiskWatch;
  readonly clock: Clock;
  readonly tickMs: number;
  /** Called when the member leads and has applied everything from before that. */
  readonly onLeading: () => void;
  /** Called at the end of every turn, when all its answers were given. */
  readonly onTurnEnd: () => void;
  /** The log cannot be written any more: the process has to end, nothing is tried again. */
  readonly onFailure: (failure: WalFailure) => void;
}

export class RunLoop {
  readonly #parts: RunLoopParts;
  readonly #runTurn = (): void => this.#turn();
  #scheduled = false;
  #stopped = false;
  #ticker: Timer | undefined;
  #nextTickMs = 0;

  constructor(parts: RunLoopParts) {
    this.#parts = parts;
  }

  /** Applies what the log says is committed, and leads at once where nobody else can. */
  start(): void {
    this.#nextTickMs = this.#parts.clock.nowMs() + this.#parts.tickMs;
    this.#scheduleTick();
    this.#turn();
    this.#parts.member.campaignIfAlone();
    this.poke();
  }

  /** Makes sure that a turn follows soon. Called by whoever gave the member something. */
  poke(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    this.#parts.clock.defer(this.#runTurn);
  }

  /** No turns any more; writes under way go on. */
  stop(): void {
    this.#stopped = true;
    this.#ticker?.cancel();
  }

  #turn(): void {
    this.#scheduled = false;
    if (this.#stopped) return;
    const { member, peers, current, clock, onLeading, onTurnEnd } = this.#parts;
    for (let ready = member.takeReady(); ready !== undefined; ready = member.takeReady()) {
      if (ready.append !== undefined) this.#append(ready.append);
      // A leader's disk and its followers' work at the same time.
      peers.send(ready.messages);
      peers.sendSnapshots(ready.snapshots);
      if (ready.committed !== undefined) {
        const { snapshot, changes, beganToLead } = member.apply(ready.committed, clock.nowMs());
        peers.follow(changes);
        if (beganToLead) onLeading();
        if (snapshot !== undefined) current.state.save(snapshot);
      }
    }
    current.state.afterApply();
    onTurnEnd();
  }

  #append(append: Message): void {
    const { member, peers, wal, disk, onFailure } = this.#parts;
    const { entries, term, commit } = append;
    const hardState = term === 0 ? undefined : { term, vote: append.vote ?? NONE, commit };
    disk.began();
    wal.append({ entries, hardState }, (failure) => {
      disk.ended();
      if (this.#stopped) return;
      if (failure !== undefined) {
        onFailure(failure);
        return;
      }
      peers.send(member.appended(append));
      this.poke();
    });
  }

  #scheduleTick(): void {
    const { clock, tickMs } = this.#parts;
    this.#ticker = clock.after(Math.max(0, this.#nextTickMs - clock.nowMs()), () => {
      this.#parts.member.tick(clock.nowMs(), this.#parts.peers.transport);
      this.#parts.disk.tick();
      // After a pause of the process the missed ticks are not made up: they would look like silence.
      this.#nextTickMs = Math.max(this.#nextTickMs + tickMs, clock.nowMs());
      this.#scheduleTick();
      this.poke();
    });
  }
}
