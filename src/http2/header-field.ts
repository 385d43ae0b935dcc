/**
 * One header field, with everything about it that can be known once: tables and remembered blocks share
 * fields, so a request that repeats its headers is understood without touching a string.
 *
 * Names and values are strings of one character per byte.
 */

/** What a name means to this layer. */
export const FieldKind = {
  /** Application metadata, text. */
  TEXT: 0,
  /** Application metadata whose name ends in `-bin`. */
  BINARY: 1,
  METHOD: 2,
  SCHEME: 3,
  PATH: 4,
  AUTHORITY: 5,
  STATUS: 6,
  /** A pseudo header that does not exist. */
  OTHER_PSEUDO: 7,
  CONTENT_TYPE: 8,
  CONTENT_LENGTH: 9,
  HOST: 10,
  USER_AGENT: 11,
  TE: 12,
  /** Forbidden in HTTP/2: connection and its kin. */
  CONNECTION: 13,
  GRPC_TIMEOUT: 14,
  GRPC_ENCODING: 15,
  GRPC_ACCEPT_ENCODING: 16,
  GRPC_STATUS: 17,
  GRPC_MESSAGE: 18,
  /** Belongs to gRPC and is of no use to anybody: grpc-message-type. */
  GRPC_OTHER: 19,
} as const;

export type FieldKind = (typeof FieldKind)[keyof typeof FieldKind];

const KINDS: ReadonlyMap<string, FieldKind> = new Map<string, FieldKind>([
  [":method", FieldKind.METHOD],
  [":scheme", FieldKind.SCHEME],
  [":path", FieldKind.PATH],
  [":authority", FieldKind.AUTHORITY],
  [":status", FieldKind.STATUS],
  ["content-type", FieldKind.CONTENT_TYPE],
  ["content-length", FieldKind.CONTENT_LENGTH],
  ["host", FieldKind.HOST],
  ["user-agent", FieldKind.USER_AGENT],
  ["te", FieldKind.TE],
  ["connection", FieldKind.CONNECTION],
  ["keep-alive", FieldKind.CONNECTION],
  ["proxy-connection", FieldKind.CONNECTION],
  ["transfer-encoding", FieldKind.CONNECTION],
  ["upgrade", FieldKind.CONNECTION],
  ["grpc-timeout", FieldKind.GRPC_TIMEOUT],
  ["grpc-encoding", FieldKind.GRPC_ENCODING],
  ["grpc-accept-encoding", FieldKind.GRPC_ACCEPT_ENCODING],
  ["grpc-status", FieldKind.GRPC_STATUS],
  ["grpc-message", FieldKind.GRPC_MESSAGE],
  ["grpc-message-type", FieldKind.GRPC_OTHER],
]);

/** Bytes that every field of a table or list counts on top of its text. RFC 7541 section 4.1. */
export const FIELD_OVERHEAD_BYTES = 32;

/** RFC 9113 section 8.2.1 with the token characters of RFC 9110: lower case, a colon only in front. */
const NAME = /^:?[a-z0-9!#$%&'*+\-.^_`|~]+$/;

/** No NUL, CR or LF anywhere. RFC 9113 section 8.2.1. */
const VALUE = /^[^\0\r\n]*$/;

export class HeaderField {
  readonly name: string;
  readonly value: string;
  readonly kind: FieldKind;
  /** Bytes as tables and lists count. */
  readonly size: number;
  /** Whether RFC 9113 section 8.2.1 allows it in a message. */
  readonly wellFormed: boolean;

  private constructor(name: string, value: string, kind: FieldKind, wellFormed: boolean) {
    this.name = name;
    this.value = value;
    this.kind = kind;
    this.size = name.length + value.length + FIELD_OVERHEAD_BYTES;
    this.wellFormed = wellFormed;
  }

  static from(name: string, value: string): HeaderField {
    return new HeaderField(name, value, kindOfName(name), NAME.test(name) && isValue(value));
  }

  /** A field with the name of this one: what is known about the name is not looked up again. */
  withValue(value: string): HeaderField {
    const nameWellFormed = this.wellFormed || NAME.test(this.name);
    return new HeaderField(this.name, value, this.kind, nameWellFormed && isValue(value));
  }
}

/** Whether a field of this kind is a pseudo header. */
export function isPseudo(kind: FieldKind): boolean {
  return kind >= FieldKind.METHOD && kind <= FieldKind.OTHER_PSEUDO;
}

function kindOfName(name: string): FieldKind {
  const kind = KINDS.get(name);
  if (kind !== undefined) return kind;
  if (name.charCodeAt(0) === 0x3a) return FieldKind.OTHER_PSEUDO;
  return name.endsWith("-bin") ? FieldKind.BINARY : FieldKind.TEXT;
}

function isValue(value: string): boolean {
  const { length } = value;
  if (length === 0) return true;
  return (
    !isBlank(value.charCodeAt(0)) && !isBlank(value.charCodeAt(length - 1)) && VALUE.test(value)
  );
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
