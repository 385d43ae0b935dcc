/**
 * Servers from DNS for the proxies: SRV records of `etcd-client-ssl` and `etcd-client` below a domain. Unless
 * that is waived, only those that prove themselves by TLS are used.
 *
 * Source: etcd client/pkg/srv/srv.go (GetClient), server/etcdmain/util.go, client/pkg/transport/tls.go.
 */
import fs from "node:fs";
import { dial } from "../../platform/socket-dial.ts";
import { createSrvLookup } from "../../platform/srv-lookup.ts";
import type { Log } from "../../ports/log.ts";
import type { SrvRecord } from "../../ports/network.ts";
import { goQuote } from "../../stdx/go-quote.ts";

export interface DiscoveryFlags {
  readonly domain: string;
  readonly serviceName: string;
  readonly trustedCaFile: string;
  readonly acceptsInsecure: boolean;
}

export interface DiscoveredServer extends SrvRecord {
  /** As a URL. */
  readonly endpoint: string;
}

/** The servers of a domain; none when there is no domain. Fails when DNS knows none. */
export async function discoverServers(
  flags: DiscoveryFlags,
  log: Log,
): Promise<DiscoveredServer[] | Error> {
  const { domain, serviceName, acceptsInsecure } = flags;
  if (domain === "") return [];
  const suffix = serviceName === "" ? "" : `-${serviceName}`;
  const secure = await lookUp(`_etcd-client-ssl${suffix}._tcp.${domain}`, "https");
  const plain = await lookUp(`_etcd-client${suffix}._tcp.${domain}`, "http");
  if (secure instanceof Error && plain instanceof Error) {
    return new Error(`dns lookup errors: ${secure.message} and ${plain.message}`);
  }
  const found = [secure, plain].flatMap((each) => (each instanceof Error ? [] : each));
  const fields = { "srv-server": domain, endpoints: found.map(({ endpoint }) => endpoint) };
  log.info("discovered cluster from SRV", fields);
  if (acceptsInsecure) return found;
  log.info("validating discovered SRV endpoints", fields);
  return validated(flags, found, log);
}

function lookUp(name: string, scheme: string): Promise<DiscoveredServer[] | Error> {
  return new Promise((resolve) => {
    createSrvLookup()(name, (result) => {
      if (result instanceof Error) {
        resolve(result);
        return;
      }
      const sorted = result.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight);
      resolve(
        sorted.map((record) => {
          const target = record.target.replace(/\.$/, "");
          return { ...record, target, endpoint: `${scheme}://${target}:${record.port}` };
        }),
      );
    });
  });
}

async function validated(
  { domain, trustedCaFile }: DiscoveryFlags,
  found: readonly DiscoveredServer[],
  log: Log,
): Promise<DiscoveredServer[]> {
  const ca = trustedCaFile === "" ? undefined : fs.readFileSync(trustedCaFile, "utf8");
  const tls = {
    serverName: domain,
    insecureSkipVerify: false,
    ca,
    cert: undefined,
    key: undefined,
  };
  const good: DiscoveredServer[] = [];
  const errors: string[] = [];
  for (const server of found) {
    if (!server.endpoint.startsWith("https://")) {
      errors.push(`${goQuote(server.endpoint)} is insecure`);
      continue;
    }
    try {
      (await dial(`${server.target}:${server.port}`, tls)).destroy();
      good.push(server);
    } catch (error) {
      errors.push(error instanceof Error ? error.message : String(error));
    }
  }
  const fields = { "srv-server": domain, endpoints: good.map(({ endpoint }) => endpoint) };
  if (errors.length === 0) log.info("using validated discovered SRV endpoints", fields);
  else {
    const error = errors.join(",");
    log.warn("failed to validate discovered endpoints", { ...fields, error });
  }
  return good;
}
