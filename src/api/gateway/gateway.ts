/**
 * The JSON gateway: every method of the services as a POST of JSON under `/v3/`. Requests become calls of the
 * services of this process, through the same guards as calls from outside; no socket lies between.
 *
 * Source: grpc-gateway v1 runtime (mux.go), etcd server/embed/serve.go (registerGateway; 3.5).
 */
import { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import type { HttpServerRequest } from "../../ports/http.ts";
import { formFault } from "../../stdx/go-query.ts";
import { utf8FromBytes } from "../../stdx/bytes.ts";
import type { MethodInfo } from "../../wire/codec.ts";
import * as services from "../../wire/gen/services.ts";
import { answerFailure } from "../http/answers.ts";
import { readWholeBody } from "../http/whole-body.ts";
import type { InnerCalls } from "../inner-call.ts";
import { answerError } from "./answers.ts";
import { originOf, type OriginRequest } from "./call-origin.ts";
import {
  type BodyState,
  GatewayExchange,
  type GatewayMethod,
  type GatewayRequest,
} from "./exchange.ts";
import { GATEWAY_CALLS_MAX, JSON_BYTES_PER_MESSAGE_BYTE } from "./limits.ts";
import { openWebSocket, type Sha1 } from "./websocket-request.ts";

/** The type of a body whose method another header may change. */
const FORM_TYPE = "application/x-www-form-urlencoded";

export class JsonGateway {
  readonly #calls: InnerCalls;
  readonly #sha1: Sha1;
  readonly #methods: ReadonlyMap<string, GatewayMethod>;
  readonly #runningMax: number;
  /** Those that wait for their turn, in the order in which they came. */
  readonly #waiting = new Set<() => void>();
  #running = 0;

  /**
   * `sha1` is for handshakes of websocket. Of all calls at most `runningMax` run at the same time, as many as one
   * connection has streams (0: no bound): etcd's gateway is one client of its server. The others wait.
   */
  constructor(calls: InnerCalls, sha1: Sha1, runningMax: number) {
    this.#calls = calls;
    this.#sha1 = sha1;
    this.#runningMax = runningMax === 0 ? Number.POSITIVE_INFINITY : runningMax;
    this.#methods = methodsByPath();
  }

  /** Answers a request, which is about `path` (unescaped, with today's names). */
  serve(request: HttpServerRequest, path: string): void {
    const socket = openWebSocket(request, this.#sha1);
    if (socket !== undefined) {
      if (socket !== "refused") this.#serveSocket(socket, path);
      return;
    }
    const override = request.header("x-http-method-override");
    const isForm = request.method === "POST" && request.header("content-type") === FORM_TYPE;
    if (override !== "" && isForm) this.#serveForm(request, path, override.toUpperCase());
    else this.#route(request, path, request.method, "unread");
  }

  /** Another header says the method. Where bodies are forms, the body is read as one, and lost. */
  #serveForm(request: HttpServerRequest, path: string, method: string): void {
    if (method !== "POST" && method !== "PUT" && method !== "PATCH") {
      this.#serveParsed(request, path, method, undefined);
      return;
    }
    const bytesMax = this.#calls.messageBytesMax * JSON_BYTES_PER_MESSAGE_BYTE;
    readWholeBody(request, bytesMax, (body) => {
      if (body === undefined) answerFailure(request, 400, "http: POST too large");
      else this.#serveParsed(request, path, method, formFault(utf8FromBytes(body)));
    });
  }

  #serveParsed(
    request: HttpServerRequest,
    path: string,
    method: string,
    bodyFault: string | undefined,
  ): void {
    const fault = bodyFault ?? formFault(request.query);
    if (fault === undefined) this.#route(request, path, method, "gone");
    else answerFailure(request, 400, fault);
  }

  #route(request: HttpServerRequest, path: string, verb: string, body: BodyState): void {
    const method = this.#methods.get(path);
    if (method === undefined) answerFailure(request, 404, "Not Found");
    else if (verb !== "POST") answerFailure(request, 405, "Method Not Allowed");
    else this.#begin(request, method, body);
  }

  #serveSocket(socket: GatewayRequest & OriginRequest, path: string): void {
    const method = this.#methods.get(path);
    if (method === undefined) answerFailure(socket, 404, "Not Found");
    else this.#begin(socket, method, "unending");
  }

  #begin(request: GatewayRequest & OriginRequest, method: GatewayMethod, body: BodyState): void {
    const origin = originOf(request, this.#calls.clock.nowMs());
    const open = this.#running + this.#waiting.size;
    const refused = open >= GATEWAY_CALLS_MAX ? Errors.TooManyRequests : origin;
    if (refused instanceof EtcdError) {
      answerError(request, refused.code, refused.message);
      return;
    }
    const run = (): void => {
      this.#running++;
      new GatewayExchange(this.#calls, request, method, refused, this.#onOver).start(body);
    };
    if (this.#running < this.#runningMax) {
      run();
      return;
    }
    this.#waiting.add(run);
    request.onGone = () => this.#waiting.delete(run);
  }

  readonly #onOver = (): void => {
    this.#running--;
    // Not from within the end of another call.
    if (this.#waiting.size > 0) this.#calls.clock.defer(() => this.#runNext());
  };

  #runNext(): void {
    for (const run of this.#waiting) {
      if (this.#running >= this.#runningMax) return;
      this.#waiting.delete(run);
      run();
    }
  }
}

function methodsByPath(): ReadonlyMap<string, GatewayMethod> {
  const methods = new Map<string, GatewayMethod>();
  for (const service of Object.values(services)) {
    for (const method of Object.values<MethodInfo<object, object>>(service)) {
      for (const path of method.gatewayPaths) methods.set(path, method);
    }
  }
  return methods;
}
