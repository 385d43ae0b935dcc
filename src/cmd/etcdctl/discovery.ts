/**
 * Endpoints from DNS: the SRV records `_etcd-client-ssl._tcp.domain` and `_etcd-client._tcp.domain`.
 *
 * Source: etcd client/pkg/srv/srv.go (GetClient).
 */
import dns from "node:dns/promises";
import { byteString } from "../byte-text.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";

const SERVICE = "etcd-client";

/** The endpoints of `domain` as URLs; `suffix` tells apart several clusters of one domain. */
export async function discoverEndpoints(domain: string, suffix: string): Promise<string[]> {
  const end = suffix === "" ? "" : `-${suffix}`;
  const secure = await lookUp(`_${SERVICE}-ssl${end}._tcp.${domain}`, "https");
  const plain = await lookUp(`_${SERVICE}${end}._tcp.${domain}`, "http");
  if (typeof secure === "string" && typeof plain === "string") {
    const message = `dns lookup errors: ${secure} and ${plain}`;
    throw new ToolExit(ExitCode.ERROR, byteString(message));
  }
  return [secure, plain].flatMap((found) => (typeof found === "string" ? [] : found));
}

/** The endpoints behind one name, by priority and weight; or why there are none. */
async function lookUp(name: string, scheme: string): Promise<string[] | string> {
  // Nobody is asked about what cannot be a name.
  if (!isDomainName(name)) return `lookup ${name}: no such host`;
  try {
    const records = await dns.resolveSrv(name);
    records.sort((a, b) => a.priority - b.priority || b.weight - a.weight);
    return records.map((record) => `${scheme}://${record.name}.:${record.port}`);
  } catch (error) {
    const server = dns.getServers()[0] ?? "127.0.0.1";
    const isMissing = ["ENOTFOUND", "ENODATA"].includes(
      (error as NodeJS.ErrnoException).code ?? "",
    );
    const problem = isMissing ? "no such host" : "server misbehaving";
    return `lookup ${name} on ${server}:53: ${problem}`;
  }
}

/** Bytes of a name, without the dot that may end it, and of one part of it. */
const NAME_BYTES_MAX = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;

/** Whether DNS could know `name`. Source: Go net/dnsclient.go (isDomainName). */
function isDomainName(name: string): boolean {
  const text = name.endsWith(".") ? name.slice(0, -1) : name;
  return text.length <= NAME_BYTES_MAX && text.split(".").every((label) => LABEL.test(label));
}
