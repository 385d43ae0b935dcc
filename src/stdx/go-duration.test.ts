import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesFromUtf8, latin1FromBytes } from "./bytes.ts";
import { formatGoDuration, GoDurationError, parseGoDuration } from "./go-duration.ts";

test.each([
  [0n, "0s"],
  [1n, "1ns"],
  [1_100n, "1.1µs"],
  [2_200_000n, "2.2ms"],
  [3_916_792n, "3.916792ms"],
  [1_000_000_000n, "1s"],
  [5_000_000_000n, "5s"],
  [65_001_000_000n, "1m5.001s"],
  [3_600_000_000_000n, "1h0m0s"],
  [-1_500_000_000n, "-1.5s"],
  [(1n << 63n) - 1n, "2562047h47m16.854775807s"],
])("formatGoDuration prints %s ns", (nanoseconds, text) => {
  expect(formatGoDuration(nanoseconds)).toBe(text);
});

test("parseGoDuration reads what formatGoDuration prints", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(1n << 62n), max: 1n << 62n }), (nanoseconds) => {
      const text = latin1FromBytes(bytesFromUtf8(formatGoDuration(nanoseconds)));
      expect(parseGoDuration(text)).toBe(nanoseconds);
    }),
  );
});

test.each([
  ["0", 0n],
  ["+5s", 5_000_000_000n],
  ["1.5h", 5_400_000_000_000n],
  [".5s", 500_000_000n],
  ["1.s", 1_000_000_000n],
  ["1h2m3s4ms5us6ns", 3_723_004_005_006n],
  ["-0.001s", -1_000_000n],
])("parseGoDuration reads %s", (text, nanoseconds) => {
  expect(parseGoDuration(text)).toBe(nanoseconds);
});

test.each([
  ["", 'time: invalid duration ""'],
  ["x", 'time: invalid duration "x"'],
  ["5", 'time: missing unit in duration "5"'],
  ["99999999999999999999", 'time: invalid duration "99999999999999999999"'],
  ["5y", 'time: unknown unit "y" in duration "5y"'],
  [".s", 'time: invalid duration ".s"'],
  ["9223372036854775808ns", 'time: invalid duration "9223372036854775808ns"'],
  ["\xff", 'time: invalid duration "\\xff"'],
])("parseGoDuration refuses %j", (text, message) => {
  const refused = parseGoDuration(text);
  expect(refused).toBeInstanceOf(GoDurationError);
  expect(refused).toMatchObject({ message });
});
