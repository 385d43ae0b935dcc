import { describe, expect, it } from "vitest";
import { IntervalTree } from "./interval-tree.ts";
import { Prng } from "./prng.ts";

interface Interval {
  readonly from: string;
  readonly end: string | undefined;
}

const name = ({ from, end }: Interval): string => `${from}..${end ?? ""}`;

const holds = ({ from, end }: Interval, point: string): boolean =>
  from <= point && (end === undefined || point < end);

function collected(tree: IntervalTree<string>, point: string): string[] {
  const found: string[] = [];
  tree.collect(point, found);
  return found;
}

/** Short texts, so that starts and ends meet often; now and then no end. */
function randomInterval(prng: Prng): Interval {
  const text = (): string => prng.below(5 ** prng.between(0, 3)).toString(5);
  const [a, b] = [text(), text()].sort();
  return { from: a, end: prng.chance(0.1) ? undefined : `${b}~` };
}

describe("IntervalTree", () => {
  it("finds nothing when empty", () => {
    const tree = new IntervalTree<string>();
    expect(collected(tree, "a")).toEqual([]);
    expect(tree.get("a", "b")).toBeUndefined();
    expect(tree.size).toBe(0);
  });

  it("is half open at the end", () => {
    const tree = new IntervalTree<string>();
    tree.insert("b", "d", "x");
    expect(["a", "b", "c", "d"].map((point) => collected(tree, point).length)).toEqual([
      0, 1, 1, 0,
    ]);
  });

  it("keeps intervals that differ in their end only apart", () => {
    const tree = new IntervalTree<string>();
    for (const end of ["c", undefined, "b"]) tree.insert("a", end, `to ${end}`);
    expect(collected(tree, "a")).toEqual(["to b", "to c", "to undefined"]);
    tree.delete("a", undefined);
    expect(collected(tree, "a")).toEqual(["to b", "to c"]);
    expect(tree.get("a", "c")).toBe("to c");
    expect(tree.get("a", undefined)).toBeUndefined();
  });

  it("refuses an interval twice, and to remove what is not there", () => {
    const tree = new IntervalTree<string>();
    tree.insert("a", "b", "x");
    expect(() => tree.insert("a", "b", "y")).toThrow("twice");
    expect(() => tree.delete("a", "c")).toThrow("not there");
  });

  it("finds the same as a walk over a list", () => {
    for (let seed = 0; seed < 15; seed++) {
      const prng = new Prng(seed);
      const tree = new IntervalTree<string>();
      const model = new Map<string, Interval>();
      for (let step = 0; step < 400; step++) {
        const interval = randomInterval(prng);
        const known = model.get(name(interval));
        if (known === undefined && prng.chance(0.7)) {
          tree.insert(interval.from, interval.end, name(interval));
          model.set(name(interval), interval);
        } else if (model.size > 0) {
          const gone = known ?? prng.pick([...model.values()]);
          tree.delete(gone.from, gone.end);
          model.delete(name(gone));
        }
        const { from: point } = randomInterval(prng);
        const expected = [...model.values()].filter((each) => holds(each, point)).map(name);
        expect(collected(tree, point).sort()).toEqual(expected.sort());
        expect(tree.size).toBe(model.size);
        expect(tree.get(interval.from, interval.end)).toBe(
          model.has(name(interval)) ? name(interval) : undefined,
        );
      }
    }
  });

  it("stays balanced: a point in one of many intervals is found fast", () => {
    const tree = new IntervalTree<number>();
    const key = (i: number): string => i.toString().padStart(6, "0");
    for (let i = 0; i < 20_000; i++) tree.insert(key(i), key(i + 1), i);
    const found: number[] = [];
    for (let i = 0; i < 20_000; i++) tree.collect(key(i), found);
    expect(found).toEqual(Array.from({ length: 20_000 }, (_, i) => i));
    for (let i = 0; i < 20_000; i += 2) tree.delete(key(i), key(i + 1));
    expect(tree.size).toBe(10_000);
  });
});
