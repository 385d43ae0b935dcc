/** Where a URL of --listen-client-urls or --listen-peer-urls says to listen. */
import type { StreamAddress } from "../ports/network.ts";
import { GoUrlError, splitHostPort } from "../stdx/go-url.ts";
import type { ServerUrl } from "./config/server-url.ts";
import { StartError } from "./start/start-error.ts";

function listenAddressOf(url: ServerUrl): StreamAddress {
  if (url.scheme === "unix" || url.scheme === "unixs") {
    return { kind: "unix", path: `${url.host}${url.path}` };
  }
  const parts = splitHostPort(url.host);
  if (parts instanceof GoUrlError)
    throw new StartError(`cannot listen on ${url.text}: ${parts.message}`);
  // Go takes the first IPv4 address of the only name that is allowed; Node.js would take the first of any kind.
  const host = parts.host === "localhost" ? "127.0.0.1" : parts.host;
  return { kind: "tcp", host, port: Number(parts.port) };
}

/** An address to listen on, and whether who connects there speaks TLS. */
export interface ListenPlace {
  readonly address: StreamAddress;
  readonly encryption: "none" | "tls" | "either";
}

/** The addresses of `urls`. One that is named with and without TLS is one place. */
export function listenPlacesOf(urls: readonly ServerUrl[]): readonly ListenPlace[] {
  const places = new Map<string, ListenPlace>();
  for (const url of urls) {
    const address = listenAddressOf(url);
    const encryption = url.scheme === "https" || url.scheme === "unixs" ? "tls" : "none";
    // Every port 0 is another one.
    const isAny = address.kind === "tcp" && address.port === 0;
    const key = isAny ? url.text : JSON.stringify(address);
    const other = places.get(key)?.encryption ?? encryption;
    places.set(key, { address, encryption: other === encryption ? encryption : "either" });
  }
  return [...places.values()];
}
