/**
 * `etcd gateway start`: carries connections to servers without looking into them.
 *
 * Source: etcd server/etcdmain/gateway.go.
 */
import dns from "node:dns/promises";
import { isIP } from "node:net";
import process from "node:process";
import { systemClock } from "../../platform/clock.ts";
import { DEFAULT_LOG, openLog } from "../../platform/log.ts";
import { systemRandom } from "../../platform/random.ts";
import { ServiceManager } from "../../platform/service-manager.ts";
import { dial } from "../../platform/socket-dial.ts";
import { listenOn, NetworkError, type SocketStream } from "../../platform/tcp.ts";
import { TcpForwarder } from "../../proxy/tcp/forwarder.ts";
import { type RemoteAddress, Remotes } from "../../proxy/tcp/remotes.ts";
import { goQuote } from "../../stdx/go-quote.ts";
import { GoUrlError, parseGoUrl, splitHostPort } from "../../stdx/go-url.ts";
import type { FlagSet } from "../pflag.ts";
import { discoverServers } from "./discover.ts";
import { ProxyExit } from "./proxy-exit.ts";

const NANOSECONDS_PER_MS = 1_000_000;

/** What a delay of 0 means. Source: etcd server/proxy/tcpproxy (Run). */
const RETRY_DELAY_MS_DEFAULT = 300_000;

/** Starts the gateway, which runs until the process ends. Throws `ProxyExit`. */
export async function runGateway(flags: FlagSet): Promise<void> {
  const log = openLog(DEFAULT_LOG, systemClock, "cmd/gateway.ts");
  log.info("Running: ", { args: process.argv.slice(1) });
  const discovered = await discoverServers(
    {
      domain: flags.getString("discovery-srv"),
      serviceName: flags.getString("discovery-srv-name"),
      trustedCaFile: flags.getString("trusted-ca-file"),
      acceptsInsecure: flags.getBool("insecure-discovery"),
    },
    log,
  );
  if (discovered instanceof Error) throw new ProxyExit(`${discovered.message}\n`, "stderr");
  const remotes =
    discovered.length > 0
      ? discovered.map(({ target: host, ...others }) => ({ host, ...others }))
      : flags.getStrings("endpoints").map(remoteOf);
  const listenAddress = flags.getString("listen-addr");
  const listen = splitHostPort(listenAddress);
  if (listen instanceof GoUrlError) {
    throw new ProxyExit(`failed to validate listen address: ${listenAddress}\n`, "stdout");
  }
  await refuseOneself(listen, remotes, listenAddress);
  if (remotes.length === 0) throw new ProxyExit("no endpoints found\n", "stdout");
  const retryDelay = Number(flags.getInteger("retry-delay")) / NANOSECONDS_PER_MS;
  const forwarder = await listenFor(listen.host, Number(listen.port), () => {
    return new TcpForwarder({
      remotes: new Remotes(remotes, systemRandom),
      connect: (address) => dial(address, undefined),
      clock: systemClock,
      log: log.named("proxy/tcp/forwarder.ts"),
      retryDelayMs: retryDelay === 0 ? RETRY_DELAY_MS_DEFAULT : retryDelay,
    });
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      forwarder.close();
      process.kill(process.pid, signal);
    });
  }
  await new ServiceManager(process.env["NOTIFY_SOCKET"], log).ready("proxying clients");
}

/** Listens, and only then makes the forwarder, which says that it is ready. */
async function listenFor(
  host: string,
  port: number,
  make: () => TcpForwarder,
): Promise<TcpForwarder> {
  let accept = (stream: SocketStream): void => stream.destroy();
  try {
    const address = { kind: "tcp", host: host === "" ? "::" : host, port } as const;
    await listenOn(address, (stream) => accept(stream));
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    throw new ProxyExit(`${error.message}\n`, "stderr");
  }
  const forwarder = make();
  accept = (stream) => forwarder.accept(stream);
  return forwarder;
}

/** An endpoint as it was given, maybe as a URL, of which the host counts. */
function remoteOf(given: string): RemoteAddress {
  const url = parseGoUrl(given);
  const text = url instanceof GoUrlError || url.host === "" ? given : url.host;
  const parts = splitHostPort(text);
  if (parts instanceof GoUrlError) {
    throw new ProxyExit(`error parsing endpoint ${goQuote(text)}`, "stdout");
  }
  const port = /^\d+/.exec(parts.port)?.[0] ?? "0";
  return { host: parts.host, port: Number(port), priority: 0, weight: 0 };
}

/** A gateway that carried to itself would never stop. */
async function refuseOneself(
  listen: { readonly host: string; readonly port: string },
  remotes: readonly RemoteAddress[],
  listenAddress: string,
): Promise<void> {
  const own = await addressesOf(listen.host, "failed to resolve listen host:");
  for (const { host, port } of remotes) {
    const addresses = await addressesOf(host, "failed to resolve endpoint host:");
    if (String(port) !== listen.port) continue;
    const same = addresses.find((address) => own.includes(address));
    if (same === undefined) continue;
    throw new ProxyExit(
      `SRV or endpoint (${host}:${port}->${same}:${port}) should not resolve to the gateway listen addr (${listenAddress})\n`,
      "stdout",
    );
  }
}

async function addressesOf(host: string, complaint: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    const found = await dns.lookup(host, { all: true });
    return found.map(({ address }) => address);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ProxyExit(`${complaint} ${host}\n`, "stdout");
  }
}
