/** Where a URL of --listen-client-urls or --listen-peer-urls says to listen. */
import type { StreamAddress } from "../ports/network.ts";
import { GoUrlError, splitHostPort } from "../stdx/go-url.ts";
import type { ServerUrl } from "./server-url.ts";
import { StartError } from "./start-error.ts";

export function listenAddressOf(url: ServerUrl): StreamAddress {
  if (url.scheme === "unix") return { kind: "unix", path: `${url.host}${url.path}` };
  if (url.scheme !== "http") {
    throw new StartError(`cannot listen on ${url.text}: TLS is not supported by this version`);
  }
  const parts = splitHostPort(url.host);
  if (parts instanceof GoUrlError)
    throw new StartError(`cannot listen on ${url.text}: ${parts.message}`);
  // Go takes the first IPv4 address of the only name that is allowed; Node.js would take the first of any kind.
  const host = parts.host === "localhost" ? "127.0.0.1" : parts.host;
  return { kind: "tcp", host, port: Number(parts.port) };
}
