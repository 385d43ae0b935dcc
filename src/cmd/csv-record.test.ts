import fc from "fast-check";
import { expect, test } from "vitest";
import { csvRecord, parseCsvRecord } from "./csv-record.ts";

test.each([
  ["a", ["a"]],
  ["a,b,", ["a", "b", ""]],
  ['"a,b",c', ["a,b", "c"]],
  ['"say ""hi""",x', ['say "hi"', "x"]],
  ["first\nsecond,third", ["first"]],
  ["\n\na,b\r\n", ["a", "b"]],
  ['"two\nlines",x', ["two\nlines", "x"]],
])("parseCsvRecord reads %j", (text, fields) => {
  expect(parseCsvRecord(text)).toEqual(fields);
});

test.each([
  ['"', 'parse error on line 1, column 2: extraneous or missing " in quoted-field'],
  ['"abc', 'parse error on line 1, column 5: extraneous or missing " in quoted-field'],
  ['a"b', 'parse error on line 1, column 2: bare " in non-quoted-field'],
  ['x,a"b', 'parse error on line 1, column 4: bare " in non-quoted-field'],
  ['"a"b', 'parse error on line 1, column 3: extraneous or missing " in quoted-field'],
  ["\n", "EOF"],
])("parseCsvRecord refuses %j", (text, reason) => {
  expect(parseCsvRecord(text)).toBe(reason);
});

test("csvRecord writes what parseCsvRecord reads", () => {
  const field = fc.string({ unit: fc.constantFrom("a", " ", ",", '"', "\n", "\\", ".") });
  fc.assert(
    fc.property(fc.array(field, { minLength: 1 }), (fields) => {
      // A record of one empty field is an empty line, which is no record; a reader drops it.
      if (fields.length === 1 && fields[0] === "") return;
      expect(parseCsvRecord(csvRecord(fields))).toEqual(fields);
    }),
  );
});
