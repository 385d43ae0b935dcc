/**
 * member list.
 *
 * Source: etcd etcdctl/ctlv3/command/member_command.go.
 */
import { connect } from "./client-config.ts";
import { commandDeadlineMs, type EtcdctlCall, orExit, type Session } from "./session.ts";

export async function runMemberList(session: Session, call: EtcdctlCall): Promise<void> {
  const deadlineMs = commandDeadlineMs(session, call);
  const { client, printer } = await connect(session, call);
  printer.memberList(await orExit(client.cluster.memberList({ deadlineMs })));
}
