import { expect, test } from "vitest";
import { queryHas, queryValues, unescapePath } from "./go-query.ts";

test("values come in order, unescaped", () => {
  expect(queryValues("a=1&b=2&a=x%20y+z&a", "a")).toEqual(["1", "x y z", ""]);
  expect(queryValues("%61=%C3%A9", "a")).toEqual(["é"]);
  expect(queryValues("a=b=c", "a")).toEqual(["b=c"]);
});

test("pairs that Go cannot read are passed over", () => {
  expect(queryValues("a=%zz&a=1;2&a=%&&a=3", "a")).toEqual(["3"]);
});

test("a name alone counts", () => {
  expect(queryHas("verbose", "verbose")).toBe(true);
  expect(queryHas("verbosely=1", "verbose")).toBe(false);
  expect(queryHas("", "")).toBe(false);
});

test("in paths a plus sign stands for itself", () => {
  expect(unescapePath("/a+b%2Fc")).toBe("/a+b/c");
  expect(unescapePath("/%")).toBeUndefined();
  expect(unescapePath("/%4")).toBeUndefined();
  expect(unescapePath("/%4g")).toBeUndefined();
});
