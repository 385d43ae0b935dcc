/**
 * Endpoints as users write them: `host:port`, `http://host:port`, `https://host:port`, `unix:path`,
 * `unix://path`, `unixs://path`.
 *
 * Source: etcd client/v3/internal/endpoint/endpoint.go, client/v3/client.go (authority).
 */
import { GoUrlError, parseGoUrl } from "../stdx/go-url.ts";

/** Whether TLS is used: always, never, or when the client has TLS settings. */
export type Security = "require" | "drop" | "optional";

export interface ClientEndpoint {
  /** As it was given. */
  readonly text: string;
  /** Where to connect: `host:port`, or `unix:path`. */
  readonly address: string;
  /**
   * What the server's certificate is checked against, with the port where there is one; also the `:authority` of
   * every call.
   */
  readonly serverName: string;
  readonly security: Security;
}

/** Never fails: what cannot be understood is tried as an address, and connecting tells what is wrong. */
export function parseEndpoint(text: string): ClientEndpoint {
  const unix = /^(unixs?):(?:\/\/)?(.*)$/s.exec(text);
  if (unix !== null) {
    const [, scheme, path] = unix;
    const serverName = path.replace(/\/+$/, "").split("/").at(-1) ?? "";
    const security = scheme === "unixs" ? "require" : "optional";
    return { text, address: `unix:${path}`, serverName, security };
  }
  const url = text.includes("://") ? parseGoUrl(text) : undefined;
  if (url === undefined || url instanceof GoUrlError) {
    return { text, address: text, serverName: text, security: "optional" };
  }
  if (url.scheme === "http" || url.scheme === "https") {
    const security = url.scheme === "https" ? "require" : "drop";
    return { text, address: url.host, serverName: url.host, security };
  }
  return { text, address: text, serverName: url.host, security: "optional" };
}

/** The name of the server in requests and log lines: the endpoint without its scheme. */
export function endpointAuthority(text: string): string {
  const at = text.indexOf("://");
  return at < 0 ? text.replace(/^unixs?:/, "") : text.slice(at + 3);
}
