/**
 * The members of a new cluster from DNS: each SRV record of `_etcd-server-ssl._tcp.<domain>` and
 * `_etcd-server._tcp.<domain>` is a member. The one whose address this member advertises is this member; the
 * others are called 0, 1, 2, because DNS does not know their names.
 *
 * Source: etcd client/pkg/srv/srv.go (GetCluster), server/embed/config.go (GetDNSClusterNames) (3.5).
 */
import type { Log } from "../../ports/log.ts";
import type { HostLookup, SrvLookup, SrvRecord } from "../../ports/network.ts";
import { GoUrlError, splitHostPort } from "../../stdx/go-url.ts";
import type { ServerUrl } from "../config/server-url.ts";

export interface SrvEnvironment {
  readonly lookUpSrv: SrvLookup;
  readonly lookUpHost: HostLookup;
  readonly log: Log;
}

/** Whose cluster is looked for, and where. */
export interface SrvQuery {
  readonly domain: string;
  /** Tells apart several clusters of one domain. */
  readonly suffix: string;
  readonly name: string;
  readonly advertised: readonly ServerUrl[];
}

/** `name=URL` of every member that DNS knows, or why it knows none. */
export async function srvCluster(
  query: SrvQuery,
  environment: SrvEnvironment,
): Promise<string[] | Error> {
  const suffix = query.suffix === "" ? "" : `-${query.suffix}`;
  const members: string[] = [];
  const errors: string[] = [];
  for (const [scheme, base] of SERVICES) {
    const service = `${base}${suffix}`;
    const found = await membersOf(query, scheme, service, environment);
    if (found instanceof Error) errors.push(found.message);
    else members.push(...found);
    environment.log.info(`get cluster for ${base} SRV`, {
      "service-scheme": scheme,
      "service-name": service,
      "server-name": query.name,
      "discovery-srv": query.domain,
      "advertise-peer-urls": query.advertised.map(({ text }) => text),
      "found-cluster": [...members],
      ...(found instanceof Error ? { error: found.message } : {}),
    });
  }
  if (errors.length > 0) {
    const fields = { error: errors.join("; ") };
    environment.log.warn("failed to resolve during SRV discovery", fields);
  }
  for (const node of members)
    environment.log.info("got bootstrap from DNS for etcd-server", { node });
  return members.length > 0 ? members : new Error(errors.join("; "));
}

const SERVICES = [
  ["https", "etcd-server-ssl"],
  ["http", "etcd-server"],
] as const;

async function membersOf(
  { domain, name, advertised }: SrvQuery,
  scheme: string,
  service: string,
  environment: SrvEnvironment,
): Promise<string[] | Error> {
  const own = new Map<string, ServerUrl>();
  for (const url of advertised) {
    const address = await addressOf(url.host, environment.lookUpHost);
    if (address instanceof Error) return address;
    own.set(address, url);
  }
  const records = await new Promise<readonly SrvRecord[] | Error>((resolve) => {
    environment.lookUpSrv(`_${service}._tcp.${domain}`, resolve);
  });
  const prefix = `error querying DNS SRV records for _${service}`;
  if (records instanceof Error) return new Error(`${prefix} ${records.message}`);
  const members: string[] = [];
  let problem: string | undefined;
  let strangers = 0;
  for (const { target, port } of [...records].sort(byPriority)) {
    const host = target.endsWith(".") ? target.slice(0, -1) : target;
    const address = await addressOf(`${host}:${port}`, environment.lookUpHost);
    if (address instanceof Error) {
      problem = address.message;
      continue;
    }
    const url = own.get(address);
    const place = `${scheme}://${host}:${port}`;
    if (url !== undefined && url.scheme !== scheme) {
      problem = `bootstrap at ${place} from DNS for ${service} has scheme mismatch with expected peer ${url.text}`;
      continue;
    }
    members.push(`${url === undefined || name === "" ? strangers++ : name}=${place}`);
  }
  if (members.length > 0) return members;
  return problem === undefined ? [] : new Error(`${prefix} ${problem}`);
}

function byPriority(a: SrvRecord, b: SrvRecord): number {
  return a.priority - b.priority || b.weight - a.weight || (a.target < b.target ? -1 : 1);
}

/** `host:port` with the address of the host. */
async function addressOf(text: string, lookUp: HostLookup): Promise<string | Error> {
  const address = splitHostPort(text);
  if (address instanceof GoUrlError) return address;
  const found = await new Promise<string | Error>((resolve) => {
    lookUp(address.host, resolve);
  });
  return found instanceof Error ? found : `${found}:${address.port}`;
}
