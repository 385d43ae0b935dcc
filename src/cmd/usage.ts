/**
 * Help pages: the layout of etcdctl (NAME, USAGE, …), and the plain one of the command library, which is
 * that of etcdutl and of the lines of a transaction.
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

/**
 * The help page of `command`. The command library adds the flag for help when a command is called, so pages of
 * others lack it: `isCalled` false.
 */
export function usagePage<C>(command: Command<C>, tool: ToolVersion, isCalled = true): string {
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
  const local = shownFlags(command.localFlags).filter(({ name }) => isCalled || name !== "help");
  parts.push(`OPTIONS:\n${optionLines(local)}`);
  const inherited = shownFlags(command.inheritedFlags);
  if (parent !== undefined) parts.push(`GLOBAL OPTIONS:\n${optionLines(inherited)}`);
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

function optionLines(flags: readonly Flag[]): string {
  return flags.map(optionLine).join("");
}

function shownFlags(flags: FlagSet): Flag[] {
  return flags.all().filter(({ isHidden }) => !isHidden);
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
  uint64: "uint",
  uint32: "uint32",
  float64: "float",
  duration: "duration",
  stringSlice: "strings",
};

/** Least width of the names of commands in a list of them. */
const NAME_WIDTH_MIN = 11;

/** The command library's own page for `command`: that of etcdutl, and of the lines of a transaction. */
export function plainUsagePage<C>(command: Command<C>, isCalled = true): string {
  const { commands, path, shownCommands: listed } = command;
  let page = "Usage:\n";
  if (command.spec.run !== undefined) page += `  ${command.useLine}\n`;
  if (listed.length > 0) {
    page += `  ${path} [command]\n`;
    const width = Math.max(NAME_WIDTH_MIN, ...commands.map(({ name }) => name.length));
    const lines = listed.map(({ name, spec }) => `  ${name.padEnd(width)} ${spec.short}\n`);
    page += `\nAvailable Commands:\n${lines.join("")}`;
  }
  const local = shownFlags(command.localFlags);
  const shown = isCalled ? local : local.filter(({ name }) => name !== "help");
  page += `\nFlags:\n${plainFlagLines(shown)}`;
  const inherited = plainFlagLines(shownFlags(command.inheritedFlags));
  if (inherited !== "") page += `\nGlobal Flags:\n${inherited}`;
  if (listed.length > 0) {
    page += `\nUse "${path} [command] --help" for more information about a command.\n`;
  }
  return page;
}

/** The flags of `flags` one a line, those that no other page names among them. */
export function everyFlagLine(flags: FlagSet): string {
  return plainFlagLines(flags.all());
}

function plainFlagLines(flags: readonly Flag[]): string {
  const lines = flags.map(plainFlagLine);
  const width = Math.max(0, ...lines.map(([names]) => names.length));
  return lines.map(([names, usage]) => `${names.padEnd(width)}   ${usage}\n`).join("");
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
