/** A request that node:http has read, as the port `HttpServerRequest`. */
import type http from "node:http";
import type { ClientPeer } from "../ports/client-peer.ts";
import type {
  BodyPatience,
  HttpBodyHandler,
  HttpField,
  HttpHeaders,
  HttpResponseStream,
  HttpServerRequest,
  HttpStreamHandler,
} from "../ports/http.ts";
import type { ByteStream } from "../ports/network.ts";
import { ServedStream } from "./served-stream.ts";
import { timedOut } from "./socket-failure.ts";
import { SocketStream } from "./tcp.ts";
import { WriteStall } from "./write-stall.ts";

/** What a request needs to know beside itself. */
export interface ServedTerms {
  readonly peer: ClientPeer;
  readonly readTimeoutMs: number;
  readonly writeTimeoutMs: number;
  /** Bytes behind a request for "websocket"; `undefined` for other requests. */
  readonly upgradeHead: Uint8Array | undefined;
}

export class ServedRequest implements HttpServerRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly host: string;
  readonly protocol: string;
  readonly secure: boolean;
  readonly peer: ClientPeer;
  onGone: (() => void) | undefined = undefined;
  readonly #message: http.IncomingMessage;
  readonly #response: http.ServerResponse;
  readonly #terms: ServedTerms;
  #isAnswered = false;

  constructor(message: http.IncomingMessage, response: http.ServerResponse, terms: ServedTerms) {
    const target = /^(?:https?:\/\/([^/?]*))?([^?]*)\??(.*)$/s.exec(message.url ?? "/");
    const [, authority, path = "", query = ""] = target ?? [];
    this.method = message.method ?? "GET";
    this.path = path === "" ? "/" : path;
    this.query = query;
    this.host = authority ?? message.headers.host ?? "";
    this.protocol = `HTTP/${message.httpVersion}`;
    this.secure = "encrypted" in message.socket;
    this.peer = terms.peer;
    this.#message = message;
    this.#response = response;
    this.#terms = terms;
    // A connection that breaks is told to whoever reads or streams; nobody else needs to know.
    message.on("error", () => undefined);
    response.on("error", () => undefined);
    response.on("close", () => {
      if (!this.#isAnswered) this.onGone?.();
    });
  }

  header = (name: string): string => {
    const value = this.#message.headers[name];
    return Array.isArray(value) ? value.join(", ") : (value ?? "");
  };

  headers(): readonly HttpField[] {
    const { rawHeaders } = this.#message;
    const fields: HttpField[] = [];
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      fields.push({ name: rawHeaders[at], value: rawHeaders[at + 1] });
    }
    return fields;
  }

  setHeader(name: string, value: string): void {
    this.#response.setHeader(name, value);
  }

  readBody(handler: HttpBodyHandler, patience: BodyPatience = "limited"): void {
    const message = this.#message;
    const { socket } = message;
    let ended = false;
    const timer = setTimeout(() => {
      if (message.isPaused() || patience === "endless") timer.refresh();
      else fail(timedOut("read", socket));
    }, this.#terms.readTimeoutMs);
    const fail = (reason: Error): void => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      message.destroy();
      handler.onFailed(reason);
    };
    message.on("data", (chunk: Uint8Array) => {
      timer.refresh();
      if (!ended) handler.onBytes(chunk);
    });
    message.on("end", () => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      handler.onEnd();
    });
    message.on("close", () => fail(new Error("unexpected EOF")));
  }

  pause(): void {
    this.#message.pause();
  }

  resume(): void {
    this.#message.resume();
  }

  respond(status: number, headers: HttpHeaders, body: Uint8Array): void {
    const response = this.#response;
    this.#isAnswered = true;
    if (response.destroyed) return;
    const stall = new WriteStall(response, this.#terms.writeTimeoutMs, () => response.destroy());
    stall.begin();
    response.on("close", () => stall.end());
    const isBare = this.method === "HEAD" && body.length === 0;
    const isBodiless = status === 204 || status === 304 || isBare;
    const length = isBodiless ? {} : { "Content-Length": String(body.length) };
    this.#writeHead(status, { ...headers, ...length });
    response.end(body);
  }

  stream(status: number, headers: HttpHeaders, handler: HttpStreamHandler): HttpResponseStream {
    this.#isAnswered = true;
    this.#writeHead(status, headers);
    this.#response.flushHeaders();
    return new ServedStream(this.#message, this.#response, this.#terms.writeTimeoutMs, handler);
  }

  upgrade(headers: HttpHeaders): ByteStream | undefined {
    const { upgradeHead } = this.#terms;
    if (upgradeHead === undefined) return undefined;
    this.#isAnswered = true;
    const { socket } = this.#message;
    let text = "HTTP/1.1 101 Switching Protocols\r\n";
    for (const [name, values] of Object.entries(headers)) {
      for (const value of typeof values === "string" ? [values] : values) {
        text += `${name}: ${value}\r\n`;
      }
    }
    this.#response.detachSocket(socket);
    socket.setTimeout(0);
    socket.write(`${text}\r\n`, "latin1");
    if (upgradeHead.length > 0) socket.unshift(upgradeHead);
    return new SocketStream(socket);
  }

  destroy(): void {
    this.#isAnswered = true;
    this.#message.socket.destroy();
  }

  #writeHead(status: number, headers: HttpHeaders): void {
    const response = this.#response;
    // Go keeps HTTP/1.1 connections open without saying so.
    response.removeHeader("Connection");
    const asksForEnd = /(?:^|,)\s*close\s*(?:,|$)/i.test(this.header("connection"));
    if (asksForEnd || !this.#isWhole()) response.setHeader("Connection", "close");
    const all: Record<string, string | string[]> = {};
    for (const [name, value] of Object.entries(headers)) {
      all[name] = typeof value === "object" ? [...value] : value;
    }
    response.writeHead(status, all);
  }

  /** Whether nothing more of the request can follow: node:http says so of a bare head only a moment later. */
  #isWhole(): boolean {
    const { complete, headers } = this.#message;
    const isBare = headers["transfer-encoding"] === undefined;
    return complete || (isBare && (headers["content-length"] ?? "0") === "0");
  }
}
