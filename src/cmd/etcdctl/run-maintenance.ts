/**
 * alarm list, alarm disarm, defrag and move-leader.
 *
 * Source: etcd etcdctl/ctlv3/command/{alarm,defrag,move_leader}_command.go.
 */
import { GoNumberError, parseGoUint64 } from "../../stdx/go-number.ts";
import { textOf } from "../byte-text.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { clientConfig, connect, endpointsOf, openWith } from "./client-config.ts";
import { clusterEndpoints, endpointLine, messageOf } from "./cluster-endpoints.ts";
import { commandDeadlineMs, type EtcdctlCall, orExit, type Session, withFiles } from "./session.ts";

export async function runAlarmList(session: Session, call: EtcdctlCall): Promise<void> {
  refuseArguments("alarm list", call);
  const deadlineMs = commandDeadlineMs(session, call);
  const { client, printer } = await connect(session, call);
  printer.alarms(await orExit(client.maintenance.alarmList({ deadlineMs })));
}

export async function runAlarmDisarm(session: Session, call: EtcdctlCall): Promise<void> {
  refuseArguments("alarm disarm", call);
  const deadlineMs = commandDeadlineMs(session, call);
  const { client, printer } = await connect(session, call);
  printer.alarms(await orExit(client.maintenance.alarmDisarm(undefined, { deadlineMs })));
}

function refuseArguments(command: string, { args }: EtcdctlCall): void {
  if (args.length === 0) return;
  throw new ToolExit(ExitCode.BAD_ARGUMENTS, `${command} command accepts no arguments`);
}

export async function runDefrag(session: Session, call: EtcdctlCall): Promise<void> {
  const dataDir = call.flags.getString("data-dir");
  if (dataDir !== "") {
    session.io.error(
      "Use `etcdutl defrag` instead. The --data-dir is going to be decomissioned in v3.6.\n\n",
    );
    const { runOfflineDefrag } = await import("../defrag-command.ts");
    await runOfflineDefrag(await withFiles(session), dataDir);
    return;
  }
  const { client, config } = await connect(session, call);
  let isAnyMissing = false;
  const endpoints = await clusterEndpoints(session, call, config);
  for (const [at, endpoint] of endpoints.entries()) {
    const deadlineMs = commandDeadlineMs(session, call);
    const line = endpointLine(session, "Defragmenting", endpoint, at, endpoints.length);
    try {
      await client.maintenance.defragment(textOf(endpoint), { deadlineMs });
      line.end();
      session.io.out(`Finished defragmenting etcd member[${endpoint}]\n`);
    } catch (error) {
      line.end();
      isAnyMissing = true;
      const reason = messageOf(error);
      session.io.error(`Failed to defragment etcd member[${endpoint}] (${reason})\n`);
    }
  }
  if (isAnyMissing) throw new ToolExit(ExitCode.ERROR, undefined);
}

export async function runMoveLeader(session: Session, call: EtcdctlCall): Promise<void> {
  const { args, flags } = call;
  if (args.length !== 1) {
    throw new ToolExit(ExitCode.BAD_ARGUMENTS, "move-leader command needs 1 argument");
  }
  const targetId = parseGoUint64(args[0], 16);
  if (targetId instanceof GoNumberError) {
    throw new ToolExit(ExitCode.BAD_ARGUMENTS, targetId.message);
  }
  const { printer } = await connect(session, call);
  const endpoints = await endpointsOf(session, flags);
  const config = clientConfig(session, flags);
  const deadlineMs = commandDeadlineMs(session, call);
  for (const endpoint of endpoints) {
    // Asked of any other member than the leader, the leadership stays where it is.
    const { maintenance } = await openWith(session, [endpoint], config);
    const status = await orExit(maintenance.status(textOf(endpoint), { deadlineMs }));
    if (status.header?.memberId !== status.leader) continue;
    const response = await orExit(maintenance.moveLeader(targetId, { deadlineMs }));
    printer.moveLeader(status.leader, targetId, response);
    return;
  }
  const shown = `[${endpoints.join(" ")}]`;
  throw new ToolExit(ExitCode.BAD_ARGUMENTS, `no leader endpoint given at ${shown}`);
}
