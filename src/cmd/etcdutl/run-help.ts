/**
 * help: the page of the command that the arguments name.
 *
 * Source: spf13/cobra (InitDefaultHelpCmd).
 */
import { goBackquote } from "../../stdx/go-quote.ts";
import { FlagError } from "../pflag.ts";
import { plainUsagePage } from "../usage.ts";
import type { EtcdutlCall, EtcdutlCommand, UtlSession } from "./session.ts";

export function runHelp({ io }: UtlSession, call: EtcdutlCall): void {
  let root: EtcdutlCommand = call.command;
  while (root.parent !== undefined) root = root.parent;
  const found = root.find(call.args);
  if (found instanceof FlagError) {
    const topics = call.args.map(goBackquote).join(" ");
    io.error(`Unknown help topic [${topics}]\n${plainUsagePage(root, false)}`);
    return;
  }
  io.out(plainUsagePage(found.command));
}
