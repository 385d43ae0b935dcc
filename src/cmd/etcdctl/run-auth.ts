/**
 * auth enable, disable and status.
 *
 * Source: etcd etcdctl/ctlv3/command/auth_command.go.
 */
import type { CallOptions } from "../../client/call-options.ts";
import type { Client } from "../../client/client.ts";
import { Errors } from "../../errors/table.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { authPrinter } from "./auth-printer.ts";
import { connect } from "./client-config.ts";
import { commandDeadlineMs, type EtcdctlCall, orExit, type Session } from "./session.ts";

export async function runAuthEnable(session: Session, call: EtcdctlCall): Promise<void> {
  refuseArguments("enable", call);
  const deadlineMs = commandDeadlineMs(session, call);
  const { client } = await connect(session, call);
  await orExit(enable(client, { deadlineMs }));
  session.io.out("Authentication Enabled\n");
}

/** Enables authentication; where the user root lacks the role root, it is given to him first. */
async function enable({ auth }: Client, options: CallOptions): Promise<void> {
  for (;;) {
    try {
      await auth.enable(options);
      return;
    } catch (error) {
      if (error !== Errors.RootRoleNotExist) throw error;
      await auth.roleAdd("root", options);
      await auth.userGrantRole("root", "root", options);
    }
  }
}

export async function runAuthDisable(session: Session, call: EtcdctlCall): Promise<void> {
  refuseArguments("disable", call);
  const deadlineMs = commandDeadlineMs(session, call);
  const { client } = await connect(session, call);
  await orExit(client.auth.disable({ deadlineMs }));
  session.io.out("Authentication Disabled\n");
}

export async function runAuthStatus(session: Session, call: EtcdctlCall): Promise<void> {
  refuseArguments("status", call);
  const deadlineMs = commandDeadlineMs(session, call);
  const { client, printer } = await connect(session, call);
  const response = await orExit(client.auth.status({ deadlineMs }));
  authPrinter(printer.form, session.io).status(response);
}

function refuseArguments(command: string, { args }: EtcdctlCall): void {
  if (args.length === 0) return;
  const message = `auth ${command} command does not accept any arguments`;
  throw new ToolExit(ExitCode.BAD_ARGUMENTS, message);
}
