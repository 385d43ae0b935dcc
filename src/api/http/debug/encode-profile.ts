/** Stacks with their values as the program pprof reads them. Source: github.com/google/pprof (profile.proto). */
import type { StackProfile } from "../../../ports/profiler.ts";
import {
  encodeProfile as encodeMessage,
  type Location,
  type Profile,
} from "../../../wire/gen/profile.ts";

/** What a value is, such as ["cpu", "nanoseconds"]. */
export type ValueKind = readonly [type: string, unit: string];

export interface ProfileTerms {
  /** What the values of samples are. */
  readonly kinds: readonly ValueKind[];
  readonly periodKind: ValueKind;
  readonly period: number;
  /** Wall clock at the beginning, in milliseconds. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly comment?: string;
}

const NANOSECONDS_PER_MS = 1_000_000;

/** The profile, not compressed. */
export function encodeProfile(stacks: StackProfile, terms: ProfileTerms): Uint8Array {
  return encodeMessage(new ProfileBuilder(stacks).build(terms));
}

class ProfileBuilder {
  readonly #stacks: StackProfile;
  readonly #texts = new Map<string, number>([["", 0]]);
  /** Numbers of functions by name and place: a function is on many stacks. */
  readonly #functions = new Map<string, number>();
  readonly #locations = new Map<string, number>();
  readonly #profile: Pick<Profile, "function" | "location"> = { function: [], location: [] };

  constructor(stacks: StackProfile) {
    this.#stacks = stacks;
  }

  build(terms: ProfileTerms): Profile {
    const sample = this.#stacks.samples.map(({ node, line, values }) => ({
      locationId: this.#stackOf(node, line),
      value: [...values],
    }));
    const program = { id: 1, filename: this.#text("etcd") };
    const known = { hasFunctions: true, hasFilenames: true, hasLineNumbers: true };
    const { comment } = terms;
    return {
      sampleType: terms.kinds.map((kind) => this.#kind(kind)),
      sample,
      mapping: [{ ...program, ...known }],
      ...this.#profile,
      timeNanos: BigInt(Math.round(terms.startMs)) * BigInt(NANOSECONDS_PER_MS),
      durationNanos: Math.round(terms.durationMs * NANOSECONDS_PER_MS),
      periodType: this.#kind(terms.periodKind),
      period: terms.period,
      comment: comment === undefined ? [] : [this.#text(comment)],
      stringTable: [...this.#texts.keys()],
    };
  }

  /** Locations from the innermost function to the outermost; the root is none. */
  #stackOf(node: number, line: number): number[] {
    const { nodes } = this.#stacks;
    const ids = [];
    let at = node;
    let atLine = line;
    while (at >= 0 && nodes[at].name !== "(root)") {
      ids.push(this.#location(at, atLine));
      at = nodes[at].parent;
      atLine = 0;
    }
    return ids;
  }

  #location(node: number, line: number): number {
    const { name, file, line: start } = this.#stacks.nodes[node];
    const bare = name === "" ? "(anonymous)" : name;
    // Many functions have the same name; the program shows nothing else in its lists.
    const shown = file === "" ? bare : `${bare} ${file.slice(file.lastIndexOf("/") + 1)}:${start}`;
    const place = `${shown}\u0000${file}`;
    const at = line === 0 ? start : line;
    const key = `${place}\u0000${at}`;
    const known = this.#locations.get(key);
    if (known !== undefined) return known;
    const id = this.#locations.size + 1;
    this.#locations.set(key, id);
    const functionId = this.#function(place, shown, file, start);
    const location: Location = { id, mappingId: 1, line: [{ functionId, line: at }] };
    this.#profile.location.push(location);
    return id;
  }

  #function(key: string, shown: string, file: string, startLine: number): number {
    const known = this.#functions.get(key);
    if (known !== undefined) return known;
    const id = this.#functions.size + 1;
    this.#functions.set(key, id);
    const name = this.#text(shown);
    const filename = this.#text(file);
    this.#profile.function.push({ id, name, systemName: name, filename, startLine });
    return id;
  }

  #kind([type, unit]: ValueKind): { type: number; unit: number } {
    return { type: this.#text(type), unit: this.#text(unit) };
  }

  #text(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const index = this.#texts.size;
    this.#texts.set(text, index);
    return index;
  }
}
