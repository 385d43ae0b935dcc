import { describe, expect, test } from "vitest";
import type { HttpHeaders, HttpServerRequest } from "../../ports/http.ts";
import { utf8FromBytes } from "../../stdx/bytes.ts";
import { MetricsRegistry } from "../../stdx/metrics/registry.ts";
import { SCRAPE_REUSE_MS_MAX } from "../limits.ts";
import { MetricsPage } from "./metrics-page.ts";

/** A page over one gauge, which tells how often it was read, and a clock that the test moves. */
class Bench {
  nowMs = 0;
  reads = 0;
  /** What reading the metrics takes. */
  costMs = 2;
  readonly page: MetricsPage;

  constructor() {
    const registry = new MetricsRegistry();
    registry.gaugeOf("reads", "Reads.", () => {
      this.nowMs += this.costMs;
      return ++this.reads;
    });
    const clock = { nowMs: () => this.nowMs };
    // Stands for a compression: the test sees that it was asked for.
    this.page = new MetricsPage({ registry, clock, gzip: (bytes) => bytes.slice(0, 1) });
  }

  ask(acceptEncoding = ""): { readonly headers: HttpHeaders; readonly text: string } {
    let answer = { headers: {} as HttpHeaders, text: "" };
    const request = {
      header: (name: string) => (name === "accept-encoding" ? acceptEncoding : ""),
      respond(_status: number, headers: HttpHeaders, bytes: Uint8Array) {
        answer = { headers, text: utf8FromBytes(bytes) };
      },
    } as unknown as HttpServerRequest;
    this.page.serve(request);
    return answer;
  }
}

describe("MetricsPage", () => {
  test("a page is made again when ten times as long has passed as it took", () => {
    const bench = new Bench();
    expect(bench.ask().text).toContain("\nreads 1\n");
    bench.nowMs += 19;
    expect(bench.ask().text).toContain("\nreads 1\n");
    bench.nowMs += 1;
    expect(bench.ask().text).toContain("\nreads 2\n");
  });

  test("a page that took long is not given out for longer than the bound", () => {
    const bench = new Bench();
    bench.costMs = 1000;
    bench.ask();
    bench.nowMs += SCRAPE_REUSE_MS_MAX;
    expect(bench.ask().text).toContain("\nreads 2\n");
  });

  test("the page counts those before it, and itself as under way", () => {
    const bench = new Bench();
    bench.ask();
    bench.nowMs += 1000;
    const { text } = bench.ask();
    expect(text).toContain('promhttp_metric_handler_requests_total{code="200"} 1\n');
    expect(text).toContain('promhttp_metric_handler_requests_total{code="503"} 0\n');
    expect(text).toContain("promhttp_metric_handler_requests_in_flight 1\n");
  });

  test.each([
    ["gzip", true],
    ["deflate, gzip;q=1.0", true],
    ["identity", false],
    ["x-gzip", false],
    ["", false],
  ])("accepting %j, it is compressed: %s", (accepted, isCompressed) => {
    const { headers, text } = new Bench().ask(accepted);
    expect(headers["Content-Encoding"]).toBe(isCompressed ? "gzip" : undefined);
    expect(text.length === 1).toBe(isCompressed);
  });
});
