/**
 * One request of the gateway from its body to the end of its answer. The body is one JSON value, or, where the
 * method takes a stream, one after the other as they come; what follows the value of a single request is not
 * looked at. The answer is one JSON object, or a line for each message of a stream.
 *
 * Source: grpc-gateway v1 runtime (handler.go) and the code that it generates; etcd api/etcdserverpb/gw (3.5).
 */
import { GrpcCode } from "../../errors/codes.ts";
import type { GrpcMetadata } from "../../http2/grpc-metadata.ts";
import type { HttpResponseStream, HttpServerRequest } from "../../ports/http.ts";
import { bytesFromUtf8 } from "../../stdx/bytes.ts";
import { JsonScanner, type JsonTape } from "../../stdx/go-json-scanner.ts";
import { JsonError } from "../../stdx/json.ts";
import type { MethodInfo } from "../../wire/codec.ts";
import { jsonFromMessage } from "../../wire/json.ts";
import { messageFromTape } from "../../wire/json-input.ts";
import type { CallOrigin, InnerCall, InnerCallEvents, InnerCalls } from "../inner-call.ts";
import { answerError, answerHeaders, streamErrorLine, streamLine } from "./answers.ts";
import { originFault } from "./call-origin.ts";
import { httpStatusOf } from "./http-status.ts";
import { JSON_BYTES_PER_MESSAGE_BYTE } from "./limits.ts";

/** What an exchange needs of a request: a connection that speaks websocket has it, too. */
export type GatewayRequest = Pick<
  HttpServerRequest,
  "onGone" | "readBody" | "pause" | "resume" | "respond" | "stream"
>;

export type GatewayMethod = MethodInfo<object, object>;

/**
 * What becomes of the body of a request: it is read, there is nothing left of it, or it has no end, so that its
 * first value is the whole of it where a method takes one.
 * Differs from etcd: over websocket it waits for the end of the body there too, when nobody is left to answer.
 */
export type BodyState = "unread" | "gone" | "unending";

export class GatewayExchange implements InnerCallEvents {
  readonly #calls: InnerCalls;
  readonly #request: GatewayRequest;
  readonly #method: GatewayMethod;
  readonly #origin: CallOrigin;
  readonly #onOver: () => void;
  readonly #scanner = new JsonScanner();
  #call: InnerCall | undefined;
  /** Messages that were sent. */
  #sent = 0;
  #isBodyOver = false;
  #isUnending = false;
  #headers: GrpcMetadata | undefined;
  #answer: string | undefined;
  #stream: HttpResponseStream | undefined;
  #isOver = false;

  /** `onOver` is called once, when everything is. */
  constructor(
    calls: InnerCalls,
    request: GatewayRequest,
    method: GatewayMethod,
    origin: CallOrigin,
    onOver: () => void,
  ) {
    this.#calls = calls;
    this.#request = request;
    this.#method = method;
    this.#origin = origin;
    this.#onOver = onOver;
  }

  start(body: BodyState): void {
    this.#isUnending = body === "unending";
    this.#request.onGone = () => this.#gone();
    if (this.#method.clientStreaming && !this.#open()) return;
    if (body === "gone") {
      this.#finishBody();
      return;
    }
    const handler = {
      onBytes: (bytes: Uint8Array) => this.#onBytes(bytes),
      onEnd: () => this.#finishBody(),
      onFailed: () => this.#gone(),
    };
    this.#request.readBody(handler, this.#method.clientStreaming ? "endless" : "limited");
  }

  // --- What the call tells -------------------------------------------------------------------------------

  onHeaders(metadata: GrpcMetadata): void {
    this.#headers = metadata;
  }

  onMessage(message: Uint8Array): void {
    const { response, serverStreaming } = this.#method;
    const json = jsonFromMessage(response, response.decode(message));
    if (!serverStreaming) {
      this.#answer = json;
      return;
    }
    const hasRoom = this.#openStream().write([streamLine(json)]);
    if (!hasRoom) this.#call?.pause();
  }

  onEnd(code: number, text: string): void {
    if (this.#isOver) return;
    if (this.#method.serverStreaming) this.#endStream(code, text);
    else if (code !== GrpcCode.OK || this.#answer === undefined) this.#fail(code, text);
    else {
      this.#finish();
      const headers = answerHeaders(this.#headers);
      this.#request.respond(200, headers, bytesFromUtf8(this.#answer));
    }
  }

  onWanted(): void {
    this.#request.resume();
    this.#sendStreamed();
  }

  // --- The body ------------------------------------------------------------------------------------------

  #onBytes(bytes: Uint8Array): void {
    if (this.#isOver || this.#isBodyOver) return;
    const length = this.#scanner.pendingBytes + bytes.length;
    const { messageBytesMax } = this.#calls;
    if (length > messageBytesMax * JSON_BYTES_PER_MESSAGE_BYTE) {
      const text = `grpc: received message larger than max (${length} vs. ${messageBytesMax})`;
      this.#fail(GrpcCode.ResourceExhausted, text);
      return;
    }
    this.#scanner.push(bytes);
    if (this.#method.clientStreaming) this.#sendStreamed();
    else if (this.#isUnending) this.#sendSingle();
  }

  #finishBody(): void {
    if (this.#isOver || this.#isBodyOver) return;
    this.#scanner.finish();
    if (this.#method.clientStreaming) this.#sendStreamed();
    else this.#sendSingle();
  }

  /** Sends the request of a call that has one, once it is there. */
  #sendSingle(): void {
    const { request } = this.#method;
    let message: Uint8Array;
    try {
      const tape = this.#scanner.next();
      if (tape === "more") return;
      message = tape === "end" ? request.encode(request.create()) : this.#encoded(tape);
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      this.#fail(GrpcCode.InvalidArgument, error.message);
      return;
    }
    if (!this.#open()) return;
    this.#call?.send(message);
    this.#closeSend();
  }

  /** Sends what there is, as far as the service wants it. */
  #sendStreamed(): void {
    const call = this.#call;
    while (call !== undefined && !this.#isOver && !this.#isBodyOver) {
      if (!call.wanted) {
        this.#request.pause();
        return;
      }
      let message: Uint8Array;
      try {
        const tape = this.#scanner.next();
        if (tape === "more") return;
        if (tape === "end") break;
        message = this.#encoded(tape);
      } catch (error) {
        if (!(error instanceof JsonError)) throw error;
        if (this.#sent > 0) break;
        this.#fail(GrpcCode.Unknown, error.message);
        return;
      }
      this.#sent++;
      call.send(message);
    }
    this.#closeSend();
  }

  #encoded(tape: JsonTape): Uint8Array {
    const { request } = this.#method;
    return request.encode(messageFromTape(request, tape));
  }

  #closeSend(): void {
    this.#isBodyOver = true;
    this.#call?.closeSend();
  }

  /** Starts the call; false when it was refused. */
  #open(): boolean {
    const fault = originFault(this.#origin);
    if (fault !== undefined) {
      this.#fail(fault.code, fault.message);
      return false;
    }
    this.#call = this.#calls.start(this.#method.path, this.#origin, this);
    return true;
  }

  // --- The answer ----------------------------------------------------------------------------------------

  #openStream(): HttpResponseStream {
    // Whoever has sent nothing is not told the headers of the call.
    const isTold = this.#sent > 0 || !this.#method.clientStreaming;
    this.#stream ??= this.#request.stream(200, answerHeaders(isTold ? this.#headers : undefined), {
      onWritable: () => this.#call?.resume(),
      onClosed: () => this.#gone(),
    });
    return this.#stream;
  }

  #endStream(code: number, text: string): void {
    if (code !== GrpcCode.OK && this.#stream === undefined) {
      if (this.#headers === undefined) {
        this.#fail(code, text);
        return;
      }
      this.#finish();
      const headers = answerHeaders(this.#headers);
      this.#request.respond(httpStatusOf(code), headers, streamErrorLine(code, text));
      return;
    }
    const stream = this.#openStream();
    this.#finish();
    if (code !== GrpcCode.OK) stream.write([streamErrorLine(code, text)]);
    stream.end();
  }

  #fail(code: number, text: string): void {
    const call = this.#call;
    const stream = this.#stream;
    this.#finish();
    call?.cancel();
    if (stream === undefined) {
      answerError(this.#request, code, text);
      return;
    }
    stream.write([streamErrorLine(code, text)]);
    stream.end();
  }

  /** The client went away. */
  #gone(): void {
    if (this.#isOver) return;
    this.#finish();
    this.#call?.cancel();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver();
  }
}
