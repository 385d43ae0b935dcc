import { beforeEach, describe, expect, test } from "vitest";
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { MemoryLog } from "../../sim/memory-log.ts";
import { MetricsRegistry } from "../stdx/metrics/registry.ts";
import { MemberMetrics } from "./metrics.ts";
import { ReadGate } from "./read-gate.ts";
import type { ReadWaiter } from "./ready.ts";

class Reader implements ReadWaiter {
  outcome: "waits" | "reads" | EtcdError = "waits";

  onReadable(): void {
    expect(this.outcome).toBe("waits");
    this.outcome = "reads";
  }

  onFailed(error: EtcdError): void {
    expect(this.outcome).toBe("waits");
    this.outcome = error;
  }
}

function idBytes(id: number): Uint8Array {
  return new Uint8Array([0, 0, 0, 0, 0, 0, 0, id]);
}

describe("ReadGate", () => {
  const TIMEOUT_TICKS = 10;
  const RETRY_TICKS = 3;
  let asked: Uint8Array[];
  let gate: ReadGate;
  let log: MemoryLog;
  let metrics: MemberMetrics;

  beforeEach(() => {
    asked = [];
    let sequence = 0;
    log = new MemoryLog();
    metrics = new MemberMetrics(new MetricsRegistry());
    gate = new ReadGate({
      request: (context) => asked.push(context),
      nextContext: () => idBytes(++sequence),
      tickMs: 100,
      timeoutTicks: TIMEOUT_TICKS,
      retryTicks: RETRY_TICKS,
      log,
      metrics,
    });
  });

  const arrive = (count: number): Reader[] => {
    const readers = Array.from({ length: count }, () => new Reader());
    for (const reader of readers) gate.add(reader);
    return readers;
  };

  test("asks once for all that arrived, and lets them through when the index is applied", () => {
    const readers = arrive(3);
    gate.start();
    gate.start();
    expect(asked).toEqual([idBytes(1)]);
    gate.confirm(7, idBytes(1));
    gate.release(6);
    expect(readers.map((reader) => reader.outcome)).toEqual(["waits", "waits", "waits"]);
    gate.release(7);
    expect(readers.map((reader) => reader.outcome)).toEqual(["reads", "reads", "reads"]);
  });

  test("a read that comes after the request waits for a request of its own", () => {
    const [early] = arrive(1);
    gate.start();
    const [late] = arrive(1);
    gate.confirm(5, idBytes(1));
    gate.release(5);
    expect([early.outcome, late.outcome]).toEqual(["reads", "waits"]);
    gate.start();
    expect(asked).toEqual([idBytes(1), idBytes(2)]);
  });

  test("an answer to an earlier request confirms nothing", () => {
    const [reader] = arrive(1);
    gate.start();
    gate.confirm(5, idBytes(9));
    gate.release(100);
    expect(reader.outcome).toBe("waits");
    const ids = { "sent-request-id": 1n, "received-request-id": 9n };
    expect(log.lines.map(({ fields }) => fields)).toEqual([ids]);
  });

  test("asks again while unanswered, and gives up after the time limit", () => {
    const [reader] = arrive(1);
    gate.start();
    for (let tick = 0; tick < TIMEOUT_TICKS; tick++) gate.tick();
    expect(asked).toHaveLength(1 + Math.floor(TIMEOUT_TICKS / RETRY_TICKS));
    expect(reader.outcome).toBe("waits");
    const retry = { "sent-request-id": 1n, "retry-timeout": "300ms" };
    expect(log.lines.map(({ fields }) => fields)).toEqual([retry, retry, retry]);
    gate.tick();
    expect(reader.outcome).toBe(Errors.Timeout);
    expect(log.lines.at(-1)?.fields).toEqual({ timeout: "1s" });
  });

  test("each waits no longer than a request may take, also behind others", () => {
    const [first] = arrive(1);
    gate.start();
    for (let tick = 0; tick < TIMEOUT_TICKS; tick++) gate.tick();
    const [second] = arrive(1);
    gate.tick();
    expect([first.outcome, second.outcome]).toEqual([Errors.Timeout, "waits"]);
    gate.start();
    const [third] = arrive(1);
    for (let tick = 1; tick < TIMEOUT_TICKS; tick++) gate.tick();
    expect(second.outcome).toBe("waits");
    gate.tick();
    expect([second.outcome, third.outcome]).toEqual([Errors.Timeout, "waits"]);
    gate.start();
    gate.confirm(5, idBytes(3));
    gate.release(5);
    expect(third.outcome).toBe("reads");
  });

  test("a change of leader fails what was not confirmed, and only that", () => {
    const [confirmed] = arrive(1);
    gate.start();
    gate.confirm(5, idBytes(1));
    gate.leaderChanged();
    expect(confirmed.outcome).toBe("waits");
    gate.release(5);
    expect(confirmed.outcome).toBe("reads");
    const [open] = arrive(1);
    gate.start();
    gate.leaderChanged();
    expect(open.outcome).toBe(Errors.LeaderChanged);
    expect(metrics.readIndexesFailed.value).toBe(1);
  });

  test("index 0 means that the leader was deposed", () => {
    const [reader] = arrive(1);
    gate.start();
    gate.confirm(0, idBytes(1));
    expect(reader.outcome).toBe(Errors.LeaderChanged);
  });

  test("failAll answers everybody", () => {
    const [first] = arrive(1);
    gate.start();
    const [second] = arrive(1);
    gate.failAll(Errors.Stopped);
    expect([first.outcome, second.outcome]).toEqual([Errors.Stopped, Errors.Stopped]);
  });
});
