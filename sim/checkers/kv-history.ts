/**
 * Whether a history of a whole key-value store is linearizable, transactions and ranges included.
 *
 * In general that is hopeless for long histories; with etcd's revisions it is nearly a sort. An answer
 * that changed something names the revision that it made, so its place is known; one that did not names
 * the revision that it saw. What is left to search is who made the revisions that nobody answered for:
 * operations of unknown outcome, and leases that ended. Facts that other answers give (`KvFacts`) leave
 * one candidate in most cases; where several are left, all are tried.
 *
 * Then it is checked that
 * 1. no revision was made twice, and none appeared from nowhere,
 * 2. executing the operations in this order gives the answers that were seen,
 * 3. the order agrees with time: who was called after somebody saw a revision sees it or a later one.
 *    Serializable reads may be behind, but what they show was true at their revision.
 */
import type { History, KeyValue, Operation, WatchEvent } from "../history.ts";
import { KvFacts } from "./kv-facts.ts";
import { timeViolation } from "./kv-order.ts";
import { isKeyRequest, KvState } from "./kv-state.ts";
import { sameResult } from "./same-result.ts";
import { describeKv, describeOperation, describeResult, type Violation } from "./violation.ts";

/** Why a revision came to be: an operation, or the end of leases, which may end together. */
export type Cause = Operation | { readonly endOfLeases: readonly string[] };

/** One revision, as the history says that it was. */
export interface Revision {
  readonly revision: number;
  readonly cause: Cause;
  readonly events: readonly WatchEvent[];
}

export type KvVerdict =
  | { readonly kind: "linearizable"; readonly revisions: readonly Revision[] }
  | { readonly kind: "violation"; readonly violation: Violation }
  /** Too many ways to explain what nobody answered for; the violation is where the search came to. */
  | { readonly kind: "undecided"; readonly violation: Violation };

/** What was there before the history began. */
export interface InitialState {
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
}

/** A store that nothing was written to. */
export const EMPTY_STATE: InitialState = { revision: 1, kvs: [] };

/** Revisions entered in one search, those entered again after going back included. */
const ENTRIES_MAX = 1_000_000;

/** With more leases than this, not every set of them is tried as those that ended together. */
const LEASE_SETS_MAX = 4;

export interface SearchOptions {
  /** Whether a lease may have ended by then. Default: any lease at any time. */
  readonly mayEnd?: (lease: string, timeMs: number) => boolean;
  /**
   * Whether all that was shown of a revision, also by watchers, must fit what an answered operation made of it;
   * else only the answers must. With it fewer orders are left, and a wrong watcher makes all of them wrong.
   */
  readonly believesWatchers?: boolean;
  /** How long to search. */
  readonly entriesMax?: number;
}

/** Changes of the keys in question that a violation shows. */
const CONTEXT_LINES = 6;

export function checkKvHistory(
  history: History,
  initial: InitialState = EMPTY_STATE,
  options: SearchOptions = {},
): KvVerdict {
  const facts = new KvFacts(history, initial.revision);
  if (facts.clash !== undefined) return { kind: "violation", violation: facts.clash };
  const violation = timeViolation(history);
  if (violation !== undefined) return { kind: "violation", violation };
  return new Replay(facts, initial, options).run();
}

interface Frame {
  readonly mark: number;
  readonly choices: readonly Cause[];
  next: number;
  events: readonly WatchEvent[];
}

class Replay {
  readonly #facts: KvFacts;
  readonly #state: KvState;
  /** One a revision, from the one after the base on. */
  readonly #frames: Frame[] = [];
  readonly #options: SearchOptions;
  readonly #used = new Set<Operation>();
  #deepest = 0;
  #conflict: Violation | undefined;

  constructor(facts: KvFacts, initial: InitialState, options: SearchOptions) {
    this.#facts = facts;
    this.#options = options;
    this.#state = new KvState(initial.kvs);
  }

  run(): KvVerdict {
    const { base, newest } = this.#facts;
    if (!this.#agrees(base)) return { kind: "violation", violation: this.#worst() };
    const { entriesMax = ENTRIES_MAX } = this.#options;
    for (let entries = 0; entries < entriesMax; entries++) {
      const revision = base + this.#frames.length + 1;
      if (revision > newest) return { kind: "linearizable", revisions: this.#revisions() };
      const choices = this.#choices(revision);
      this.#frames.push({ mark: this.#state.mark, choices, next: 0, events: [] });
      if (!this.#advance()) return { kind: "violation", violation: this.#worst() };
    }
    return { kind: "undecided", violation: this.#worst() };
  }

  /** Takes the next choice that agrees with what was seen, going back as far as is needed. */
  #advance(): boolean {
    for (;;) {
      const frame = this.#frames.at(-1);
      if (frame === undefined) return false;
      if (frame.next > 0) this.#used.delete(frame.choices[frame.next - 1] as Operation);
      this.#state.rollback(frame.mark);
      const choice = frame.choices[frame.next++];
      if (choice === undefined) this.#frames.pop();
      else if (this.#take(frame, choice)) return true;
    }
  }

  #take(frame: Frame, choice: Cause): boolean {
    const revision = this.#facts.base + this.#frames.length;
    if ("endOfLeases" in choice) this.#end(choice.endOfLeases);
    else {
      this.#used.add(choice);
      if (!this.#execute(choice, revision)) return false;
    }
    frame.events = this.#state.eventsSince(frame.mark, revision);
    if (this.#options.believesWatchers === true && !this.#facts.allows(revision, frame.events)) {
      if ("request" in choice) this.#record(revision, choice, "not what was shown of it");
      return false;
    }
    return this.#agrees(revision);
  }

  #execute(operation: Operation, revision: number): boolean {
    const { request, outcome } = operation;
    if (request.kind === "revoke") {
      this.#state.endLease(request.lease);
      return true;
    }
    if (!isKeyRequest(request)) return true;
    const result = this.#state.execute(request, revision);
    if (outcome.kind !== "ok" || sameResult(request, outcome.result, result)) return true;
    this.#record(revision, operation, `before it: ${describeResult(result)}`);
    return false;
  }

  /** Whether the reads and revocations of a revision fit the state. */
  #agrees(revision: number): boolean {
    const mark = this.#state.mark;
    for (const reader of this.#facts.readers.get(revision) ?? []) {
      const { request, outcome } = reader;
      if (!isKeyRequest(request)) continue;
      const result = this.#state.execute(request, revision);
      const hasChanged = this.#state.mark !== mark;
      this.#state.rollback(mark);
      if (!hasChanged && sameResult(request, outcome.result, result)) continue;
      const truth = `at revision ${revision}: ${describeResult(result)}`;
      this.#record(revision, reader, hasChanged ? `${truth}, which changes keys` : truth);
      return false;
    }
    for (const revoked of this.#facts.revocations.get(revision) ?? []) {
      const left = "lease" in revoked.request ? this.#state.attachedTo(revoked.request.lease) : [];
      if (left.length === 0) continue;
      this.#record(revision, revoked, `still there: ${left.join(", ")}`);
      return false;
    }
    return true;
  }

  #choices(revision: number): readonly Cause[] {
    const writer = this.#facts.writers.get(revision);
    if (writer !== undefined) return [writer];
    const revocations = this.#facts.revocations.get(revision) ?? [];
    const effective = revocations.filter(
      ({ request }) => "lease" in request && this.#state.attachedTo(request.lease).length > 0,
    );
    if (effective.length > 0) return effective.slice(0, 1);
    const deadline = this.#facts.seenBy(revision);
    const found: Cause[] = [];
    for (const operation of this.#facts.maybe) {
      if (operation.call > deadline) break;
      if (!this.#used.has(operation) && this.#fits(operation, revision)) found.push(operation);
    }
    // What times out has mostly happened soon, if at all.
    found.reverse();
    for (const endOfLeases of this.#leaseSets(revision, deadline)) {
      const cause = { endOfLeases };
      if (this.#fits(cause, revision)) found.push(cause);
    }
    if (found.length === 0) this.#recordGap(revision);
    return found;
  }

  /** Leases with keys that may have ended together by then: each alone first, then sets of them. */
  #leaseSets(revision: number, deadlineMs: number): readonly (readonly string[])[] {
    const { mayEnd } = this.#options;
    const candidates = this.#state
      .leases()
      .filter((lease) => mayEnd?.(lease, deadlineMs) !== false)
      // Not if something that was seen says that one of its keys was there afterwards.
      .filter((lease) =>
        this.#state.attachedTo(lease).every((key) => this.#facts.mayVanish(revision, key)),
      );
    const sets = candidates.map((lease) => [lease]);
    if (candidates.length <= LEASE_SETS_MAX) {
      // Grows while it is walked: each set once, with one lease more that comes later.
      for (const set of sets) {
        const last = candidates.indexOf(set[set.length - 1]);
        for (const lease of candidates.slice(last + 1)) sets.push([...set, lease]);
      }
    } else {
      for (const [at, one] of candidates.entries()) {
        for (const other of candidates.slice(at + 1)) sets.push([one, other]);
      }
      sets.push(candidates);
    }
    return sets;
  }

  #end(leases: readonly string[]): void {
    for (const lease of leases) this.#state.endLease(lease);
  }

  /** Whether the cause would change something, and only what can have changed in this revision. */
  #fits(cause: Cause, revision: number): boolean {
    const mark = this.#state.mark;
    if ("endOfLeases" in cause) this.#end(cause.endOfLeases);
    else this.#execute(cause, revision);
    const events = this.#state.eventsSince(mark, revision);
    this.#state.rollback(mark);
    return events.length > 0 && this.#facts.allows(revision, events);
  }

  #revisions(): Revision[] {
    return this.#frames.map(({ choices, next, events }, at) => ({
      revision: this.#facts.base + at + 1,
      cause: choices[next - 1],
      events,
    }));
  }

  /** Keeps the conflict that the search met last in the order of revisions. */
  #record(revision: number, operation: Operation, truth: string): void {
    if (revision < this.#deepest) return;
    this.#deepest = revision;
    this.#conflict = {
      rule: "linearizability",
      summary: `an answer does not fit the state at revision ${revision}`,
      lines: [...this.#context(operation), describeOperation(operation), truth],
    };
  }

  #recordGap(revision: number): void {
    if (revision < this.#deepest) return;
    this.#deepest = revision;
    const seen = this.#facts.seenAt(revision).map((kv) => `seen: ${describeKv(kv)}`);
    const open = this.#facts.maybe.filter((operation) => !this.#used.has(operation));
    this.#conflict = {
      rule: "linearizability",
      summary: `nothing explains revision ${revision}, which was there at ${this.#facts.seenBy(revision)}`,
      lines: [...seen, ...open.slice(0, CONTEXT_LINES).map(describeOperation)],
    };
  }

  /** The last changes of the keys that an operation touches. */
  #context(operation: Operation): string[] {
    const { request } = operation;
    const ranges = "key" in request ? [request] : [];
    const parts =
      request.kind === "txn" ? [...request.compares, ...request.success, ...request.failure] : [];
    const keys = new Set(
      [...ranges, ...parts].flatMap((range) => this.#state.range(range)).map(({ key }) => key),
    );
    for (const { key } of [...ranges, ...parts]) keys.add(key);
    const lines: string[] = [];
    for (let at = this.#frames.length - 1; at >= 0 && lines.length < CONTEXT_LINES; at--) {
      const { choices, next, events } = this.#frames[at];
      if (!events.some(({ kv }) => keys.has(kv.key))) continue;
      lines.unshift(`revision ${this.#facts.base + at + 1}: ${describeCause(choices[next - 1])}`);
    }
    return lines;
  }

  #worst(): Violation {
    return this.#conflict ?? { rule: "linearizability", summary: "no order was found", lines: [] };
  }
}

export function describeCause(cause: Cause): string {
  if (!("endOfLeases" in cause)) return describeOperation(cause);
  return `end of lease ${cause.endOfLeases.join(" and ")}`;
}
