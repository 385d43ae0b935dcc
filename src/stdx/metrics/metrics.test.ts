import { describe, expect, test } from "vitest";
import { textExposition } from "./exposition.ts";
import { goFloat } from "./go-float.ts";
import { exponentialBounds } from "./histogram.ts";
import { FAMILY_CHILDREN_MAX } from "./limits.ts";
import { MetricsRegistry } from "./registry.ts";

describe("goFloat", () => {
  test.each([
    [0, "0"],
    [1, "1"],
    [-1, "-1"],
    [0.1, "0.1"],
    [999999, "999999"],
    [1e6, "1e+06"],
    [2147483648, "2.147483648e+09"],
    [9.223372036854776e18, "9.223372036854776e+18"],
    [1.5e100, "1.5e+100"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [3.7375999999999996e-5, "3.7375999999999996e-05"],
    [Number.NaN, "NaN"],
    [Infinity, "+Inf"],
    [-Infinity, "-Inf"],
  ])("%d is written as Go writes it", (value, text) => {
    expect(goFloat(value)).toBe(text);
  });
});

describe("textExposition", () => {
  test("names and children are in order, labels by name, and empty families are left out", () => {
    const registry = new MetricsRegistry();
    const applied = registry.counters("b_total", "Applied.", ["version", "op"]);
    applied.child("v3", "Put").inc();
    applied.child("v2", "PUT").add(2);
    applied.child("v3", "Auth").inc();
    registry.gauge("a", "First.").set(1e7);
    registry.counters("c_total", "Nothing yet.", ["x"]);
    expect(textExposition(registry.collect())).toBe(
      [
        "# HELP a First.",
        "# TYPE a gauge",
        "a 1e+07",
        "# HELP b_total Applied.",
        "# TYPE b_total counter",
        'b_total{op="Auth",version="v3"} 1',
        'b_total{op="PUT",version="v2"} 2',
        'b_total{op="Put",version="v3"} 1',
        "",
      ].join("\n"),
    );
  });

  test("a histogram sums its buckets up, with bounds that belong to the bucket below", () => {
    const registry = new MetricsRegistry();
    const seconds = registry.histograms("s", "S.", ["To"], exponentialBounds(0.1, 2, 3)).child("x");
    for (const value of [0.05, 0.1, 0.15, 0.4, 7]) seconds.observe(value);
    expect(textExposition(registry.collect())).toBe(
      [
        "# HELP s S.",
        "# TYPE s histogram",
        's_bucket{To="x",le="0.1"} 2',
        's_bucket{To="x",le="0.2"} 3',
        's_bucket{To="x",le="0.4"} 4',
        's_bucket{To="x",le="+Inf"} 5',
        's_sum{To="x"} 7.7',
        's_count{To="x"} 5',
        "",
      ].join("\n"),
    );
  });

  test("a summary has its quantiles", () => {
    const registry = new MetricsRegistry();
    const pauses = registry.summary("p", "P.");
    pauses.quantiles.set(0, 0.00001).set(0.5, 2);
    pauses.sum = 3;
    pauses.count = 2;
    expect(textExposition(registry.collect()).split("\n").slice(2)).toEqual([
      'p{quantile="0"} 1e-05',
      'p{quantile="0.5"} 2',
      "p_sum 3",
      "p_count 2",
      "",
    ]);
  });

  test("help and label values are escaped", () => {
    const registry = new MetricsRegistry();
    registry.gauges("g", 'a "quoted" \\ and\nmore', ["x"]).child('"\\\n').set(1);
    expect(textExposition(registry.collect())).toBe(
      '# HELP g a "quoted" \\\\ and\\nmore\n# TYPE g gauge\ng{x="\\"\\\\\\n"} 1\n',
    );
  });
});

describe("MetricsRegistry", () => {
  test("what is asked for is asked for at each collection", () => {
    const registry = new MetricsRegistry();
    let value = 1;
    registry.gaugeOf("g", "G.", () => value);
    registry.counterOf("c", "C.", () => 10 * value);
    textExposition(registry.collect());
    value = 2;
    const text = textExposition(registry.collect());
    expect(text).toContain("\ng 2\n");
    expect(text).toContain("\nc 20\n");
  });

  test("a child is the same object each time, until it is deleted", () => {
    const registry = new MetricsRegistry();
    const family = registry.gauges("g", "G.", ["version"]);
    const child = family.child("3.5");
    expect(family.child("3.5")).toBe(child);
    family.delete("3.5");
    expect(textExposition(registry.collect())).toBe("");
    family.child("3.6");
    family.clear();
    expect(textExposition(registry.collect())).toBe("");
  });

  test("children beyond the bound count, and are not shown", () => {
    const registry = new MetricsRegistry();
    const family = registry.counters("c_total", "C.", ["version"]);
    for (let version = 0; version < FAMILY_CHILDREN_MAX + 10; version++) {
      family.child(String(version)).inc();
    }
    expect([...family.children()].length).toBe(FAMILY_CHILDREN_MAX);
  });

  test("a name is taken once", () => {
    const registry = new MetricsRegistry();
    registry.counter("c", "C.");
    expect(() => registry.gauge("c", "C.")).toThrow("registered twice");
  });
});
