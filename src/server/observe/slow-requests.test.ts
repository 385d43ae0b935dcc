import { describe, expect, test } from "vitest";
import { QUIET_LOG } from "../../../test/harness/quiet-log.ts";
import { Prng } from "../../stdx/prng.ts";
import { Errors } from "../../errors/table.ts";
import type { Log, LogFields } from "../../ports/log.ts";
import { bytesFromUtf8 } from "../../stdx/bytes.ts";
import type { InternalRaftRequestOperation } from "../../wire/gen/raft-internal.ts";
import { createPutRequest, createRangeRequest, encodeRangeRequest } from "../../wire/gen/rpc.ts";
import { ServerMetrics } from "../metrics/server-metrics.ts";
import { SlowRequests } from "./slow-requests.ts";

const OPERATION: InternalRaftRequestOperation = {
  case: "put",
  value: createPutRequest({ key: bytesFromUtf8("foo"), value: bytesFromUtf8("secret") }),
};

describe("SlowRequests", () => {
  const lines: { readonly level: string; readonly message: string; readonly fields: LogFields }[] =
    [];
  let nowMs = 0;
  const say = (level: string) => (message: string, fields?: LogFields) => {
    lines.push({ level, message: message.replace(/\d+/g, "N"), fields: fields ?? {} });
  };
  const log: Log = { ...QUIET_LOG, info: say("info"), warn: say("warn") };
  const slow = new SlowRequests({
    metrics: new ServerMetrics(),
    clock: {
      nowMs: () => nowMs,
      wallMs: () => Date.UTC(2026, 0, 2) + nowMs,
      after: () => ({ cancel: () => {} }),
      defer: () => {},
    },
    random: new Prng(1),
    log,
    warningMs: 100,
    warningUnaryMs: 300,
  });

  /** What is said of a put that waited and was applied for so long. */
  function linesOfPut(waitMs: number, applyMs: number): typeof lines {
    lines.length = 0;
    const origin = { startMs: nowMs, path: "/etcdserverpb.KV/Put", remote: "127.0.0.1:5" };
    nowMs += waitMs;
    const start = slow.start();
    nowMs += applyMs;
    const result = Errors.NoSpace;
    slow.applied(start, 7n, OPERATION, result);
    slow.proposalAnswered(origin, OPERATION, result);
    return lines.filter(({ message }) => message !== "failed to apply request");
  }

  test("says nothing of what is quick", () => {
    expect(linesOfPut(50, 40)).toEqual([]);
  });

  test("traces a proposal of more than 100 ms, and where its time went", () => {
    const [trace, ...others] = linesOfPut(180, 10);
    expect(others).toEqual([]);
    expect(trace).toMatchObject({ level: "info", message: "trace[N] put" });
    expect(trace?.fields).toMatchObject({
      detail: "{key:foo; req_size:13; }",
      duration: "190ms",
      step_count: 1,
    });
    expect(String(trace?.fields["steps"])).toMatch(
      /^trace\[\d+\] 'process raft request' {2}\(duration: 180ms\)$/,
    );
  });

  test("warns of applying that takes more than 100 ms", () => {
    expect(linesOfPut(0, 150).map(({ message }) => message)).toEqual([
      "apply request took too long",
      "trace[N] put",
    ]);
  });

  test("warns of calls of more than 300 ms, without their values", () => {
    const stats = linesOfPut(400, 0).find(({ message }) => message === "request stats");
    expect(stats).toMatchObject({
      level: "warn",
      fields: {
        "time spent": "400ms",
        remote: "127.0.0.1:5",
        "response type": "/etcdserverpb.KV/Put",
        "request count": 1,
        "request content": 'key:"foo" value_size:6 ',
      },
    });
    expect(JSON.stringify(lines)).not.toContain("secret");
  });

  test("traces slow reads", () => {
    lines.length = 0;
    const start = slow.start();
    nowMs += 150;
    expect(slow.isSlow(start)).toBe(true);
    slow.answered(start, {
      call: { path: "/etcdserverpb.KV/Range", peer: { address: "a", commonName: undefined } },
      kind: "range",
      text: 'key:"foo" ',
      responseText: "",
      request: encodeRangeRequest(createRangeRequest({ key: bytesFromUtf8("foo") })),
      response: new Uint8Array(),
      error: Errors.Compacted,
    });
    expect(lines.map(({ message }) => message)).toEqual([
      "apply request took too long",
      "trace[N] range",
    ]);
    expect(lines[1]?.fields).toMatchObject({ detail: "{range_begin:foo; range_end:; }" });
  });
});
