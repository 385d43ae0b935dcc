/**
 * What docs/operate/monitoring has for Prometheus and Grafana is right: promtool accepts it, the alerts come when
 * they should, and everything that is asked for exists.
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { findPromtool } from "../../tools/promtool.mjs";
import { allMetrics } from "../harness/all-metrics.ts";

const FOLDER = path.join(import.meta.dirname, "..", "..", "docs", "operate", "monitoring");
const PROMTOOL = findPromtool();

const read = (name: string): string => fs.readFileSync(path.join(FOLDER, name), "utf8");

/** Prefixes of names that are metrics of ours. */
const METRIC = /\b(?:etcd|grpc|process|os|go|nodejs|promhttp)_[a-z0-9_]+/g;

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}

/** Names under which samples of a metric are found. */
function sampleNames(): Set<string> {
  const names = new Set<string>();
  for (const { name, type } of allMetrics()) {
    names.add(name);
    if (type !== "histogram" && type !== "summary") continue;
    for (const part of ["bucket", "sum", "count"]) names.add(`${name}_${part}`);
  }
  return names;
}

function recordedNames(): string[] {
  return [...read("recording-rules.yml").matchAll(/- record: (\S+)/g)].map(([, name]) => name);
}

function dashboardQueries(): string[] {
  const { panels } = JSON.parse(read("grafana-dashboard.json")) as Dashboard;
  return panels.flatMap(({ targets }) => (targets ?? []).map(({ expr }) => expr));
}

/** Metrics that a text asks for, without the names that rules record. */
function metricsIn(text: string): string[] {
  return [...text.replaceAll(/\bjob_[a-z_]*:[\w:]+/g, "").matchAll(METRIC)].map(([name]) => name);
}

describe("monitoring", () => {
  const known = sampleNames();
  // Labels, and not names of metrics.
  const labels = new Set(["grpc_service", "grpc_method", "grpc_code", "grpc_type"]);
  const unknownIn = (text: string): string[] =>
    metricsIn(text).filter((name) => !known.has(name) && !labels.has(name));

  test.each(["recording-rules.yml", "alert-rules.yml", "alert-rules.test.yml"])(
    "%s asks for metrics that exist",
    (name) => {
      const text = read(name);
      expect(metricsIn(text).length).toBeGreaterThan(5);
      expect(unknownIn(text)).toEqual([]);
    },
  );

  test("the dashboard asks for metrics that exist, and for what rules record", () => {
    const queries = dashboardQueries();
    expect(queries.length).toBeGreaterThan(30);
    expect(unknownIn(queries.join("\n"))).toEqual([]);
    const recorded = recordedNames();
    const wanted = queries.flatMap((query) => query.match(/\bjob_[a-z_]*:[\w:]+/g) ?? []);
    expect(wanted.filter((name) => !recorded.includes(name))).toEqual([]);
  });

  test("every panel of the dashboard has a title and a place of its own", () => {
    const { panels } = JSON.parse(read("grafana-dashboard.json")) as Dashboard;
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
  });

  test("promtool is there where it must be", () => {
    const isRequired = process.env["PROMTOOL_REQUIRED"] === "1";
    expect(isRequired && PROMTOOL === undefined, "node tools/install-promtool.mjs").toBe(false);
  });

  test.skipIf(PROMTOOL === undefined)("promtool accepts configuration and rules", () => {
    expect(promtool("check", "config", "prometheus.yml")).toContain("SUCCESS");
    expect(promtool("check", "rules", "recording-rules.yml", "alert-rules.yml")).not.toContain(
      "FAILED",
    );
  });

  test.skipIf(PROMTOOL === undefined)("alerts come when they should, and not before", () => {
    expect(promtool("test", "rules", "alert-rules.test.yml")).toContain("SUCCESS");
  });

  test.skipIf(PROMTOOL === undefined)("promtool can read each query of the dashboard", () => {
    const queries = dashboardQueries().map((query) => query.replaceAll("$__rate_interval", "5m"));
    const rules = queries.map((expr, at) => ({ record: `panel:query:${at}`, expr }));
    const file = path.join(fs.mkdtempSync("/tmp/etcd-ts-dashboard-"), "queries.json");
    // JSON is YAML, too.
    fs.writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    try {
      expect(promtool("check", "rules", file)).toContain(`${queries.length} rules found`);
    } finally {
      fs.rmSync(path.dirname(file), { recursive: true });
    }
  });
});

function promtool(...args: readonly string[]): string {
  return execFileSync(PROMTOOL ?? "promtool", args, {
    cwd: FOLDER,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}
