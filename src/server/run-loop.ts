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
import type { CurrentState } from "./storage/applied-state.ts";
import type { Wal } from "../wal/wal.ts";
import type { WalFailure } from "../wal/types.ts";
import type { DiskWatch } from "./cluster/disk-watch.ts";
import type { HeartbeatWatch } from "./cluster/heartbeat-watch.ts";
import { TURN_MS_MAX } from "./limits.ts";
import type { SnapshotInstaller } from "./storage/snapshot-installer.ts";
import type { PeerLink } from "./cluster/peer-link.ts";

export interface RunLoopParts {
  readonly member: Member;
  readonly peers: PeerLink;
  readonly heartbeats: HeartbeatWatch;
  readonly wal: Wal;
  readonly current: CurrentState;
  readonly disk: DiskWatch;
  readonly installer: SnapshotInstaller;
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
  readonly #runTurn = (): void => {
    this.#scheduled = false;
    this.#turn(TURN_MS_MAX);
  };
  /** Appends that wait until the file of a snapshot before them is durable; `undefined` when none does. */
  #heldAppends: Message[] | undefined;
  /** Committed entries that wait for the state behind them. */
  #heldCommitted: Message[] = [];
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
    this.#turn(Number.POSITIVE_INFINITY);
    this.#parts.member.campaign();
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

  /** Does what there is to do; when that takes longer than `budgetMs`, the rest in the next turn. */
  #turn(budgetMs: number): void {
    if (this.#stopped) return;
    const { member, peers, heartbeats, current, installer, clock, onTurnEnd } = this.#parts;
    const endMs = clock.nowMs() + budgetMs;
    for (let ready = member.takeReady(); ready !== undefined; ready = member.takeReady()) {
      // A leader's disk and its followers' work at the same time. Theirs take longer, and the loop may stand
      // still while its own works.
      heartbeats.sending(ready.messages);
      peers.send(ready.messages);
      if (ready.append !== undefined) this.#append(ready.append);
      peers.sendSnapshots(ready.snapshots);
      if (ready.committed !== undefined) {
        if (installer.isBusy) this.#heldCommitted.push(ready.committed);
        else this.#apply(ready.committed);
        if (clock.nowMs() > endMs) {
          this.poke();
          break;
        }
      }
    }
    current.state.afterApply();
    onTurnEnd();
  }

  /** A snapshot was taken over: what was committed behind it can be applied. */
  installed(): void {
    const held = this.#heldCommitted;
    this.#heldCommitted = [];
    for (const committed of held) this.#apply(committed);
    this.poke();
  }

  #apply(committed: Message): void {
    const { member, peers, current, clock, onLeading } = this.#parts;
    const { snapshot, changes, beganToLead } = member.apply(committed, clock.nowMs());
    peers.follow(changes);
    if (beganToLead) onLeading();
    if (snapshot !== undefined) current.state.save(snapshot);
  }

  /** Appends are written in their order; the file of a snapshot comes before its record. */
  #append(append: Message): void {
    const { snapshot } = append;
    if (this.#heldAppends !== undefined) {
      this.#heldAppends.push(append);
    } else if (snapshot === undefined) {
      this.#write(append);
    } else {
      this.#heldAppends = [];
      this.#parts.installer.saveFile(snapshot, () => {
        const held = this.#heldAppends ?? [];
        this.#heldAppends = undefined;
        this.#write(append);
        for (const later of held) this.#append(later);
      });
    }
  }

  #write(append: Message): void {
    const { member, peers, wal, disk, installer, onFailure } = this.#parts;
    const { entries, term, commit, snapshot } = append;
    const hardState = term === 0 ? undefined : { term, vote: append.vote ?? NONE, commit };
    disk.began();
    wal.append({ snapshot: snapshot?.metadata, entries, hardState }, (failure) => {
      disk.ended();
      if (this.#stopped) return;
      if (failure !== undefined) {
        onFailure(failure);
        return;
      }
      if (snapshot !== undefined) installer.install(snapshot);
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
      if (!this.#parts.member.isLeader()) this.#parts.heartbeats.reset();
      // At once: what else has arrived may take its time, and heartbeats must not wait for it.
      this.#turn(TURN_MS_MAX);
    });
  }
}
