/**
 * The port `HttpClient` over node:http: requests and responses whose bodies come and go piece by piece, with
 * bounds on how long a connection may take to come about and how long nothing may move on it.
 */
import http from "node:http";
import type https from "node:https";
import type { Socket } from "node:net";
import type {
  HttpClient,
  HttpClientRequest,
  HttpExchange,
  HttpResponseHandler,
} from "../ports/http.ts";
import type { StreamAddress } from "../ports/network.ts";
import {
  HTTP_HEADER_BYTES_MAX,
  HTTP_IDLE_CONNECTIONS_MAX,
  HTTP_IDLE_TIMEOUT_MS,
  TCP_KEEPALIVE_MS,
} from "./limits.ts";
import { describeSocketError, dialTimedOut, timedOut } from "./socket-failure.ts";
import type { TlsDialer } from "./tls/dialer.ts";

/** What a request is made with; its URL is taken apart once, before. */
interface Target {
  readonly url: URL;
  readonly address: StreamAddress;
  readonly isSecure: boolean;
}

/**
 * A client of URLs with the schemes http, https, unix and unixs. Those that are encrypted are reached through what
 * `dialer` returns, if it is given.
 */
export function createHttpClient(dialer?: () => TlsDialer): HttpClient {
  const kept = agentsOf(KEEPS_CONNECTIONS, dialer);
  const fresh = agentsOf(KEEPS_NONE, dialer);
  return {
    request(request, handler) {
      const exchange = new Exchange(request, handler, request.reuse ? kept : fresh);
      exchange.start();
      return exchange;
    },
    close() {
      kept.plain.destroy();
      kept.madeSecure?.destroy();
    },
  };
}

const KEEPS_CONNECTIONS: http.AgentOptions = {
  keepAlive: true,
  maxFreeSockets: HTTP_IDLE_CONNECTIONS_MAX,
  timeout: HTTP_IDLE_TIMEOUT_MS,
};

/** Sends no "Connection: close" all the same, as Go does not. */
const KEEPS_NONE: http.AgentOptions = { keepAlive: true, maxFreeSockets: 0 };

/** Who opens connections, by whether they are encrypted; node:https and what it needs are loaded for the first that is. */
interface Agents {
  readonly plain: http.Agent;
  readonly secure: http.Agent;
  /** The one for those that are encrypted, if there was any. */
  readonly madeSecure: http.Agent | undefined;
}

function agentsOf(options: http.AgentOptions, dialer: (() => TlsDialer) | undefined): Agents {
  let made: http.Agent | undefined;
  return {
    plain: new http.Agent(options),
    get secure() {
      made ??= secureAgent(options, dialer);
      return made;
    },
    get madeSecure() {
      return made;
    },
  };
}

function secureAgent(
  options: http.AgentOptions,
  dialer: (() => TlsDialer) | undefined,
): http.Agent {
  const { Agent } = process.getBuiltinModule("node:https");
  const secure = new Agent(options);
  if (dialer !== undefined) {
    const createConnection = ({ host, port, socketPath }: https.RequestOptions): Socket =>
      dialer().connect(String(host), socketPath ?? Number(port));
    Object.assign(secure, { createConnection });
  }
  return secure;
}

class Exchange implements HttpExchange {
  readonly #request: HttpClientRequest;
  readonly #handler: HttpResponseHandler;
  readonly #agents: Agents;
  #outgoing: http.ClientRequest | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Nothing more is told to the handler. */
  #over = false;
  #answered = false;

  constructor(request: HttpClientRequest, handler: HttpResponseHandler, agents: Agents) {
    this.#request = request;
    this.#handler = handler;
    this.#agents = agents;
  }

  start(): void {
    const target = targetOf(this.#request.url);
    if (target instanceof Error) {
      setImmediate(() => this.#fail(target));
      return;
    }
    const { method, headers, body } = this.#request;
    const length =
      body === "streamed" || body.length === 0 ? {} : { "Content-Length": body.length };
    const { address, isSecure } = target;
    const outgoing = http.request({
      protocol: isSecure ? "https:" : "http:",
      hostname: hostOf(target.url),
      ...(address.kind === "unix" ? { socketPath: address.path } : { port: address.port }),
      path: target.url.pathname,
      method,
      headers: { ...headers, ...length },
      agent: isSecure ? this.#agents.secure : this.#agents.plain,
      maxHeaderSize: HTTP_HEADER_BYTES_MAX,
    });
    this.#outgoing = outgoing;
    outgoing.on("socket", (socket) => this.#connected(socket, outgoing, target));
    outgoing.on("response", (response) => this.#respond(response));
    outgoing.on("drain", () => {
      if (!this.#over) this.#handler.onWritable();
    });
    outgoing.on("error", (error) => this.#failed(error, outgoing, target));
    if (body === "streamed") outgoing.flushHeaders();
    else outgoing.end(body.length === 0 ? undefined : body);
  }

  write(bytes: Uint8Array): boolean {
    return this.#over || this.#outgoing === undefined || this.#outgoing.write(bytes);
  }

  end(): void {
    if (!this.#over) this.#outgoing?.end();
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#outgoing?.destroy();
  }

  #connected(socket: Socket, outgoing: http.ClientRequest, target: Target): void {
    const { connectTimeoutMs, stallTimeoutMs } = this.#request;
    const watch = (): void => {
      clearTimeout(this.#timer);
      socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
      // What moves in either direction counts; a request is not sent and answered at the same time.
      outgoing.setTimeout(stallTimeoutMs);
    };
    outgoing.on("timeout", () => this.#fail(timedOut("read", socket)));
    if (!socket.connecting) {
      watch();
      return;
    }
    const onLate = (): void => this.#fail(dialTimedOut(target.address));
    this.#timer = setTimeout(onLate, connectTimeoutMs);
    socket.once(target.isSecure ? "secureConnect" : "connect", watch);
  }

  #respond(response: http.IncomingMessage): void {
    if (this.#over) return;
    this.#answered = true;
    response.on("data", (chunk: Uint8Array) => {
      if (!this.#over) this.#handler.onBytes(chunk);
    });
    response.on("end", () => {
      if (this.#over) return;
      this.#over = true;
      this.#handler.onEnd();
    });
    response.on("error", () => this.#fail(new Error("unexpected EOF")));
    response.on("close", () => this.#fail(new Error("unexpected EOF")));
    const { headers, statusCode = 0 } = response;
    this.#handler.onResponse(statusCode, (name) => {
      const value = headers[name];
      return Array.isArray(value) ? value.join(", ") : (value ?? "");
    });
  }

  #failed(error: Error, outgoing: http.ClientRequest, target: Target): void {
    // The other side closed a kept connection while the request was on its way, most likely unread.
    const wasKept = outgoing.reusedSocket && !this.#answered && this.#request.body !== "streamed";
    if (wasKept && !this.#over) {
      clearTimeout(this.#timer);
      this.start();
      return;
    }
    this.#fail(describeSocketError(error, target.address));
  }

  #fail(reason: Error): void {
    if (this.#over) return;
    this.abort();
    this.#handler.onFailed(reason);
  }
}

/** What is dialled for a URL. */
function targetOf(text: string): Target | Error {
  if (!URL.canParse(text)) return new Error(`parse ${JSON.stringify(text)}: invalid URL`);
  const url = new URL(text);
  const scheme = url.protocol.slice(0, -1);
  const isSecure = scheme === "https" || scheme === "unixs";
  if (scheme === "unix" || scheme === "unixs") {
    // The name of the socket is a host and a port, because what follows is the path of the page.
    return { url, address: { kind: "unix", path: url.host }, isSecure };
  }
  if (scheme !== "http" && !isSecure) {
    return new Error(`unsupported protocol scheme ${JSON.stringify(scheme)}`);
  }
  const port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port);
  return { url, address: { kind: "tcp", host: hostOf(url), port }, isSecure };
}

/** An IPv6 address stands in brackets in URLs only. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}
