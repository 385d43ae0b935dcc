/**
 * elect: leads with a proposal until a signal comes, or watches who leads.
 *
 * Source: etcd etcdctl/ctlv3/command/elect_command.go.
 */
import type { Client } from "../../client/client.ts";
import { Election } from "../../client/election.ts";
import { openSession } from "../../client/session.ts";
import { EtcdError } from "../../errors/etcd-error.ts";
import { bytesFromLatin1 } from "../../stdx/bytes.ts";
import { createRangeResponse } from "../../wire/gen/rpc.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { connect } from "./client-config.ts";
import type { Printer } from "./printer.ts";
import { interruption, untilEnd } from "./run-lock.ts";
import { type EtcdctlCall, orExit, type Session } from "./session.ts";

export async function runElect(session: Session, call: EtcdctlCall): Promise<void> {
  const { args, flags } = call;
  if (args.length !== 1 && args.length !== 2) {
    throw badArguments("elect takes one election name argument and an optional proposal argument");
  }
  const { client, printer } = await connect(session, call);
  const [name, proposal] = args;
  const isListening = flags.getBool("listen");
  if (proposal === undefined) {
    if (!isListening) throw badArguments("no proposal argument but -l not set");
    await observe(session, client, printer, name);
  } else {
    if (isListening) throw badArguments("proposal given but -l is set");
    await lead(session, client, printer, name, proposal);
  }
}

function badArguments(message: string): ToolExit {
  return new ToolExit(ExitCode.BAD_ARGUMENTS, message);
}

async function observe(
  session: Session,
  client: Client,
  printer: Printer,
  name: string,
): Promise<void> {
  const lease = await orExit(openSession(client));
  const election = new Election(client, lease, bytesFromLatin1(name));
  const { signal } = interruption(session);
  try {
    for await (const { header, kv } of election.observe({ signal })) {
      printer.get(createRangeResponse({ header, kvs: [kv] }), false);
    }
  } catch (error) {
    // Why the watch has ended is not told.
    if (!(error instanceof EtcdError)) throw error;
  }
  if (!signal.aborted) throw new ToolExit(ExitCode.ERROR, "elect: observer lost");
}

async function lead(
  session: Session,
  client: Client,
  printer: Printer,
  name: string,
  proposal: string,
): Promise<void> {
  const lease = await orExit(openSession(client));
  const election = new Election(client, lease, bytesFromLatin1(name));
  const interrupted = interruption(session);
  const { signal } = interrupted;
  const { key } = await orExit(election.campaign(bytesFromLatin1(proposal), { signal }));
  printer.get(await orExit(client.kv.range({ key }, { signal })), false);
  await untilEnd(interrupted, lease, "elect: session expired");
  await orExit(election.resign());
}
