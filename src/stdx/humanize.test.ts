import { expect, test } from "vitest";
import { humanBytes } from "./humanize.ts";

test.each([
  [0, "0 B"],
  [9, "9 B"],
  [10, "10 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [1024, "1.0 kB"],
  [9999, "10 kB"],
  [20480, "20 kB"],
  [99_949, "100 kB"],
  [1_500_000, "1.5 MB"],
  [25_169_920, "25 MB"],
  [82_854_982, "83 MB"],
  [2_147_483_648, "2.1 GB"],
])("humanBytes shows %d", (count, text) => {
  expect(humanBytes(count)).toBe(text);
});
