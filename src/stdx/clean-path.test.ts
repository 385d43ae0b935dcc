import { expect, test } from "vitest";
import { cleanPath } from "./clean-path.ts";

test.each([
  ["", "."],
  [".", "."],
  ["/", "/"],
  ["//", "/"],
  ["a", "a"],
  ["./a/", "a"],
  ["a//b/./c", "a/b/c"],
  ["a/../b", "b"],
  ["a/..", "."],
  ["../a", "../a"],
  ["../../a/../b", "../../b"],
  ["/../a", "/a"],
  ["/a/b/../../..", "/"],
  ["/a/./b//", "/a/b"],
])("cleanPath makes of %j %j", (given, expected) => {
  expect(cleanPath(given)).toBe(expected);
});
