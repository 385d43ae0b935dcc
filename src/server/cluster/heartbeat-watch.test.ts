import { expect, test } from "vitest";
import { ManualClock } from "../../../sim/manual-clock.ts";
import { MemoryLog } from "../../../sim/memory-log.ts";
import { createMessage, MessageType } from "../../wire/gen/raft.ts";
import { Counter } from "../../stdx/metrics/counter.ts";
import { HeartbeatWatch } from "./heartbeat-watch.ts";

test("HeartbeatWatch warns of a heartbeat that comes more than two intervals after the last one", () => {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const watch = new HeartbeatWatch(clock, log.named("x"), 100, new Counter());
  const send = (afterMs: number, ...to: bigint[]): number => {
    clock.advance(afterMs);
    const before = log.lines.length;
    const messages = to.map((id) => createMessage({ type: MessageType.MsgHeartbeat, to: id }));
    watch.sending([createMessage({ type: MessageType.MsgApp, to: 9n }), ...messages]);
    return log.lines.length - before;
  };
  expect(send(1000, 1n, 2n)).toBe(0);
  expect(send(200, 1n)).toBe(0);
  expect(send(50, 1n, 2n)).toBe(1);
  expect(log.lines.at(-1)).toMatchObject({
    level: "warn",
    fields: {
      to: "2",
      "heartbeat-interval": "100ms",
      "expected-duration": "200ms",
      "exceeded-duration": "50ms",
    },
  });
  watch.reset();
  expect(send(1000, 1n, 2n)).toBe(0);
});
