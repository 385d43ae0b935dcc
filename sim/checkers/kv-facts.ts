/**
 * What the answers of a history say about single revisions, before any order is searched: who made a
 * revision, what must have changed in it, which keys cannot have changed in it, and until when it was made.
 */
import type { History, KeyRange, KeyValue, KvRequest, Operation, WatchEvent } from "../history.ts";
import { isInRange, sameKv } from "./kv-state.ts";
import type { Violation } from "./violation.ts";
import { describeOperation } from "./violation.ts";

/** An operation whose answer is known. */
export interface Answered extends Operation {
  readonly outcome: Extract<Operation["outcome"], { kind: "ok" }>;
}

export function isAnswered(operation: Operation): operation is Answered {
  return operation.outcome.kind === "ok";
}

/** Whether the answer says that keys changed: then the header's revision is the one that it made. */
export function wrote({ request, outcome }: Answered): boolean {
  const { result } = outcome;
  switch (request.kind) {
    case "put":
      return true;
    case "delete":
      return "deleted" in result && result.deleted > 0;
    case "txn": {
      if (!("succeeded" in result)) return false;
      const branch = result.succeeded ? request.success : request.failure;
      return branch.some((each, at) => {
        const part = result.results[at];
        return each.kind === "put" || ("deleted" in part && part.deleted > 0);
      });
    }
    default:
      return false;
  }
}

/** Whether the request could change keys. */
export function mayWrite({ request }: Operation): boolean {
  switch (request.kind) {
    case "put":
    case "delete":
      return true;
    case "txn":
      return [...request.success, ...request.failure].some((each) => each.kind !== "range");
    default:
      return false;
  }
}

/** Whether the answer may come from a member that is behind. */
export function isSerializable({ request }: Operation): boolean {
  if (request.kind === "range") return request.serializable === true;
  if (request.kind !== "txn") return false;
  const isLocal = (each: KvRequest) => each.kind === "range" && each.serializable === true;
  return [...request.success, ...request.failure].every(isLocal);
}

/** The revision whose state a read shows. */
export function contentRevision({ request, outcome }: Answered): number {
  const asked = request.kind === "range" ? (request.revision ?? 0) : 0;
  return asked > 0 ? asked : outcome.revision;
}

/** Revisions in which a watcher would have shown what is in its range. */
interface Coverage extends KeyRange {
  readonly from: number;
  readonly to: number;
  readonly events: ReadonlyMap<number, readonly WatchEvent[]>;
}

export class KvFacts {
  readonly base: number;
  /** The newest revision that anybody saw. */
  readonly newest: number;
  /** Who answered that it made a revision. */
  readonly writers = new Map<number, Answered>();
  /** Answered operations that show a state, by the revision of that state. */
  readonly readers = new Map<number, Answered[]>();
  /** Answered revocations, by the revision of the header. */
  readonly revocations = new Map<number, Answered[]>();
  /** Operations that may fill revisions that nobody answered for, by call. */
  readonly maybe: readonly Operation[];
  /** Two answers that claim the same revision. */
  readonly clash: Violation | undefined;
  readonly #seen = new Map<number, Map<string, KeyValue>>();
  /** By key: revisions in which it did not change, as pairs of first and last. */
  readonly #quiet = new Map<string, [from: number, to: number][]>();
  /** By key: revisions in which it was not deleted. */
  readonly #alive = new Map<string, [from: number, to: number][]>();
  /** By value, which is unique: in which revision it was written. */
  readonly #writtenAt = new Map<string, number>();
  readonly #coverages: readonly Coverage[];
  /** By revision: when somebody saw it or a later one. */
  readonly #seenBy: Float64Array;

  constructor(history: History, base: number) {
    this.base = base;
    const answered = history.operations.filter(isAnswered);
    const responses = history.watches.flatMap((watch) => watch.responses);
    const newestOf = (revisions: readonly number[]) =>
      revisions.reduce((newest, revision) => Math.max(newest, revision), base);
    const inResponses = responses.flatMap(({ revision, events }) =>
      events.length === 0 ? [revision] : events.map(({ kv }) => kv.mod),
    );
    this.newest = newestOf([...answered.map(({ outcome }) => outcome.revision), ...inResponses]);
    this.clash = this.#sortOut(answered);
    this.maybe = history.operations
      .filter((operation) => operation.outcome.kind === "unknown" && mayWrite(operation))
      .sort((a, b) => a.call - b.call);
    this.#coverages = history.watches.map((watch) => coverageOf(watch));
    for (const operation of answered) this.#learnFromAnswer(operation);
    for (const { events } of responses) this.#learnFromEvents(events);
    for (const spans of [...this.#quiet.values(), ...this.#alive.values()]) merge(spans);
    this.#seenBy = this.#deadlines(history, answered);
  }

  /** When the revision was there at the latest. */
  seenBy(revision: number): number {
    return this.#seenBy[revision - this.base] ?? Infinity;
  }

  /** What is known to have been written in the revision. */
  seenAt(revision: number): readonly KeyValue[] {
    return [...(this.#seen.get(revision)?.values() ?? [])];
  }

  /** Whether nobody saw what the key held before this revision after it. */
  mayVanish(revision: number, key: string): boolean {
    return !isIn(this.#quiet.get(key), revision) && !isIn(this.#alive.get(key), revision);
  }

  /** Whether these can be the changes of this revision. */
  allows(revision: number, events: readonly WatchEvent[]): boolean {
    for (const [key, kv] of this.#seen.get(revision) ?? []) {
      if (!events.some((event) => event.kv.key === key && sameKv(event.kv, kv))) return false;
    }
    for (const { type, kv } of events) {
      if (isIn(this.#quiet.get(kv.key), revision)) return false;
      if (type === "delete" && isIn(this.#alive.get(kv.key), revision)) return false;
      if (type === "put" && (this.#writtenAt.get(kv.value) ?? revision) !== revision) return false;
    }
    return this.#coverages.every((coverage) => isShownBy(coverage, revision, events));
  }

  #sortOut(answered: readonly Answered[]): Violation | undefined {
    let clash: Violation | undefined;
    for (const operation of answered) {
      const { request, outcome } = operation;
      if (request.kind === "revoke") add(this.revocations, outcome.revision, operation);
      else if (wrote(operation)) {
        const other = this.writers.get(outcome.revision);
        if (other !== undefined) clash ??= clashOf(other, operation);
        this.writers.set(outcome.revision, operation);
      } else if ("key" in request || request.kind === "txn") {
        add(this.readers, contentRevision(operation), operation);
      }
    }
    return clash;
  }

  #learnFromAnswer(operation: Answered): void {
    const { outcome } = operation;
    const at = wrote(operation) ? outcome.revision - 1 : contentRevision(operation);
    const results = "succeeded" in outcome.result ? outcome.result.results : [outcome.result];
    for (const result of results) {
      if ("kvs" in result) for (const kv of result.kvs) this.#learn(kv, at);
      if ("prev" in result && result.prev !== undefined) this.#learn(result.prev, at);
      if ("prevs" in result) for (const kv of result.prevs ?? []) this.#learn(kv, at);
    }
  }

  #learnFromEvents(events: readonly WatchEvent[]): void {
    for (const { type, kv, prev } of events) {
      if (type === "put") this.#learn(kv, kv.mod);
      if (prev !== undefined) this.#learn(prev, kv.mod - 1);
    }
  }

  /** The key-value was what the key held at revision `at`. */
  #learn(kv: KeyValue, at: number): void {
    const seen = this.#seen.get(kv.mod);
    if (seen === undefined) this.#seen.set(kv.mod, new Map([[kv.key, kv]]));
    else seen.set(kv.key, kv);
    this.#writtenAt.set(kv.value, kv.mod);
    if (at > kv.mod) add(this.#quiet, kv.key, [kv.mod + 1, at]);
    if (at > kv.create) add(this.#alive, kv.key, [kv.create + 1, at]);
  }

  #deadlines({ watches }: History, answered: readonly Answered[]): Float64Array {
    const seenBy = new Float64Array(this.newest - this.base + 1).fill(Infinity);
    const see = (revision: number, time: number) => {
      const at = revision - this.base;
      if (at >= 0) seenBy[at] = Math.min(seenBy[at], time);
    };
    for (const operation of answered) see(operation.outcome.revision, operation.return);
    for (const { responses } of watches) {
      for (const { time, revision, events } of responses) {
        if (events.length === 0) see(revision, time);
        for (const { kv } of events) see(kv.mod, time);
      }
    }
    for (let at = seenBy.length - 2; at >= 0; at--) {
      seenBy[at] = Math.min(seenBy[at], seenBy[at + 1]);
    }
    return seenBy;
  }
}

function clashOf(one: Answered, other: Answered): Violation {
  return {
    rule: "linearizability",
    summary: `two operations made revision ${one.outcome.revision}`,
    lines: [describeOperation(one), describeOperation(other)],
  };
}

function coverageOf({ key, end, start, responses }: History["watches"][number]): Coverage {
  const events = new Map<number, WatchEvent[]>();
  let to = start - 1;
  for (const response of responses) {
    if (response.events.length === 0) to = Math.max(to, response.revision);
    for (const event of response.events) {
      to = Math.max(to, event.kv.mod);
      add(events, event.kv.mod, event);
    }
  }
  return { key, ...(end === undefined ? {} : { end }), from: start, to, events };
}

function isShownBy(coverage: Coverage, revision: number, events: readonly WatchEvent[]): boolean {
  if (revision < coverage.from || revision > coverage.to) return true;
  const shown = coverage.events.get(revision) ?? [];
  const inRange = events.filter(({ kv }) => isInRange(kv.key, coverage));
  if (shown.length !== inRange.length) return false;
  return inRange.every(({ type, kv }) =>
    shown.some((other) => other.type === type && other.kv.key === kv.key),
  );
}

function isIn(
  spans: readonly (readonly [from: number, to: number])[] | undefined,
  revision: number,
): boolean {
  if (spans === undefined) return false;
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (spans[middle][1] < revision) low = middle + 1;
    else high = middle;
  }
  return low < spans.length && spans[low][0] <= revision;
}

/** Sorts spans and joins those that touch, in place. */
function merge(spans: [from: number, to: number][]): void {
  spans.sort((a, b) => a[0] - b[0]);
  let last = 0;
  for (let at = 1; at < spans.length; at++) {
    if (spans[at][0] <= spans[last][1] + 1) {
      spans[last][1] = Math.max(spans[last][1], spans[at][1]);
    } else {
      spans[++last] = spans[at];
    }
  }
  if (spans.length > 0) spans.length = last + 1;
}

export function add<K, V>(into: Map<K, V[]>, key: K, value: V): void {
  const found = into.get(key);
  if (found === undefined) into.set(key, [value]);
  else found.push(value);
}
