/** Where a URL of --listen-client-urls says to listen. */
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
  return { kind: "tcp", host: parts.host, port: Number(parts.port) };
}
