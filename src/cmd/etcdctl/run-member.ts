/**
 * member add, remove, update, list and promote.
 *
 * Source: etcd etcdctl/ctlv3/command/member_command.go, client/v3/cluster.go.
 */
import { parseMemberUrl } from "../../membership/member-url.ts";
import { GoNumberError, parseGoUint64 } from "../../stdx/go-number.ts";
import { goQuote } from "../../stdx/go-quote.ts";
import { GoUrlError } from "../../stdx/go-url.ts";
import type { MemberAddResponse } from "../../wire/gen/rpc.ts";
import { byteString, textOf } from "../byte-text.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { connect } from "./client-config.ts";
import { isSerializable } from "./requests.ts";
import { commandDeadlineMs, type EtcdctlCall, orExit, type Session } from "./session.ts";

export async function runMemberAdd(session: Session, call: EtcdctlCall): Promise<void> {
  const { args, flags } = call;
  if (args.length === 0) throw badArguments("member name not provided");
  if (args.length > 1) {
    const hints = args
      .filter((word) => word.toLowerCase().startsWith("http"))
      .map((word) => `, did you mean --peer-urls=${word}`);
    throw badArguments(`too many arguments${hints.join("")}`);
  }
  const given = flags.getString("peer-urls");
  if (given === "") throw badArguments("member peer urls not provided");
  const deadlineMs = commandDeadlineMs(session, call);
  const { client, printer } = await connect(session, call);
  const urls = checkedUrls(given);
  const adding = client.cluster.memberAdd(urls, flags.getBool("learner"), { deadlineMs });
  const response = await orExit(adding);
  printer.memberAdd(response);
  if (printer.form === "simple") session.io.out(environmentOf(args[0], given, response));
}

export async function runMemberRemove(session: Session, call: EtcdctlCall): Promise<void> {
  const id = memberIdOf(call);
  const deadlineMs = commandDeadlineMs(session, call);
  const { client, printer } = await connect(session, call);
  printer.memberRemove(id, await orExit(client.cluster.memberRemove(id, { deadlineMs })));
}

export async function runMemberUpdate(session: Session, call: EtcdctlCall): Promise<void> {
  const id = memberIdOf(call);
  const given = call.flags.getString("peer-urls");
  if (given === "") throw badArguments("member peer urls not provided");
  const deadlineMs = commandDeadlineMs(session, call);
  const { client, printer } = await connect(session, call);
  const updating = client.cluster.memberUpdate(id, checkedUrls(given), { deadlineMs });
  printer.memberUpdate(id, await orExit(updating));
}

export async function runMemberList(session: Session, call: EtcdctlCall): Promise<void> {
  const isLinearizable = !isSerializable(call.flags);
  const deadlineMs = commandDeadlineMs(session, call);
  const { client, printer } = await connect(session, call);
  printer.memberList(await orExit(client.cluster.memberList({ deadlineMs }, isLinearizable)));
}

export async function runMemberPromote(session: Session, call: EtcdctlCall): Promise<void> {
  const id = memberIdOf(call);
  const deadlineMs = commandDeadlineMs(session, call);
  const { client, printer } = await connect(session, call);
  printer.memberPromote(id, await orExit(client.cluster.memberPromote(id, { deadlineMs })));
}

function badArguments(message: string): ToolExit {
  return new ToolExit(ExitCode.BAD_ARGUMENTS, message);
}

function memberIdOf({ args }: EtcdctlCall): bigint {
  if (args.length !== 1) throw badArguments("member ID is not provided");
  const id = parseGoUint64(args[0], 16);
  if (id instanceof GoNumberError) {
    throw badArguments(`bad member ID arg (${id.message}), expecting ID in Hex`);
  }
  return id;
}

/** The URLs of a list, which are checked before they are sent; they go as they were given. */
function checkedUrls(list: string): string[] {
  const urls = textOf(list).split(",");
  for (const url of urls) {
    const parsed = parseMemberUrl(url);
    if (parsed instanceof GoUrlError)
      throw new ToolExit(ExitCode.ERROR, byteString(parsed.message));
  }
  return urls;
}

/** The settings with which the new member is to be started. `name` and `urls` are byte strings. */
function environmentOf(name: string, urls: string, { member, members }: MemberAddResponse): string {
  const cluster = members.flatMap((each) =>
    each.peerUrls.map((url) => {
      const shown = each.id === member?.id ? name : byteString(each.name);
      return `${shown}=${byteString(url)}`;
    }),
  );
  return (
    `\nETCD_NAME=${goQuote(name)}\n` +
    `ETCD_INITIAL_CLUSTER=${goQuote(cluster.join(","))}\n` +
    `ETCD_INITIAL_ADVERTISE_PEER_URLS=${goQuote(urls)}\n` +
    'ETCD_INITIAL_CLUSTER_STATE="existing"\n'
  );
}
