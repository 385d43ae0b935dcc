/** SRV records, from the name servers of this machine. */
import dns from "node:dns";
import type { SrvLookup } from "../ports/network.ts";

/**
 * Asks `servers` ("address" or "address:port"), or those of the machine when none are given. Failures are
 * worded as Go's resolver words them.
 */
export function createSrvLookup(servers: readonly string[] = []): SrvLookup {
  return (name, done) => {
    const resolver = new dns.Resolver({ timeout: QUERY_TIMEOUT_MS, tries: 2 });
    if (servers.length > 0) resolver.setServers(servers);
    resolver.resolveSrv(name, (error, records) => {
      if (error === null) {
        done(records.map(({ name: target, ...others }) => ({ target, ...others })));
        return;
      }
      const reason = REASONS[error.code ?? ""] ?? "server misbehaving";
      done(new Error(`lookup ${name} on ${withPort(resolver.getServers()[0])}: ${reason}`));
    });
  };
}

/** As Go's resolver waits for a name server by default. */
const QUERY_TIMEOUT_MS = 5000;
const DNS_PORT = 53;

function withPort(server: string | undefined): string {
  const shown = server ?? "127.0.0.1";
  return /:\d+$/.test(shown) ? shown : `${shown}:${DNS_PORT}`;
}

const REASONS: { readonly [code: string]: string } = {
  ENOTFOUND: "no such host",
  ENODATA: "no such host",
  EBADNAME: "no such host",
  ETIMEOUT: "i/o timeout",
  ECONNREFUSED: "read: connection refused",
};
