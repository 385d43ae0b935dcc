/**
 * endpoint health, endpoint status and endpoint hashkv.
 *
 * Source: etcd etcdctl/ctlv3/command/ep_command.go.
 */
import type { Client } from "../../client/client.ts";
import { Errors } from "../../errors/table.ts";
import { bytesFromLatin1 } from "../../stdx/bytes.ts";
import { formatGoDuration } from "../../stdx/go-duration.ts";
import { type AlarmMember, AlarmType } from "../../wire/gen/rpc.ts";
import { byteString, textOf } from "../byte-text.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { type ClientConfig, clientConfig, connect, openWith, printerOf } from "./client-config.ts";
import { clusterEndpoints, endpointLine, messageOf } from "./cluster-endpoints.ts";
import { setFlagsFromEnvironment } from "./environment.ts";
import type { EndpointHash, EndpointHealth, EndpointStatus } from "./printer.ts";
import { safeNumber } from "./requests.ts";
import { commandDeadlineMs, type EtcdctlCall, type Session } from "./session.ts";
import { readTls } from "../tls-config.ts";

/** The key that is read to see whether the cluster answers. Any would do. */
const PROBE_KEY = bytesFromLatin1("health");

export async function runEndpointHealth(session: Session, call: EtcdctlCall): Promise<void> {
  const { flags, command } = call;
  setFlagsFromEnvironment(command.inheritedFlags, session.io, session.clock);
  const printer = await printerOf(session, flags);
  const config = clientConfig(session, flags);
  const endpoints = await clusterEndpoints(session, call, config);
  // A file that cannot be read is a bad argument, not an unhealthy endpoint.
  readTls(config.tls);
  // Listed as they answer, so that a slow endpoint comes last.
  const list: EndpointHealth[] = [];
  const probes = endpoints.map(async (endpoint) => {
    list.push(await probeEndpoint(session, call, config, endpoint));
  });
  await Promise.all(probes);
  printer.endpointHealth(list);
  if (list.some(({ error }) => error !== "")) {
    throw new ToolExit(ExitCode.ERROR, "unhealthy cluster");
  }
}

/** Whether the cluster can be read through `endpoint`, and what its alarms say. */
export async function probeEndpoint(
  session: Session,
  call: EtcdctlCall,
  config: ClientConfig,
  endpoint: string,
): Promise<EndpointHealth> {
  let client: Client;
  try {
    client = await openWith(session, [endpoint], config, "client");
  } catch (error) {
    if (!(error instanceof ToolExit)) throw error;
    return { endpoint, isHealthy: false, took: "", error: error.shown ?? "" };
  }
  const startedMs = session.clock.nowMs();
  const deadlineMs = commandDeadlineMs(session, call);
  let error = "";
  try {
    await client.kv.range({ key: PROBE_KEY }, { deadlineMs });
  } catch (failure) {
    // A user without the right to read the key was refused by a cluster that works.
    if (failure !== Errors.PermissionDenied) error = messageOf(failure);
  }
  const tookNs = BigInt(Math.round((session.clock.nowMs() - startedMs) * 1e6));
  const took = byteString(formatGoDuration(tookNs));
  if (error === "") error = await alarmsOf(client, deadlineMs);
  return { endpoint, isHealthy: error === "", took, error };
}

/** What is wrong by the alarms of the cluster; empty when nothing is. */
async function alarmsOf(client: Client, deadlineMs: number): Promise<string> {
  try {
    const { alarms } = await client.maintenance.alarmList({ deadlineMs });
    if (alarms.length === 0) return "";
    return `Active Alarm(s): ${alarms.map((alarm) => `${alarmName(alarm)} `).join("")}`;
  } catch {
    // Why is not told; the endpoint has just answered another question.
    return "Unable to fetch the alarm list";
  }
}

function alarmName({ alarm }: AlarmMember): string {
  if (alarm === AlarmType.NOSPACE) return "NOSPACE";
  return alarm === AlarmType.CORRUPT ? "CORRUPT" : "UNKNOWN";
}

export async function runEndpointStatus(session: Session, call: EtcdctlCall): Promise<void> {
  const { client, printer, config } = await connect(session, call);
  const list: EndpointStatus[] = [];
  let isAnyMissing = false;
  for (const endpoint of await clusterEndpoints(session, call, config)) {
    const deadlineMs = commandDeadlineMs(session, call);
    try {
      const status = await client.maintenance.status(textOf(endpoint), { deadlineMs });
      list.push({ endpoint, status });
    } catch (error) {
      isAnyMissing = true;
      const message = `Failed to get the status of endpoint ${endpoint} (${messageOf(error)})\n`;
      session.io.error(message);
    }
  }
  printer.endpointStatus(list);
  if (isAnyMissing) throw new ToolExit(ExitCode.ERROR, undefined);
}

export async function runEndpointHashKv(session: Session, call: EtcdctlCall): Promise<void> {
  const { client, printer, config } = await connect(session, call);
  const revision = safeNumber(call.flags.getInteger("rev"));
  const list: EndpointHash[] = [];
  let failure: string | undefined;
  const endpoints = await clusterEndpoints(session, call, config);
  for (const [at, endpoint] of endpoints.entries()) {
    const deadlineMs = commandDeadlineMs(session, call);
    const line = endpointLine(session, "Hashing the keys of", endpoint, at, endpoints.length);
    try {
      const hashKv = await client.maintenance.hashKv(textOf(endpoint), revision, { deadlineMs });
      line.end();
      list.push({ endpoint, hashKv });
    } catch (error) {
      line.end();
      failure = messageOf(error);
      session.io.error(`Failed to get the hash of endpoint ${endpoint} (${failure})\n`);
    }
  }
  printer.endpointHashKv(list);
  if (failure !== undefined) throw new ToolExit(ExitCode.ERROR, failure);
}
