/**
 * A shorter wait for the first election after a start: as soon as enough peers are there, most of the
 * election timeout is taken as passed. A leader that exists has the rest of it to say so.
 *
 * Source: etcd server/etcdserver/server.go (adjustTicks, 3.5).
 */
import type { Member } from "../../member/member.ts";
import { formatId } from "../../membership/member-info.ts";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import { ELECTION_ADVANCE_LOOK_MS, ELECTION_ADVANCE_LOOKS_MAX } from "../limits.ts";

/** Ticks of the election timeout that are left. */
const TICKS_LEFT = 2;

export interface ElectionAdvanceParts {
  readonly member: Member;
  readonly activeSinceMs: (id: bigint) => number | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** `--initial-election-tick-advance`. */
  readonly isWanted: boolean;
  /** Whether an election starts as soon as a majority is there. */
  readonly leads: boolean;
  readonly electionTicks: number;
  readonly tickMs: number;
  /** Called after ticks have passed. */
  readonly poke: () => void;
}

export class ElectionAdvance {
  readonly #parts: ElectionAdvanceParts;
  #timer: Timer | undefined;
  #looksLeft = ELECTION_ADVANCE_LOOKS_MAX;

  constructor(parts: ElectionAdvanceParts) {
    this.#parts = parts;
  }

  /** Called once the committed part of the log was applied. */
  start(): void {
    const { member, isWanted, electionTicks, log } = this.#parts;
    if (member.applier.cluster.members().length === 1) {
      // Nobody is waited for: see `Member.campaign`.
      log.info("started as single-node; fast-forwarding election ticks", {
        "local-member-id": formatId(member.id),
        ...this.#forwardFields(electionTicks - 1),
      });
    } else if (isWanted) {
      log.info("starting initial election tick advance", { "election-ticks": electionTicks });
      this.#lookLater();
    } else {
      log.info("skipping initial election tick advance", { "election-ticks": electionTicks });
    }
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #lookLater(): void {
    if (this.#looksLeft === 0) return;
    this.#looksLeft--;
    this.#timer = this.#parts.clock.after(ELECTION_ADVANCE_LOOK_MS, () => this.#look());
  }

  #look(): void {
    const { member, activeSinceMs, leads, electionTicks, log, poke } = this.#parts;
    const { leader } = member.status();
    // It would count as silence of this leader.
    if (leader !== 0n) return;
    const members = member.applier.cluster.members();
    const active = members.filter(({ id }) => activeSinceMs(id) !== undefined).length;
    if (leads && (active + 1) * 2 > members.length) {
      member.campaign(true);
      poke();
      return;
    }
    if (active <= 1) {
      this.#lookLater();
      return;
    }
    const ticks = electionTicks - TICKS_LEFT;
    log.info("initialized peer connections; fast-forwarding election ticks", {
      "local-member-id": formatId(member.id),
      ...this.#forwardFields(ticks),
      "active-remote-members": active,
    });
    member.advanceElection(ticks);
    poke();
  }

  #forwardFields(ticks: number): Readonly<Record<string, number | string>> {
    const { electionTicks, tickMs } = this.#parts;
    return {
      "forward-ticks": ticks,
      "forward-duration": goDurationOfMs(ticks * tickMs),
      "election-ticks": electionTicks,
      "election-timeout": goDurationOfMs(electionTicks * tickMs),
    };
  }
}
