/**
 * Whether operations that overlapped in time can be put into one order, each somewhere between its call and
 * its return, such that a sequential machine gives the answers that were seen.
 *
 * The search takes one operation after the other and goes back when none is left that fits. What it has
 * tried is kept: the same operations taken, in whatever order, with the same state, lead nowhere new. Only
 * operations whose call lies before every return that is still to come can be next, so that the work
 * depends on how many overlap and hardly on how many there are.
 *
 * An operation of unknown outcome may be taken at any time after its call, or never. It must be a blind
 * write: what it leaves does not depend on what was there. Then it is only ever needed right before an
 * answer that is not possible without it, and the search takes it nowhere else; otherwise every subset of
 * such operations would have to be tried at every dead end.
 *
 * Source: Wing and Gong, "Testing and Verifying Concurrent Objects" (1993); Lowe, "Testing for
 * linearizability" (2017), for the memory of states; Porcupine, for both on real histories.
 */

export interface Model<State, Action> {
  readonly initial: State;
  /** Every state in which the action may leave the machine with the answer that was seen; none: it cannot. */
  step(state: State, action: Action): readonly State[];
  /** Equal for equal states only. */
  key(state: State): string;
}

export interface Interval<Action> {
  readonly call: number;
  /** `Infinity` for an unknown outcome. */
  readonly return: number;
  readonly action: Action;
}

export type Verdict<Action> =
  | { readonly kind: "linearizable" }
  | {
      readonly kind: "violation";
      /** The longest order that was found, ... */
      readonly order: readonly Interval<Action>[];
      /** ... and the operations of which none could follow. */
      readonly stuck: readonly Interval<Action>[];
    }
  /** More steps than allowed. */
  | { readonly kind: "undecided" };

/** Steps of one search: some seconds, and some hundred megabytes of memory at the worst. */
export const SEARCH_STEPS_MAX = 2_000_000;

export function checkLinearizable<State, Action>(
  model: Model<State, Action>,
  intervals: readonly Interval<Action>[],
  stepsMax: number = SEARCH_STEPS_MAX,
): Verdict<Action> {
  return new Search(model, intervals, stepsMax).run();
}

/** Those that leave the same can stand for each other, at any time after the call of both. */
function kindsOf<State, Action>(
  model: Model<State, Action>,
  intervals: readonly Interval<Action>[],
): number[] {
  const kinds = new Map<string, number>();
  return intervals.map(({ return: returned, action }) => {
    if (returned !== Infinity) return 0;
    const left = model.step(model.initial, action).map((state) => model.key(state));
    const kind = kinds.get(left.join()) ?? kinds.size + 1;
    kinds.set(left.join(), kind);
    return kind;
  });
}

/** An operation to take, behind one of unknown outcome where it needs that, and the state afterwards. */
interface Choice<State> {
  readonly indexes: readonly number[];
  readonly state: State;
}

/** What could be taken at one point of the order, and how far we are in trying it. */
interface Frame<State> {
  readonly choices: readonly Choice<State>[];
  next: number;
  /** What is taken at present. */
  taken: readonly number[];
  readonly maybesTaken: number;
}

class Search<State, Action> {
  readonly #model: Model<State, Action>;
  readonly #stepsMax: number;
  /** By call. */
  readonly #intervals: readonly Interval<Action>[];
  readonly #isTaken: Uint8Array;
  /** Of operations of unknown outcome, one number for all that leave the same; 0 for the others. */
  readonly #kinds: readonly number[];
  /** Operations before it are all taken or of unknown outcome. */
  #first = 0;
  /** Operations of unknown outcome before `#first` that are not taken, by index. */
  readonly #maybe: number[] = [];
  readonly #frames: Frame<State>[] = [];
  readonly #seen = new Set<string>();
  #longest: { readonly taken: readonly number[]; readonly stuck: readonly number[] };
  /** Names the operations of unknown outcome that are taken, in their order. */
  #maybesTaken = 0;
  readonly #namesOfMaybes = new Map<string, number>();
  #definiteLeft: number;
  #state: State;

  constructor(
    model: Model<State, Action>,
    intervals: readonly Interval<Action>[],
    stepsMax: number,
  ) {
    this.#model = model;
    this.#state = model.initial;
    this.#stepsMax = stepsMax;
    this.#intervals = [...intervals].sort((a, b) => a.call - b.call);
    this.#isTaken = new Uint8Array(intervals.length);
    this.#kinds = kindsOf(model, this.#intervals);
    this.#definiteLeft = intervals.filter((interval) => interval.return !== Infinity).length;
    this.#longest = { taken: [], stuck: [] };
  }

  run(): Verdict<Action> {
    for (let steps = 0; steps < this.#stepsMax; steps++) {
      if (this.#definiteLeft === 0) return { kind: "linearizable" };
      this.#frames.push({
        choices: this.#choices(),
        next: 0,
        taken: [],
        maybesTaken: this.#maybesTaken,
      });
      if (!this.#advance()) return this.#violation();
    }
    return { kind: "undecided" };
  }

  /** Takes the next choice that leads to something new, going back as far as is needed. */
  #advance(): boolean {
    for (;;) {
      const frame = this.#frames.at(-1);
      if (frame === undefined) return false;
      for (const index of [...frame.taken].reverse()) this.#giveBack(index);
      frame.taken = [];
      this.#maybesTaken = frame.maybesTaken;
      const choice = frame.choices[frame.next++];
      if (choice === undefined) {
        this.#frames.pop();
        continue;
      }
      for (const index of choice.indexes) this.#take(index);
      frame.taken = choice.indexes;
      const key = this.#key(choice.state);
      if (this.#seen.has(key)) continue;
      this.#seen.add(key);
      this.#state = choice.state;
      return true;
    }
  }

  #choices(): readonly Choice<State>[] {
    const candidates = this.#candidates();
    const choices: Choice<State>[] = [];
    const impossible: number[] = [];
    for (const index of candidates) {
      if (this.#kinds[index] !== 0) continue;
      const states = this.#model.step(this.#state, this.#intervals[index].action);
      for (const state of states) choices.push({ indexes: [index], state });
      if (states.length === 0) impossible.push(index);
    }
    if (impossible.length > 0) choices.push(...this.#choicesBehind(candidates, impossible));
    if (choices.length === 0) this.#remember(impossible);
    return choices;
  }

  /** What becomes possible if an operation of unknown outcome took place now. */
  #choicesBehind(candidates: readonly number[], impossible: readonly number[]): Choice<State>[] {
    const choices: Choice<State>[] = [];
    const tried = new Set<number>();
    for (const maybe of candidates) {
      const kind = this.#kinds[maybe];
      if (kind === 0 || tried.has(kind)) continue;
      tried.add(kind);
      for (const between of this.#model.step(this.#state, this.#intervals[maybe].action)) {
        for (const index of impossible) {
          for (const state of this.#model.step(between, this.#intervals[index].action)) {
            choices.push({ indexes: [maybe, index], state });
          }
        }
      }
    }
    return choices;
  }

  #candidates(): number[] {
    const found: number[] = [];
    let firstReturn = Infinity;
    for (let index = this.#first; index < this.#intervals.length; index++) {
      const interval = this.#intervals[index];
      if (interval.call > firstReturn) break;
      if (this.#isTaken[index] === 1) continue;
      found.push(index);
      firstReturn = Math.min(firstReturn, interval.return);
    }
    return [...found, ...this.#maybe.filter((index) => this.#isTaken[index] === 0)];
  }

  #take(index: number): void {
    this.#isTaken[index] = 1;
    if (this.#kinds[index] === 0) this.#definiteLeft--;
    else this.#maybesTaken = this.#nameWith(index);
    this.#moveFirst();
  }

  #nameWith(maybe: number): number {
    const key = `${this.#maybesTaken} ${maybe}`;
    const name = this.#namesOfMaybes.get(key) ?? this.#namesOfMaybes.size + 1;
    this.#namesOfMaybes.set(key, name);
    return name;
  }

  #moveFirst(): void {
    while (this.#first < this.#intervals.length) {
      const isUnknown = this.#kinds[this.#first] !== 0;
      if (!isUnknown && this.#isTaken[this.#first] === 0) return;
      if (isUnknown) this.#maybe.push(this.#first);
      this.#first++;
    }
  }

  #giveBack(index: number): void {
    this.#isTaken[index] = 0;
    if (this.#kinds[index] !== 0) return;
    this.#definiteLeft++;
    if (index >= this.#first) return;
    this.#first = index;
    while (this.#maybe.length > 0 && this.#maybe[this.#maybe.length - 1] > index) this.#maybe.pop();
  }

  /** Which operations are taken, exactly and briefly, and the state. */
  #key(state: State): string {
    const beyond: number[] = [];
    let firstReturn = Infinity;
    // What is taken beyond the first that is not has its call before the return of that one.
    for (let index = this.#first; index < this.#intervals.length; index++) {
      const interval = this.#intervals[index];
      if (interval.call > firstReturn) break;
      if (this.#isTaken[index] === 0) firstReturn = Math.min(firstReturn, interval.return);
      else if (this.#kinds[index] === 0) beyond.push(index);
    }
    return `${this.#first} ${beyond.join(" ")} ${this.#maybesTaken} ${this.#model.key(state)}`;
  }

  #remember(stuck: readonly number[]): void {
    if (this.#frames.length < this.#longest.taken.length) return;
    this.#longest = { taken: this.#frames.flatMap(({ taken }) => taken), stuck };
  }

  #violation(): Verdict<Action> {
    const { taken, stuck } = this.#longest;
    const intervalsOf = (indexes: readonly number[]) => indexes.map((at) => this.#intervals[at]);
    return { kind: "violation", order: intervalsOf(taken), stuck: intervalsOf(stuck) };
  }
}
