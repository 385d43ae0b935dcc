/**
 * What the header list of a request asks for, decided once per distinct list.
 *
 *   violation  the list is malformed as HTTP: stream error PROTOCOL_ERROR
 *   refusal    well formed, but the call ends at once with this status
 *   plain      not gRPC
 *   call       a gRPC call with its handler
 *
 * Source: RFC 9113 section 8.3; gRPC over HTTP/2 "Requests"; order and texts of the refusals of grpc-go
 * internal/transport/http2_server.go and server.go.
 */
import { GrpcCode } from "../errors/codes.ts";
import { goQuote } from "../stdx/go-quote.ts";
import { decodeBinaryValue } from "./grpc-metadata.ts";
import type { GrpcMethodHandler } from "./grpc-server-types.ts";
import { parseGrpcTimeout } from "./grpc-timeout.ts";
import type { HeaderBlock } from "./header-block.ts";
import { FieldKind, type HeaderField, isPseudo } from "./header-field.ts";
import type { GrpcServerConfig } from "./options.ts";

export interface Refusal {
  readonly httpStatus: number;
  readonly code: number;
  readonly message: string;
  /** Sent along so that a client learns which encodings it may use. */
  readonly acceptEncoding?: string;
}

export class RequestHead {
  readonly fields: readonly HeaderField[];
  method = "";
  scheme = "";
  path = "";
  authority = "";
  /** Of the request, lower case as it should be. */
  contentType = "";
  /** The content type of the answer: grpc-go repeats the subtype. */
  responseType = "application/grpc";
  /** grpc-encoding; empty for none. */
  encoding = "";
  /** Relative, in milliseconds; `Infinity` for none. */
  timeoutMs = Number.POSITIVE_INFINITY;
  /** content-length; -1 for none. */
  bodyBytes = -1;
  handler: GrpcMethodHandler | undefined = undefined;
  kind: "violation" | "refusal" | "plain" | "call" = "call";
  /** Present for "refusal". */
  refusal: Refusal | undefined = undefined;
  /** Present for "violation". */
  violation = "";

  constructor(fields: readonly HeaderField[]) {
    this.fields = fields;
  }
}

const GRPC_TYPE = "application/grpc";

/** The head of a header list, remembered with it. */
export function requestHead(block: HeaderBlock, config: GrpcServerConfig): RequestHead {
  if (block.note instanceof RequestHead) return block.note;
  const head = new RequestHead(block.fields);
  block.note = head;
  head.violation = httpViolation(block.fields);
  const fault = head.violation === "" ? readFields(head) : undefined;
  if (head.violation !== "") {
    head.kind = "violation";
    return head;
  }
  const subtype = grpcSubtype(head.contentType);
  if (isPlain(head, config)) {
    head.kind = "plain";
    return head;
  }
  if (subtype !== undefined && subtype !== "") head.responseType = `${GRPC_TYPE}+${subtype}`;
  head.refusal = fault ?? refusalOf(head, subtype, config);
  if (head.refusal !== undefined) head.kind = "refusal";
  return head;
}

/** Whether a request is not for gRPC. Source: etcd server/embed/serve.go (grpcHandlerFunc). */
function isPlain({ contentType }: RequestHead, config: GrpcServerConfig): boolean {
  if (config.onPlainRequest === undefined) return false;
  return config.isPlainOnly === true || !contentType.includes(GRPC_TYPE);
}

/** What of RFC 9113 sections 8.2 and 8.3 the list violates; empty when nothing. */
function httpViolation(fields: readonly HeaderField[]): string {
  let seen = 0;
  let regular = false;
  let connect = false;
  for (const { kind, name, value, wellFormed } of fields) {
    if (!wellFormed) return `invalid header field ${goQuote(name)}`;
    if (isPseudo(kind)) {
      if (regular) return `pseudo header ${name} after regular ones`;
      if (kind === FieldKind.STATUS || kind === FieldKind.OTHER_PSEUDO) {
        return `invalid pseudo header ${goQuote(name)}`;
      }
      if ((seen & (1 << kind)) !== 0) return `duplicate pseudo header ${name}`;
      seen |= 1 << kind;
      if (kind === FieldKind.METHOD) connect = value === "CONNECT";
      if (kind === FieldKind.PATH && value === "") return "empty :path";
    } else {
      regular = true;
      if (kind === FieldKind.CONNECTION) return `connection-specific header ${name}`;
      if (kind === FieldKind.TE && value !== "trailers") return `invalid value of te: ${value}`;
    }
  }
  const needed = connect
    ? 1 << FieldKind.METHOD
    : (1 << FieldKind.METHOD) | (1 << FieldKind.SCHEME) | (1 << FieldKind.PATH);
  return (seen & needed) === needed ? "" : "missing pseudo header";
}

/** Fills `head`; a value that cannot be read refuses the call. The last of several faults counts. */
function readFields(head: RequestHead): Refusal | undefined {
  let fault: Refusal | undefined;
  let hosts = 0;
  for (const { kind, name, value } of head.fields) {
    if (kind === FieldKind.METHOD) head.method = value;
    else if (kind === FieldKind.SCHEME) head.scheme = value;
    else if (kind === FieldKind.PATH) head.path = value;
    else if (kind === FieldKind.AUTHORITY) head.authority = value;
    else if (kind === FieldKind.CONTENT_TYPE) head.contentType = value;
    else if (kind === FieldKind.GRPC_ENCODING) head.encoding = value;
    else if (kind === FieldKind.HOST) {
      hosts++;
      if (head.authority === "") head.authority = value;
    } else if (kind === FieldKind.CONTENT_LENGTH) {
      if (!/^\d{1,15}$/.test(value)) head.violation = `invalid content-length ${goQuote(value)}`;
      else head.bodyBytes = Number(value);
    } else if (kind === FieldKind.GRPC_TIMEOUT) {
      const timeoutMs = parseGrpcTimeout(value);
      if (typeof timeoutMs === "number") head.timeoutMs = timeoutMs;
      else fault = badRequest(`malformed grpc-timeout: ${timeoutMs}`);
    } else if (kind === FieldKind.BINARY) {
      const decoded = decodeBinaryValue(value);
      if (typeof decoded === "number") {
        fault = badRequest(
          `malformed binary metadata ${goQuote(value)} in header ${goQuote(name)}: ` +
            `illegal base64 data at input byte ${decoded}`,
        );
      }
    }
  }
  if (hosts > 1) {
    fault = badRequest(
      `num values of :authority: 1, num values of host: ${hosts}, ` +
        "both must only have 1 value as per HTTP/2 spec",
    );
  }
  return fault;
}

/** The refusals of a well-formed list, first come first. */
function refusalOf(
  head: RequestHead,
  subtype: string | undefined,
  config: GrpcServerConfig,
): Refusal | undefined {
  if (subtype === undefined) {
    return {
      httpStatus: 415,
      code: GrpcCode.InvalidArgument,
      message: `invalid gRPC request content-type ${goQuote(head.contentType)}`,
    };
  }
  if (head.method !== "POST") {
    return {
      httpStatus: 405,
      code: GrpcCode.Internal,
      message: `Received a HEADERS frame with :method ${goQuote(head.method)} which should be POST`,
    };
  }
  if (head.timeoutMs <= 0) {
    return {
      httpStatus: 200,
      code: GrpcCode.DeadlineExceeded,
      message: "context deadline exceeded",
    };
  }
  head.handler = config.lookup(head.path);
  if (head.handler === undefined) return unimplemented(unknownMethod(head.path, config));
  if (head.encoding === "" || head.encoding === "identity") return undefined;
  if (head.encoding === "gzip" && config.inflate !== undefined) return undefined;
  return {
    ...unimplemented(
      `grpc: Decompressor is not installed for grpc-encoding ${goQuote(head.encoding)}`,
    ),
    acceptEncoding: config.inflate === undefined ? "identity" : "identity,gzip",
  };
}

function unknownMethod(path: string, config: GrpcServerConfig): string {
  const name = path.startsWith("/") ? path.slice(1) : path;
  const slash = name.lastIndexOf("/");
  if (slash < 0) return `malformed method name: ${goQuote(path)}`;
  const service = name.slice(0, slash);
  if (config.knowsService?.(service) !== true) return `unknown service ${service}`;
  return `unknown method ${name.slice(slash + 1)} for service ${service}`;
}

/** The part of a gRPC content type behind `+` or `;`; `undefined` when it is no gRPC content type. */
function grpcSubtype(contentType: string): string | undefined {
  if (contentType === GRPC_TYPE) return "";
  if (!contentType.startsWith(GRPC_TYPE)) return undefined;
  const separator = contentType[GRPC_TYPE.length];
  return separator === "+" || separator === ";"
    ? contentType.slice(GRPC_TYPE.length + 1)
    : undefined;
}

function badRequest(message: string): Refusal {
  return { httpStatus: 400, code: GrpcCode.Internal, message };
}

function unimplemented(message: string): Refusal {
  return { httpStatus: 200, code: GrpcCode.Unimplemented, message };
}
