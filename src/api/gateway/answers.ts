/**
 * Answers of the JSON gateway: messages, errors, and errors within a stream.
 *
 * Source: grpc-gateway v1 runtime (errors.go, handler.go), internal/errors.proto, internal/stream_chunk.proto.
 */
import type { GrpcMetadata } from "../../http2/grpc-metadata.ts";
import type { HttpHeaders, HttpServerRequest } from "../../ports/http.ts";
import { base64FromBytes } from "../../stdx/base64.ts";
import { bytesFromUtf8 } from "../../stdx/bytes.ts";
import { goJsonString } from "../../stdx/json.ts";
import { httpStatusOf, httpStatusText } from "./http-status.ts";

const JSON_TYPE = { "Content-Type": "application/json" };

/** The headers of an answer to a call whose own headers are `metadata`; `undefined` when it had none. */
export function answerHeaders(metadata: GrpcMetadata | undefined): HttpHeaders {
  if (metadata === undefined) return JSON_TYPE;
  const headers: Record<string, string | readonly string[]> = {
    ...JSON_TYPE,
    "Grpc-Metadata-Content-Type": "application/grpc",
  };
  for (const { name, value } of metadata) {
    const text = typeof value === "string" ? value : base64FromBytes(value);
    const key = `Grpc-Metadata-${name.replace(/(^|-)[a-z]/g, (unit) => unit.toUpperCase())}`;
    headers[key] = [headers[key] ?? [], text].flat();
  }
  return headers;
}

/** Ends a request with what is not success. */
export function answerError(
  request: Pick<HttpServerRequest, "respond">,
  code: number,
  text: string,
): void {
  request.respond(httpStatusOf(code), JSON_TYPE, bytesFromUtf8(errorBody(code, text)));
}

/** As everything in jsonpb, members with defaults are left out. */
function errorBody(code: number, text: string): string {
  const shown = text === "" ? undefined : goJsonString(text);
  const members = [
    ...(shown === undefined ? [] : [`"error":${shown}`]),
    ...(code === 0 ? [] : [`"code":${code}`]),
    ...(shown === undefined ? [] : [`"message":${shown}`]),
  ];
  return `{${members.join(",")}}`;
}

/** The last line of a stream that ends with an error; it has no line end. */
export function streamErrorLine(code: number, text: string): Uint8Array {
  const status = httpStatusOf(code);
  const message = text === "" ? "" : `"message":${goJsonString(text)},`;
  const http = `"http_status":${goJsonString(httpStatusText(status))}`;
  return bytesFromUtf8(`{"error":{"grpc_code":${code},"http_code":${status},${message}${http}}}`);
}

/** One line of a stream. */
export function streamLine(json: string): Uint8Array {
  return bytesFromUtf8(`{"result":${json}}\n`);
}
