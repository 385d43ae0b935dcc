/**
 * Help about any command.
 *
 * Source: spf13/cobra (InitDefaultHelpCmd, help template).
 */
import { FlagError } from "../pflag.ts";
import { plainUsagePage } from "../usage.ts";
import type { BenchmarkCall, BenchmarkCommand, BenchmarkSession } from "./session.ts";

/** What a command is for, and how it is used. */
export function helpPage(command: BenchmarkCommand): string {
  const { long, short } = command.spec;
  return `${(long ?? short).trimEnd()}\n\n${plainUsagePage(command)}`;
}

export function runHelp({ io }: BenchmarkSession, call: BenchmarkCall): void {
  let root: BenchmarkCommand = call.command;
  while (root.parent !== undefined) root = root.parent;
  const found = root.find(call.args);
  if (found instanceof FlagError) {
    const topics = call.args.map((word) => `\`${word}\``).join(" ");
    io.error(`Unknown help topic [${topics}]\n${plainUsagePage(root, false)}`);
    return;
  }
  io.out(helpPage(found.command));
}
