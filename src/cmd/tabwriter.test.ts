import { expect, test } from "vitest";
import { alignWithTabs } from "./tabwriter.ts";

test("alignWithTabs reaches the next tab stop behind the widest cell of a column", () => {
  expect(alignWithTabs("a\tb\nlonger one\tc\n")).toBe("a\t\tb\nlonger one\tc\n");
  expect(alignWithTabs("1234567\tx\n12345678\ty")).toBe("1234567\t\tx\n12345678\ty");
});

test("alignWithTabs keeps leading tabs and lines without cells", () => {
  expect(alignWithTabs("NAME:\n\ttext\n\n\tname\tdescription\n")).toBe(
    "NAME:\n\ttext\n\n\tname\tdescription\n",
  );
});

test("alignWithTabs ends a column at the first line without it", () => {
  const text = "a\tb\nno cell\nlong cell here\tb\n";
  expect(alignWithTabs(text)).toBe("a\tb\nno cell\nlong cell here\tb\n");
  expect(alignWithTabs("x\ty\tz\nxx\tyyyyyyyyy\tz")).toBe("x\ty\t\tz\nxx\tyyyyyyyyy\tz");
});
