/**
 * lease grant, revoke, timetolive, list and keep-alive.
 *
 * Source: etcd etcdctl/ctlv3/command/lease_command.go.
 */
import { GoNumberError, parseGoInt64 } from "../../stdx/go-number.ts";
import { byteString } from "../byte-text.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { connect } from "./client-config.ts";
import { leasePrinter, leaseText } from "./lease-printer.ts";
import { safeNumber } from "./requests.ts";
import { commandDeadlineMs, type EtcdctlCall, failWith, type Session } from "./session.ts";

function badArguments(message: string): ToolExit {
  return new ToolExit(ExitCode.BAD_ARGUMENTS, message);
}

function leaseIdOf(text: string): bigint {
  const id = parseGoInt64(text, 16);
  if (id instanceof GoNumberError) {
    throw badArguments(`bad lease ID arg (${id.message}), expecting ID in Hex`);
  }
  return id;
}

/** Waits for `request`; ends the tool with its error, worded by `shown`. */
async function orFail<T>(request: Promise<T>, shown: (message: string) => string): Promise<T> {
  try {
    return await request;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ToolExit(ExitCode.ERROR, shown(byteString(error.message)));
  }
}

/** Waits for `request`, whose error is told as that of a bad connection, whatever it is. */
async function orBadConnection<T>(request: Promise<T>): Promise<T> {
  try {
    return await request;
  } catch (error) {
    return failWith(error, ExitCode.BAD_CONNECTION);
  }
}

export async function runLeaseGrant(session: Session, call: EtcdctlCall): Promise<void> {
  const { args } = call;
  if (args.length !== 1) throw badArguments("lease grant command needs TTL argument");
  const ttl = parseGoInt64(args[0], 10);
  if (ttl instanceof GoNumberError) throw badArguments(`bad TTL (${ttl.message})`);
  const deadlineMs = commandDeadlineMs(session, call);
  const { client, printer } = await connect(session, call);
  const granting = client.lease.grant({ ttl: safeNumber(ttl) }, { deadlineMs });
  const response = await orFail(granting, (message) => `failed to grant lease (${message})`);
  leasePrinter(printer.form, session.io).grant(response);
}

export async function runLeaseRevoke(session: Session, call: EtcdctlCall): Promise<void> {
  const { args } = call;
  if (args.length !== 1) throw badArguments("lease revoke command needs 1 argument");
  const id = leaseIdOf(args[0]);
  const deadlineMs = commandDeadlineMs(session, call);
  const { client, printer } = await connect(session, call);
  const revoking = client.lease.revoke(id, { deadlineMs });
  const response = await orFail(revoking, (message) => `failed to revoke lease (${message})`);
  leasePrinter(printer.form, session.io).revoke(id, response);
}

export async function runLeaseTimeToLive(session: Session, call: EtcdctlCall): Promise<void> {
  const { args, flags } = call;
  if (args.length !== 1) {
    throw badArguments("lease timetolive command needs lease ID as argument");
  }
  const keys = flags.getBool("keys");
  const { client, printer } = await connect(session, call);
  const id = leaseIdOf(args[0]);
  const response = await orBadConnection(client.lease.timeToLive({ id, keys }));
  leasePrinter(printer.form, session.io).timeToLive(response, keys);
}

export async function runLeaseList(session: Session, call: EtcdctlCall): Promise<void> {
  const { client, printer } = await connect(session, call);
  const response = await orBadConnection(client.lease.leases());
  leasePrinter(printer.form, session.io).leases(response);
}

export async function runLeaseKeepAlive(session: Session, call: EtcdctlCall): Promise<void> {
  const { args, flags } = call;
  if (args.length !== 1) {
    throw badArguments("lease keep-alive command needs lease ID as argument");
  }
  const id = leaseIdOf(args[0]);
  const { client, printer } = await connect(session, call);
  const leases = leasePrinter(printer.form, session.io);
  if (flags.getBool("once")) {
    leases.keepAlive(await orBadConnection(client.lease.keepAliveOnce(id)));
    return;
  }
  const keeper = client.lease.keepAlive(id);
  for (;;) {
    // Why the lease was lost is not told.
    const renewal = await keeper.next().catch(() => undefined);
    if (renewal === undefined) break;
    leases.keepAlive(renewal);
  }
  if (printer.form === "simple") session.io.out(`lease ${leaseText(id)} expired or revoked.\n`);
}
