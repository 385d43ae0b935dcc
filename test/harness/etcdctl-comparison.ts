/** Command lines of etcdctl run by one tool against one server, ready to be compared with those of another. */
import path from "node:path";
import { openClient } from "../../src/client/client.ts";
import { socketConnector } from "../../src/cmd/socket-connector.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { systemRandom } from "../../src/platform/random.ts";
import type { EtcdProcess } from "./etcd-process.ts";
import type { CommandLine } from "./etcdctl-commands.ts";
import { LEASES_THERE } from "./etcdctl-fixed-lines.ts";
import { type ClusterIdentity, type MaskedOutcome, maskOutcome } from "./etcdctl-mask.ts";
import { type RunOptions, type RunResult, runProgram } from "./processes.ts";
import { QUIET_LOG } from "./quiet-log.ts";
import { REFERENCE } from "./reference.ts";

/** Something that runs etcdctl with these words behind its name. */
export type Tool = (args: readonly string[], options: RunOptions) => Promise<RunResult>;

export const realEtcdctl: Tool = (args, options) =>
  runProgram(path.join(REFERENCE ?? "", "etcdctl"), args, options);

/** What the cluster of `server` is known by. */
export async function identify(server: EtcdProcess, deadPort: number): Promise<ClusterIdentity> {
  const { stdout } = await realEtcdctl(
    [`--endpoints=${server.endpoint}`, "member", "list", "-w", "fields"],
    {},
  );
  const field = (name: string): bigint => {
    return BigInt(new RegExp(`"${name}" : (\\d+)`).exec(stdout.toString())?.[1] ?? 0);
  };
  return {
    clusterId: field("ClusterID"),
    memberId: field("MemberID"),
    endpoint: server.endpoint,
    peer: server.peer,
    dead: `127.0.0.1:${deadPort}`,
  };
}

/** Makes leases, which etcdctl cannot: it never chooses an id. Without `leases`, those that lines name. */
export async function grantLeases(
  { endpoint }: EtcdProcess,
  leases: readonly (readonly [id: bigint, ttl: number])[] = LEASES_THERE,
): Promise<void> {
  const client = await openClient({
    endpoints: [endpoint],
    connector: socketConnector(undefined),
    clock: systemClock,
    random: systemRandom,
    log: QUIET_LOG,
  });
  for (const [id, ttl] of leases) await client.lease.grant({ id, ttl });
  client.close();
}

/** Runs `line` against the server of `identity`. */
export async function maskedOutcome(
  tool: Tool,
  line: CommandLine,
  identity: ClusterIdentity,
  timeoutMs?: number,
): Promise<MaskedOutcome> {
  const fill = (text: string): string =>
    text
      .replaceAll("{endpoint}", identity.endpoint)
      .replaceAll("{member}", identity.memberId.toString(16))
      .replaceAll("{dead}", identity.dead);
  const environment = Object.fromEntries(
    Object.entries(line.environment ?? {}).map(([name, value]) => [name, fill(value)]),
  );
  const input = Buffer.from(line.input ?? "");
  const result = await tool(line.args.map(fill), {
    input,
    environment,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  return maskOutcome(result, identity);
}

export function isSameOutcome(a: MaskedOutcome, b: MaskedOutcome): boolean {
  return a.code === b.code && a.stdout === b.stdout && a.stderr === b.stderr;
}

export function describeOutcomes(
  line: CommandLine,
  real: MaskedOutcome,
  ours: MaskedOutcome,
): string {
  const show = ({ code, stdout, stderr }: MaskedOutcome): string =>
    `code ${code}\n  stdout ${JSON.stringify(stdout)}\n  stderr ${JSON.stringify(stderr)}`;
  return `${JSON.stringify(line)}\n  real: ${show(real)}\n  ours: ${show(ours)}`;
}
