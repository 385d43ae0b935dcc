/** The options that are flags, from the tables of flags: `npx vitest run src/embed/flag-options -u` writes the file. */
import { expect, test } from "vitest";
import type { ServerUrl } from "../server/config/server-url.ts";
import type { FeatureGates } from "../server/flags/feature-gates.ts";
import { durationMs } from "../server/flags/kinds.ts";
import { FLAG_NAMES, FLAGS, type FlagName, type FlagValues } from "../server/flags/table.ts";
import type { FlagOptions } from "./flag-options.ts";

type CamelCase<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Name;

type OptionValue<Value> = Value extends boolean
  ? boolean
  : Value extends number
    ? number
    : Value extends string
      ? Value
      : Value extends FeatureGates
        ? Readonly<Record<string, boolean>>
        : Value extends readonly ServerUrl[] | readonly string[]
          ? string | readonly string[]
          : never;

type Options = {
  readonly [Name in FlagName as CamelCase<Name>]?: OptionValue<FlagValues[Name]> | undefined;
};

/** The compiler refuses it when the file has other options, or other types, than the tables. */
const IS_SAME: [FlagOptions, Options] extends [Options, FlagOptions] ? true : false = true;

/** Where members in a program have other defaults than the program `etcd`. */
const DEFAULTS: Partial<Record<FlagName, string>> = {
  "data-dir": "the name and `.etcd`",
  "listen-peer-urls": "none",
  "listen-client-urls": "none",
  "initial-advertise-peer-urls": "where it listens",
  "advertise-client-urls": "where it listens",
  "initial-cluster": "this member alone",
  "log-outputs": "none",
};

/** What holds for the program alone: here, what is advertised is what is listened on. */
const NOT_HERE = "When given, --advertise-client-urls must be given as well.";

const COLUMNS = 110;

function optionOf(flag: string): string {
  return flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

function typeOf(name: FlagName): string {
  const { initial, kind } = FLAGS[name];
  if (kind.values !== undefined)
    return kind.values.map((value) => JSON.stringify(value)).join(" | ");
  if (Array.isArray(initial)) return "string | readonly string[]";
  return initial instanceof Map ? "Readonly<Record<string, boolean>>" : typeof initial;
}

function defaultOf(name: FlagName): string {
  const { initial, shown } = FLAGS[name];
  if (DEFAULTS[name] !== undefined) return DEFAULTS[name];
  if (typeof initial === "number") return String(initial);
  if (shown === "") return typeof initial === "string" || Array.isArray(initial) ? "none" : "";
  return `\`${shown}\``;
}

function docstring(name: FlagName): string {
  const { help, kind } = FLAGS[name];
  const words = help
    .filter((line) => line !== NOT_HERE)
    .join(" ")
    .replace(/--([a-z0-9-]+)/g, (flag, other: string) =>
      other in FLAGS ? `\`${optionOf(other)}\`` : flag,
    )
    .split(/\s+/);
  if (kind === durationMs) words.push("In", "milliseconds.");
  const fallback = defaultOf(name);
  if (fallback !== "") words.push("Default:", `${fallback}.`);
  const lines = [""];
  for (const word of words) {
    const last = lines[lines.length - 1];
    if (last.length + word.length + 6 > COLUMNS) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  if (lines.length === 1) return `  /** ${lines[0]} */\n`;
  return `  /**\n${lines.map((line) => `   * ${line}\n`).join("")}   */\n`;
}

function flagOptionsFile(): string {
  const fields = FLAG_NAMES.map(
    (name) => `${docstring(name)}  readonly ${optionOf(name)}?: ${typeOf(name)} | undefined;\n`,
  );
  return `/** Written by \`npx vitest run src/embed/flag-options -u\` from src/server/flags/: do not edit. */

/** The flags of \`etcd\`, under their names in camel case: docs/flags.md tells more. A list is an array, or a text with commas. */
export interface FlagOptions {
${fields.join("")}}
`;
}

test("there is an option for each flag, with its type, its unit and its default", async () => {
  expect(IS_SAME).toBe(true);
  await expect(flagOptionsFile()).toMatchFileSnapshot("flag-options.ts");
});
