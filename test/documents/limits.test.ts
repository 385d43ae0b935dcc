/** docs/limits.md is what every limits.ts says, and every bound has its reason. */
import * as fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { cell, docstringsOf } from "./docstrings.ts";

const SOURCE = path.join(import.meta.dirname, "..", "..", "src");

interface Limit {
  readonly name: string;
  readonly value: unknown;
  readonly reason: string;
}

/** Units that names have in them, before MIN, MAX and the like. */
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/_BYTES_PER_MS/, "bytes per ms"],
  [/_MS(_|$)|Ms$/, "ms"],
  [/_SECONDS(_|$)/, "s"],
  [/_BYTES(_|$)|Bytes$/, "bytes"],
  [/_TICKS(_|$)/, "ticks"],
];

const FILES = fs
  .readdirSync(SOURCE, { recursive: true })
  .map(String)
  .filter((file) => path.basename(file) === "limits.ts")
  .sort();

/** A limit is a constant, or a member of one that is an object, which has its reason at the type. */
async function limitsOf(file: string): Promise<Limit[]> {
  const full = path.join(SOURCE, file);
  const reasons = docstringsOf(full, /^export const (\w+)/);
  const members = docstringsOf(full, /^ {2}readonly (\w+): number;/);
  const values = (await import(full)) as Readonly<Record<string, unknown>>;
  return [...reasons].flatMap(([name, reason]) => {
    const value = values[name];
    if (typeof value !== "object" || value === null) return [{ name, value, reason }];
    return Object.entries(value).map(([member, part]: [string, unknown]) => {
      return { name: `${name}.${member}`, value: part, reason: members.get(member) ?? "" };
    });
  });
}

function row({ name, value, reason }: Limit): string {
  const unit = UNITS.find(([pattern]) => pattern.test(name))?.[1] ?? "";
  return `| \`${name}\` | ${shown(value)} | ${unit} | ${cell(reason)} |`;
}

/** Whole numbers in groups of three. */
function shown(value: unknown): string {
  if (typeof value !== "number" || !Number.isInteger(value)) return String(value);
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** docs/limits.md, from all files of limits. */
async function limitsDocument(): Promise<string> {
  const sections = await Promise.all(
    FILES.map(async (file) => {
      const rows = (await limitsOf(file)).map(row).join("\n");
      return `## src/${path.dirname(file)}\n\n| limit | value | unit | why |\n|---|--:|---|---|\n${rows}\n`;
    }),
  );
  return `<!-- Written by \`npx vitest run test/documents -u\` from the limits.ts of each folder. -->
# Limits

Every bound over what comes from outside, with its reason. Some are defaults of flags ([flags.md](flags.md)).

${sections.join("\n")}`;
}

test("docs/limits.md lists every limit", async () => {
  await expect(await limitsDocument()).toMatchFileSnapshot("../../docs/limits.md");
});

test.each(FILES)("every limit of %s is a number with a reason", async (file) => {
  const limits = await limitsOf(file);
  expect(limits.length).toBeGreaterThan(0);
  for (const { name, value, reason } of limits) {
    expect(typeof value, name).toBe("number");
    expect(reason, name).not.toBe("");
  }
});
