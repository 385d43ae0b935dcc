/** A page that a member serves over HTTP, beside gRPC. */
import { readTls, type TlsFlags } from "../tls-config.ts";

/** Bytes of a page that are read; the metrics of a member are some hundred kilobytes. */
const PAGE_BYTES_MAX = 16 * 1024 * 1024;

/** A page as it was answered. */
export interface Page {
  readonly status: number;
  /** The body, as a byte string. */
  readonly text: string;
  /** What the server's clock said, if it told. */
  readonly date: string | undefined;
}

/** Who asks for a page that is served on another listener, or by no such version, is told this status. */
export const NOT_FOUND = 404;

/** `page` of the member behind `endpoint`, by its scheme, or by TLS where there are settings for it. */
export function endpointPage(
  endpoint: string,
  page: string,
  flags: TlsFlags,
  timeoutMs: number,
): Promise<Page> {
  const scheme = readTls(flags) === undefined ? "http" : "https";
  const base = /^https?:\/\//.test(endpoint) ? endpoint : `${scheme}://${endpoint}`;
  return fetchPage(new URL(page, base).href, flags, Math.max(timeoutMs, 1));
}

/** A URL without a name and password that somebody may have put into it. */
export function shownEndpoint(text: string): string {
  return text.replace(/\/\/[^/@\s]*@/g, "//***@");
}

/** Asks with GET. After `timeoutMs`, where given, it has failed. Errors: those of the connection. */
export function fetchPage(url: string, flags: TlsFlags, timeoutMs?: number): Promise<Page> {
  const isSecure = url.startsWith("https://");
  const { get } = process.getBuiltinModule(isSecure ? "node:https" : "node:http");
  const tls = isSecure ? readTls(flags) : undefined;
  const options = {
    agent: false,
    rejectUnauthorized: tls?.insecureSkipVerify !== true,
    ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls?.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls?.key === undefined ? {} : { key: tls.key }),
    ...(timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) }),
  };
  return new Promise((resolve, reject) => {
    const request = get(url, options, (response) => {
      let text = "";
      response.setEncoding("latin1");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > PAGE_BYTES_MAX) request.destroy(new Error("body too large"));
      });
      const { statusCode: status = 0, headers } = response;
      response.on("end", () => resolve({ status, text, date: headers.date }));
      response.on("error", reject);
    });
    request.on("error", reject);
  });
}
