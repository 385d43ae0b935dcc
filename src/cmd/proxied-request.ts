/** Requests over HTTP and HTTPS as a client, directly or by way of an HTTP proxy. */
import http from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import tls from "node:tls";
import { RESPONSE_BYTES_MAX } from "./limits.ts";

export interface ProxiedRequest {
  readonly method: "GET" | "PUT";
  readonly url: URL;
  /** Sent as a form. */
  readonly form?: string;
  readonly proxy: URL | undefined;
  /** Milliseconds without a byte; forever when absent. */
  readonly timeoutMs?: number;
  readonly signal: AbortSignal;
}

export interface ProxiedResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

/** Sends a request. Rejects when there is no whole answer. */
export async function sendRequest(request: ProxiedRequest): Promise<ProxiedResponse> {
  const { url, proxy } = request;
  if (proxy === undefined) return exchange(request, url, {});
  if (url.protocol === "http:") return exchange(request, proxy, { path: url.href });
  const socket = await tunnel(proxy, url, request.signal);
  return exchange(request, url, {
    createConnection: () => tls.connect({ socket, servername: url.hostname }),
  });
}

function exchange(
  { method, url, form, timeoutMs, signal }: ProxiedRequest,
  to: URL,
  options: http.RequestOptions,
): Promise<ProxiedResponse> {
  const client = to.protocol === "https:" ? https : http;
  const headers: http.OutgoingHttpHeaders = { host: url.host };
  if (form !== undefined) headers["content-type"] = "application/x-www-form-urlencoded";
  return new Promise((resolve, reject) => {
    const sent = client.request(to, { method, headers, signal, ...options }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > RESPONSE_BYTES_MAX) sent.destroy(new Error("the answer is too large"));
      });
      response.on("error", reject);
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    sent.on("error", reject);
    if (timeoutMs !== undefined) {
      sent.setTimeout(timeoutMs, () => sent.destroy(new Error("context deadline exceeded")));
    }
    sent.end(form);
  });
}

/** A connection through the proxy to the host of `url`. */
function tunnel(proxy: URL, url: URL, signal: AbortSignal): Promise<Socket> {
  const target = `${url.hostname}:${url.port === "" ? "443" : url.port}`;
  return new Promise((resolve, reject) => {
    const asked = http.request(proxy, { method: "CONNECT", path: target, signal });
    asked.on("connect", (response, socket) => {
      if (response.statusCode === 200) resolve(socket);
      else reject(new Error(`the proxy answers ${response.statusCode}`));
    });
    asked.on("error", reject);
    asked.end();
  });
}
