import fc from "fast-check";
import { expect, test } from "vitest";
import { GoNumberError, parseGoBool, parseGoInt64, parseGoUint64 } from "./go-number.ts";

test.each([
  ["0", 0n],
  ["-17", -17n],
  ["+17", 17n],
  ["0x1F", 31n],
  ["0b101", 5n],
  ["0o17", 15n],
  ["017", 15n],
  ["1_000", 1000n],
  ["0x_1f", 31n],
  ["0_7", 7n],
  ["9223372036854775807", 9223372036854775807n],
  ["-9223372036854775808", -9223372036854775808n],
])("parseGoInt64 reads %s in base 0", (text, value) => {
  expect(parseGoInt64(text, 0)).toBe(value);
});

test.each(["", "-", "x", "08", "0x", "1__0", "_1", "1_", "0b2", " 1", "1 ", "--1", "1.0", "0X_"])(
  "parseGoInt64 refuses %j in base 0",
  (text) => {
    const refused = parseGoInt64(text, 0);
    expect(refused).toBeInstanceOf(GoNumberError);
    expect(refused).toMatchObject({
      message: `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`,
      stored: 0n,
    });
  },
);

test("parseGoInt64 keeps the bound of a value out of range", () => {
  expect(parseGoInt64("9223372036854775808", 10)).toMatchObject({
    message: 'strconv.ParseInt: parsing "9223372036854775808": value out of range',
    stored: 9223372036854775807n,
  });
  expect(parseGoInt64("-0x8000000000000001", 0)).toMatchObject({ stored: -(1n << 63n) });
});

test("parseGoInt64 and parseGoUint64 read what is written in base 10 and 16", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), (value) => {
      expect(parseGoInt64(value.toString(10), 10)).toBe(value);
      expect(parseGoInt64(value.toString(16), 16)).toBe(value);
      if (value >= 0n) expect(parseGoUint64(value.toString(16), 16)).toBe(value);
    }),
  );
});

test("parseGoUint64 refuses signs and prefixes", () => {
  expect(parseGoUint64("-1", 16)).toMatchObject({
    message: 'strconv.ParseUint: parsing "-1": invalid syntax',
  });
  expect(parseGoUint64("0x10", 16)).toBeInstanceOf(GoNumberError);
  expect(parseGoUint64("ffffffffffffffff", 16)).toBe((1n << 64n) - 1n);
  expect(parseGoUint64("10000000000000000", 16)).toMatchObject({ stored: (1n << 64n) - 1n });
});

test("parseGoBool knows Go's twelve spellings", () => {
  for (const text of ["1", "t", "T", "true", "TRUE", "True"]) expect(parseGoBool(text)).toBe(true);
  for (const text of ["0", "f", "F", "false", "FALSE", "False"]) {
    expect(parseGoBool(text)).toBe(false);
  }
  expect(parseGoBool("yes")).toMatchObject({
    message: 'strconv.ParseBool: parsing "yes": invalid syntax',
  });
});
