/**
 * help: the page of the command that the arguments name.
 *
 * Source: spf13/cobra (InitDefaultHelpCmd).
 */
import { goBackquote } from "../../stdx/go-quote.ts";
import { FlagError } from "../pflag.ts";
import { usagePage } from "../usage.ts";
import type { EtcdctlCall, EtcdctlCommand, Session } from "./session.ts";
import { ETCDCTL_VERSION } from "./version.ts";

export function runHelp(session: Session, call: EtcdctlCall): void {
  let root: EtcdctlCommand = call.command;
  while (root.parent !== undefined) root = root.parent;
  const found = root.find(call.args);
  if (found instanceof FlagError) {
    const topics = call.args.map(goBackquote).join(" ");
    session.io.error(`Unknown help topic [${topics}]\n`);
  }
  const isKnown = !(found instanceof FlagError);
  const command = isKnown ? found.command : root;
  session.io.out(usagePage(command, ETCDCTL_VERSION, isKnown));
}
