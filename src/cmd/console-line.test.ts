import { expect, test } from "vitest";
import { ManualClock } from "../../sim/manual-clock.ts";
import { consoleLog } from "./console-line.ts";

function logged(use: (log: ReturnType<typeof consoleLog>) => void): string {
  let text = "";
  use(
    consoleLog(new ManualClock(Date.UTC(2026, 0, 2, 3, 4, 5, 678)), (line) => {
      text += line;
    }),
  );
  return text;
}

/** The time is the local one, so only its form is the same everywhere. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:05(?:Z|[+-]\d\d:\d\d)\t/;

test("consoleLog writes time, level, module and message, with tabs between them", () => {
  const line = logged((log) => log.named("snapshot/x.ts").info("restoring snapshot"));
  expect(line).toMatch(TIME);
  expect(line.replace(TIME, "")).toBe("info\tsnapshot/x.ts\trestoring snapshot\n");
});

test("consoleLog writes fields as JSON with blanks", () => {
  const line = logged((log) =>
    log.warn("said", {
      path: 'a "b"',
      count: 3,
      id: (1n << 64n) - 1n,
      urls: ["http://a:1", "http://b:2"],
      empty: [],
      isDone: false,
    }),
  );
  expect(line.slice(line.indexOf("{"))).toBe(
    '{"path": "a \\"b\\"", "count": 3, "id": 18446744073709551615, ' +
      '"urls": ["http://a:1", "http://b:2"], "empty": [], "isDone": false}\n',
  );
});

test("consoleLog leaves out what is for developers, and writes text as bytes", () => {
  expect(logged((log) => log.debug("detail"))).toBe("");
  expect(logged((log) => log.error("ж")).endsWith("error\t\t\xd0\xb6\n")).toBe(true);
});
