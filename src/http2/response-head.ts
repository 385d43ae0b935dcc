/**
 * What the header list of a response, or its trailers, says. Decided once per distinct list.
 *
 * Source: gRPC over HTTP/2 "Responses"; texts and codes of grpc-go internal/transport/http2_client.go.
 */
import { GrpcCode } from "../errors/codes.ts";
import { goQuote } from "../stdx/go-quote.ts";
import type { GrpcStatus } from "./grpc-client-types.ts";
import { decodeGrpcMessage } from "./grpc-message.ts";
import { EMPTY_METADATA, type GrpcMetadata, visibleMetadata } from "./grpc-metadata.ts";
import type { HeaderBlock } from "./header-block.ts";
import { FieldKind, type HeaderField } from "./header-field.ts";

/** gRPC codes of HTTP statuses that a proxy may answer with. */
const CODE_OF_HTTP_STATUS: ReadonlyMap<number, number> = new Map<number, number>([
  [400, GrpcCode.Internal],
  [401, GrpcCode.Unauthenticated],
  [403, GrpcCode.PermissionDenied],
  [404, GrpcCode.Unimplemented],
  [429, GrpcCode.Unavailable],
  [502, GrpcCode.Unavailable],
  [503, GrpcCode.Unavailable],
  [504, GrpcCode.Unavailable],
]);

/** The few reason phrases that such answers have. */
const REASONS: ReadonlyMap<number, string> = new Map([
  [400, "Bad Request"],
  [401, "Unauthorized"],
  [403, "Forbidden"],
  [404, "Not Found"],
  [405, "Method Not Allowed"],
  [413, "Request Entity Too Large"],
  [415, "Unsupported Media Type"],
  [429, "Too Many Requests"],
  [500, "Internal Server Error"],
  [502, "Bad Gateway"],
  [503, "Service Unavailable"],
  [504, "Gateway Timeout"],
]);

const GRPC_TYPE = /^application\/grpc($|[+;])/;

export class ResponseHead {
  /** :status; 0 when there is none. */
  httpStatus = 0;
  /** `undefined` when there is none. */
  contentType: string | undefined = undefined;
  encoding = "";
  /** The list as the end of a call. */
  readonly status: GrpcStatus;
  readonly #fields: readonly HeaderField[];
  #metadata: GrpcMetadata | undefined = undefined;

  constructor(fields: readonly HeaderField[]) {
    this.#fields = fields;
    let code: number = GrpcCode.Unknown;
    let message = "";
    let fault = "";
    let custom = false;
    for (const { kind, name, value, wellFormed } of fields) {
      if (!wellFormed) fault = `invalid header field name ${goQuote(name)}`;
      if (kind === FieldKind.STATUS) this.httpStatus = Number(value) || 0;
      else if (kind === FieldKind.CONTENT_TYPE) this.contentType = value;
      else if (kind === FieldKind.GRPC_ENCODING) this.encoding = value;
      else if (kind === FieldKind.GRPC_MESSAGE) message = decodeGrpcMessage(value);
      else if (kind === FieldKind.GRPC_STATUS) {
        if (/^[+-]?\d{1,10}$/.test(value)) code = Number(value) >>> 0;
        else {
          const parse = `strconv.ParseInt: parsing ${goQuote(value)}: invalid syntax`;
          fault = `transport: malformed grpc-status: ${parse}`;
        }
      } else custom = true;
    }
    const trailers = custom ? visibleMetadata(fields) : EMPTY_METADATA;
    this.status =
      fault === ""
        ? { code, message, trailers, unprocessed: false }
        : { code: GrpcCode.Internal, message: fault, trailers: EMPTY_METADATA, unprocessed: false };
  }

  static of(block: HeaderBlock): ResponseHead {
    if (block.note instanceof ResponseHead) return block.note;
    const head = new ResponseHead(block.fields);
    block.note = head;
    return head;
  }

  /** The list as response headers. */
  get metadata(): GrpcMetadata {
    this.#metadata ??= visibleMetadata(this.#fields);
    return this.#metadata;
  }

  /** Why this is not the beginning of a gRPC response; `undefined` when it is one. */
  fault(): GrpcStatus | undefined {
    const texts: string[] = [];
    if (this.httpStatus === 0) {
      texts.push("malformed header: missing HTTP status");
    } else if (this.httpStatus !== 200) {
      const reason = REASONS.get(this.httpStatus) ?? "";
      texts.push(
        `unexpected HTTP status code received from server: ${this.httpStatus} (${reason})`,
      );
    }
    if (this.contentType === undefined) {
      texts.push("malformed header: missing HTTP content-type");
    } else if (!GRPC_TYPE.test(this.contentType)) {
      texts.push(`transport: received unexpected content-type ${goQuote(this.contentType)}`);
    }
    if (texts.length === 0) return undefined;
    const code =
      this.httpStatus === 0
        ? GrpcCode.Internal
        : (CODE_OF_HTTP_STATUS.get(this.httpStatus) ?? GrpcCode.Unknown);
    return { code, message: texts.join("; "), trailers: EMPTY_METADATA, unprocessed: false };
  }
}
