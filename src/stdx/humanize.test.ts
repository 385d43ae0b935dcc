import { expect, test } from "vitest";
import { humanAgo, humanBytes } from "./humanize.ts";

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

test.each([
  [0, "now"],
  [999, "now"],
  [1000, "1 second ago"],
  [59_999, "59 seconds ago"],
  [60_000, "1 minute ago"],
  [3_599_000, "59 minutes ago"],
  [7_200_000, "2 hours ago"],
  [86_400_000, "1 day ago"],
])("humanAgo shows %d ms", (elapsedMs, text) => {
  expect(humanAgo(elapsedMs)).toBe(text);
});
