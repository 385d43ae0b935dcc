/**
 * Help pages: the layout of etcd's tools (NAME, USAGE, …), and the plain one of the flag library, which
 * users meet inside a transaction.
 *
 * Source: etcd pkg/cobrautl/help.go; spf13/cobra and spf13/pflag default usage (FlagUsages).
 */
import { goQuote } from "../stdx/go-quote.ts";
import type { Command } from "./command.ts";
import type { Flag, FlagSet } from "./pflag.ts";
import { alignWithTabs } from "./tabwriter.ts";

/** The versions that a tool's help names. */
export interface ToolVersion {
  readonly version: string;
  readonly apiVersion: string;
}

/** The help page of `command`. */
export function usagePage<C>(command: Command<C>, tool: ToolVersion): string {
  const { parent, spec, commands } = command;
  const title = parent === undefined ? command.name : nameBelow(command, undefined);
  const parts = [`NAME:\n\t${title} - ${spec.short}\n`, `USAGE:\n\t${command.useLine}\n`];
  if (parent === undefined) parts.push(`VERSION:\n\t${tool.version}\n`);
  if (commands.length > 0) {
    parts.push(`API VERSION:\n\t${tool.apiVersion}\n`);
    const runnable = command.descendants().filter((below) => below.spec.run !== undefined);
    const lines = runnable.map((below) => `\t${nameBelow(below, command)}\t${below.spec.short}\n`);
    parts.push(`\nCOMMANDS:\n${lines.join("")}`);
  }
  if (spec.long !== undefined) parts.push(`DESCRIPTION:\n${description(spec.long)}`);
  parts.push(`OPTIONS:\n${optionLines(command.localFlags)}`);
  if (parent !== undefined) parts.push(`GLOBAL OPTIONS:\n${optionLines(command.inheritedFlags)}`);
  return alignWithTabs(`${parts.join("\n")}\n`);
}

/** Names below `start` (or below the root), from the top down. */
function nameBelow<C>(command: Command<C>, start: Command<C> | undefined): string {
  const { parent } = command;
  const isTop = parent === undefined || parent.parent === undefined || parent === start;
  return isTop ? command.name : `${nameBelow(parent, start)} ${command.name}`;
}

function description(long: string): string {
  const lines = long.replace(/^[\n\t ]+|[\n\t ]+$/g, "").split("\n");
  return lines.map((line) => `\t${line}\n`).join("");
}

function optionLines(flags: FlagSet): string {
  return flags.all().map(optionLine).join("");
}

function optionLine({ shorthand, name, kind, defaultText, usage }: Flag): string {
  const names = shorthand === "" ? `      --${name}` : `  -${shorthand}, --${name}`;
  const shown = kind === "string" ? goQuote(defaultText) : defaultText;
  const value = kind === "bool" ? `[=${shown}]` : `=${shown}`;
  return `${names}${value}\t${usage}\n`;
}

const KIND_NAMES = {
  bool: "",
  string: "string",
  int64: "int",
  duration: "duration",
  stringSlice: "strings",
};

/** The flag library's own page for `command`, as it prints it for a command line of a transaction. */
export function plainUsagePage<C>(command: Command<C>): string {
  const lines = command.flags.all().map(plainFlagLine);
  const width = Math.max(...lines.map(([names]) => names.length));
  const flags = lines.map(([names, usage]) => `${names.padEnd(width)}   ${usage}\n`);
  return `Usage:\n  ${command.useLine}\n\nFlags:\n${flags.join("")}`;
}

function plainFlagLine({ shorthand, name, kind, defaultText, usage }: Flag): [string, string] {
  const names = shorthand === "" ? `      --${name}` : `  -${shorthand}, --${name}`;
  const kindName = KIND_NAMES[kind];
  const isZero = ["", "0", "false", "[]", "0s"].includes(defaultText);
  const shownDefault = kind === "string" ? goQuote(defaultText) : defaultText;
  const remark =
    isZero && !(kind === "string" && defaultText !== "") ? "" : ` (default ${shownDefault})`;
  return [kindName === "" ? names : `${names} ${kindName}`, usage + remark];
}
