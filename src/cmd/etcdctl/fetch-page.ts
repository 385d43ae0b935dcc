/** A page that a member serves over HTTP, beside gRPC. */
import { readTls, type TlsFlags } from "./tls-config.ts";

/** Bytes of a page that are read; the metrics of a member are some hundred kilobytes. */
const PAGE_BYTES_MAX = 16 * 1024 * 1024;

/** A page as it was answered. */
export interface Page {
  readonly status: number;
  /** The body, as a byte string. */
  readonly text: string;
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
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    request.on("error", reject);
  });
}
