import { describe, expect, test } from "vitest";
import { QUIET_LOG } from "../../../test/harness/quiet-log.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log, LogFields } from "../../ports/log.ts";
import { createSpan, decodeExportTraceServiceRequest } from "../../wire/gen/otlp.ts";
import { SPAN_BATCH_MAX, SPAN_INTERVAL_MS, SPANS_WAITING_MAX } from "../limits.ts";
import { SpanExporter } from "./span-exporter.ts";

/** A world in which the test is the clock and the collector. */
class World {
  readonly sent: { readonly names: string[]; readonly done: (problem?: string) => void }[] = [];
  readonly warnings: LogFields[] = [];
  nowMs = 0;
  #timers: { atMs: number; run: () => void }[] = [];

  readonly clock: Clock = {
    nowMs: () => this.nowMs,
    wallMs: () => this.nowMs,
    after: (delayMs, run) => {
      const timer = { atMs: this.nowMs + delayMs, run };
      this.#timers.push(timer);
      return {
        cancel: () => {
          this.#timers = this.#timers.filter((each) => each !== timer);
        },
      };
    },
    defer: (run) => run(),
  };

  readonly log: Log = { ...QUIET_LOG, warn: (_, fields) => this.warnings.push(fields ?? {}) };

  readonly exporter = new SpanExporter({
    clock: this.clock,
    log: this.log,
    serviceName: "etcd",
    instanceId: "a",
    transport: {
      send: (bytes, done) => {
        const [resource] = decodeExportTraceServiceRequest(bytes).resourceSpans;
        const names = (resource?.scopeSpans[0]?.spans ?? []).map(({ name }) => name);
        this.sent.push({ names, done });
      },
      close: () => {},
    },
  });

  add(count: number): void {
    for (let i = 0; i < count; i++) this.exporter.add(createSpan({ name: `span ${i}` }));
  }

  pass(ms: number): void {
    this.nowMs += ms;
    const due = this.#timers.filter(({ atMs }) => atMs <= this.nowMs);
    this.#timers = this.#timers.filter(({ atMs }) => atMs > this.nowMs);
    for (const { run } of due) run();
  }
}

describe("SpanExporter", () => {
  test("sends a few spans after a while, and many at once", () => {
    const world = new World();
    world.add(2);
    expect(world.sent).toHaveLength(0);
    world.pass(SPAN_INTERVAL_MS);
    expect(world.sent[0]?.names).toEqual(["span 0", "span 1"]);
    world.sent[0]?.done();
    world.add(SPAN_BATCH_MAX);
    expect(world.sent[1]?.names).toHaveLength(SPAN_BATCH_MAX);
  });

  test("has one request on its way, and bounds what waits behind it", () => {
    const world = new World();
    world.add(SPAN_BATCH_MAX + SPANS_WAITING_MAX + 7);
    expect(world.sent).toHaveLength(1);
    world.sent[0]?.done("collector is away");
    expect(world.warnings).toEqual([
      { "dropped-spans": SPAN_BATCH_MAX + 7, error: "collector is away" },
    ]);
    // A collector that has just failed is left alone for a while.
    expect(world.sent).toHaveLength(1);
    world.pass(SPAN_INTERVAL_MS);
    expect(world.sent).toHaveLength(2);
    world.sent[1]?.done("collector is away");
    expect(world.warnings).toHaveLength(1);
  });

  test("sends the rest when it is closed", async () => {
    const world = new World();
    world.add(1);
    const closed = world.exporter.close(1000);
    expect(world.sent[0]?.names).toEqual(["span 0"]);
    world.sent[0]?.done();
    await closed;
  });

  test("waits for no collector that does not answer", async () => {
    const world = new World();
    world.add(1);
    const closed = world.exporter.close(1000);
    world.pass(1000);
    await closed;
    expect(world.sent).toHaveLength(1);
  });
});
