/**
 * Calls that only the leader can answer, and that do not go through the log: while this member leads they are
 * tried here, else the leader is asked on its peer URLs, again and again until there is an answer or the time
 * of a request is over. When another member has become the leader, it is asked instead.
 *
 * Source: etcd server/etcdserver/v3_server.go (LeaseRenew, LeaseTimeToLive, waitLeader; 3.5).
 */
import type { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import type { Member } from "../../member/member.ts";
import type { PeerCaller, PeerRequest, PeerResponse } from "../../peer/network.ts";
import type { Clock, Timer } from "../../ports/clock.ts";
import { LEADER_CALL_PAUSE_MS, LEADER_CALLS_AT_ONCE, LEADER_CALLS_MAX } from "../limits.ts";

/** One call for the leader. May be tried several times; told once how it went. */
export interface LeaderCall {
  readonly request: PeerRequest;
  /** Whether nobody waits for the answer any more. */
  isGone(): boolean;
  /** This member leads. `settled` is called once, now or later: whether the call was answered. */
  tryHere(settled: (isAnswered: boolean) => void): void;
  /** What the leader says; false when that is no answer, so that it is asked again. */
  take(response: PeerResponse): boolean;
  /** There was no answer in time: Timeout, NoLeader, TooManyRequests, Stopped. */
  fail(error: EtcdError): void;
}

interface Running {
  readonly call: LeaderCall;
  readonly deadlineMs: number;
  /** Who is being asked; `undefined` while it waits for the next round. */
  asked: bigint | undefined;
  /** Counts tries: what comes of an earlier one is not looked at. */
  attempt: number;
}

export interface LeaderCallsParts {
  readonly member: Pick<Member, "id" | "leader" | "requestTimeoutMs"> & {
    readonly applier: Pick<Member["applier"], "cluster">;
  };
  readonly network: PeerCaller;
  readonly clock: Pick<Clock, "nowMs" | "after">;
  /** Called after calls were tried on this member outside of a turn. */
  readonly poke: () => void;
}

export class LeaderCalls {
  readonly #parts: LeaderCallsParts;
  /** In the order in which they came. */
  readonly #running = new Set<Running>();
  #askedCount = 0;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: LeaderCallsParts) {
    this.#parts = parts;
  }

  start(call: LeaderCall): void {
    if (this.#stopped) {
      call.fail(Errors.Stopped);
      return;
    }
    if (this.#running.size >= LEADER_CALLS_MAX) {
      call.fail(Errors.TooManyRequests);
      return;
    }
    const { clock, member } = this.#parts;
    const deadlineMs = clock.nowMs() + member.requestTimeoutMs;
    const running: Running = { call, deadlineMs, asked: undefined, attempt: 0 };
    this.#running.add(running);
    this.#try(running);
    if (this.#running.size > 0) this.#timer ??= this.#scheduleRound();
  }

  /** Whoever waits is told that the server stops. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    const running = [...this.#running];
    this.#running.clear();
    for (const { call } of running) call.fail(Errors.Stopped);
  }

  #scheduleRound(): Timer {
    return this.#parts.clock.after(LEADER_CALL_PAUSE_MS, () => {
      this.#timer = undefined;
      for (const running of [...this.#running]) this.#look(running);
      this.#parts.poke();
      if (this.#running.size > 0 && !this.#stopped) this.#timer ??= this.#scheduleRound();
    });
  }

  /** Once a round: ends what took too long, and asks anew whoever leads now. */
  #look(running: Running): void {
    const { clock, member } = this.#parts;
    if (!this.#running.has(running)) return;
    if (running.call.isGone()) {
      this.#end(running);
    } else if (clock.nowMs() >= running.deadlineMs) {
      this.#end(running);
      running.call.fail(this.#leader() === undefined ? Errors.NoLeader : Errors.Timeout);
    } else if (running.asked === undefined) {
      this.#try(running);
    } else if (member.leader !== 0n && member.leader !== running.asked) {
      this.#wait(running);
      this.#try(running);
    }
  }

  #leader(): { readonly id: bigint; readonly peerUrls: readonly string[] } | undefined {
    const { member } = this.#parts;
    return member.applier.cluster.member(member.leader);
  }

  #try(running: Running): void {
    const leader = this.#leader();
    if (leader === undefined || this.#askedCount >= LEADER_CALLS_AT_ONCE) return;
    running.asked = leader.id;
    this.#askedCount++;
    const attempt = ++running.attempt;
    if (leader.id !== this.#parts.member.id) {
      this.#ask(running, attempt, leader.peerUrls, 0);
      return;
    }
    running.call.tryHere((isAnswered) => {
      if (!this.#isCurrent(running, attempt)) return;
      if (isAnswered) this.#end(running);
      else this.#wait(running);
    });
  }

  /** Asks the URLs of a leader one after the other. */
  #ask(running: Running, attempt: number, urls: readonly string[], at: number): void {
    if (at >= urls.length) {
      this.#wait(running);
      return;
    }
    const { network, clock } = this.#parts;
    const { call, deadlineMs } = running;
    const leftMs = Math.max(1, deadlineMs - clock.nowMs());
    network.call(urls[at], call.request, leftMs, (answer) => {
      if (!this.#isCurrent(running, attempt)) return;
      if (!(answer instanceof Error) && call.take(answer)) this.#end(running);
      else this.#ask(running, attempt, urls, at + 1);
    });
  }

  #isCurrent(running: Running, attempt: number): boolean {
    return this.#running.has(running) && running.attempt === attempt;
  }

  /** Until the next round. */
  #wait(running: Running): void {
    running.asked = undefined;
    running.attempt++;
    this.#askedCount--;
  }

  #end(running: Running): void {
    this.#running.delete(running);
    if (running.asked === undefined) return;
    this.#wait(running);
    if (this.#running.size > this.#askedCount) this.#tryNext();
  }

  /** There is room for one more: the first that waits for it. */
  #tryNext(): void {
    for (const running of this.#running) {
      if (running.asked !== undefined || running.attempt > 0) continue;
      if (running.call.isGone()) {
        this.#running.delete(running);
        continue;
      }
      this.#try(running);
      return;
    }
  }
}
