/**
 * The endpoints that a command asks one after the other.
 *
 * Source: etcd etcdctl/ctlv3/command/ep_command.go (endpointsFromCluster).
 */
import { BusyLine, secondsText } from "../busy-line.ts";
import { byteString } from "../byte-text.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { type ClientConfig, endpointsOf, openWith } from "./client-config.ts";
import { commandDeadlineMs, type EtcdctlCall, failWith, type Session } from "./session.ts";

/**
 * The endpoints of the flag, or with `--cluster` the client URLs of all members, as a quorum knows them or, with
 * `linearizable` false, as one of them does.
 */
export async function clusterEndpoints(
  session: Session,
  call: EtcdctlCall,
  config: ClientConfig,
  linearizable = true,
): Promise<readonly string[]> {
  const { flags } = call;
  if (!flags.getBool("cluster")) return flags.getStrings("endpoints");
  const endpoints = await endpointsOf(session, flags);
  // As the user: since 3.5.28 nobody is told who the members are while authentication is enabled.
  const client = await openWith(session, endpoints, config).catch((error: unknown) => {
    // Whatever is wrong, it is the list that could not be had.
    if (error instanceof ToolExit) throw new ToolExit(ExitCode.ERROR, error.shown);
    throw error;
  });
  try {
    const deadlineMs = commandDeadlineMs(session, call);
    const { members } = await client.cluster.memberList({ deadlineMs }, linearizable);
    return members.flatMap((member) => member.clientUrls.map(byteString));
  } catch (error) {
    const reason = "failed to fetch endpoints from etcd cluster member list";
    if (error instanceof Error) {
      throw new ToolExit(ExitCode.ERROR, `${reason}: ${byteString(error.message)}`);
    }
    return failWith(error);
  } finally {
    client.close();
  }
}

/** A line about what is done with one of several endpoints, which may take long; for a person at a terminal. */
export function endpointLine(
  { io, clock }: Session,
  what: string,
  endpoint: string,
  at: number,
  count: number,
): BusyLine {
  const which = count === 1 ? "" : ` (${at + 1} of ${count})`;
  return new BusyLine(io, clock, (seconds) => {
    return `${what} ${endpoint}${which}, ${secondsText(seconds)}`;
  });
}

/** What an error says, as a byte string. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return byteString(error.message);
  throw error;
}
