/**
 * From the headers of an HTTP request to the metadata of the call that it stands for.
 *
 * Source: grpc-gateway v1 runtime (context.go, AnnotateContext; mux.go, DefaultHeaderMatcher).
 */
import { GrpcCode } from "../../errors/codes.ts";
import { EtcdError } from "../../errors/etcd-error.ts";
import { type MetadataEntry, metadataFault } from "../../http2/grpc-metadata.ts";
import { type ClientPeer, unprovenPeer } from "../../ports/client-peer.ts";
import type { HttpField } from "../../ports/http.ts";
import { bytesFromBase64 } from "../../stdx/base64.ts";
import { GoUrlError, splitHostPort } from "../../stdx/go-url.ts";
import type { CallOrigin } from "../inner-call.ts";

/** What of a request decides about its call. */
export interface OriginRequest {
  readonly host: string;
  readonly peer: ClientPeer;
  headers(): readonly HttpField[];
}

/** Headers of HTTP itself: they are told as `grpcgateway-<name>`. */
const PERMANENT: ReadonlySet<string> = new Set([
  ...["accept", "accept-charset", "accept-language", "accept-ranges", "authorization"],
  ...["cache-control", "content-type", "cookie", "date", "expect", "from", "if-match"],
  ...["if-modified-since", "if-none-match", "if-schedule-tag-match", "if-unmodified-since"],
  ...["max-forwards", "origin", "pragma", "referer", "user-agent", "via", "warning"],
]);

const METADATA_PREFIX = "grpc-metadata-";

/** Milliseconds of the units of `Grpc-Timeout`. */
const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["H", 3_600_000],
  ["M", 60_000],
  ["S", 1000],
  ["m", 1],
  ["u", 1e-3],
  ["n", 1e-6],
]);

/**
 * On whose behalf the call of `request` is made; `nowMs` is the time of the clock. Certificates say nothing of
 * who asks the gateway. Returns an error where a header is wrong.
 */
export function originOf(request: OriginRequest, nowMs: number): CallOrigin | EtcdError {
  const fields = request.headers().map(({ name, value }) => ({ name: name.toLowerCase(), value }));
  const timeoutMs = timeoutOf(valueOf(fields, "grpc-timeout"));
  if (timeoutMs instanceof EtcdError) return timeoutMs;
  const metadata: MetadataEntry[] = [];
  for (const field of fields) {
    const wrong = addField(metadata, field);
    if (wrong !== undefined) return wrong;
  }
  addForwarded(metadata, fields, request);
  return {
    peer: request.peer.commonName === undefined ? request.peer : unprovenPeer(request.peer.address),
    metadata,
    deadlineMs: nowMs + timeoutMs,
  };
}

/** Why the metadata of a call cannot be sent. */
export function originFault({ metadata }: CallOrigin): EtcdError | undefined {
  if (metadata.some(({ name }) => name === "")) return EMPTY_KEY;
  const fault = metadataFault(metadata);
  return fault === undefined ? undefined : new EtcdError(GrpcCode.Internal, fault);
}

const EMPTY_KEY = new EtcdError(GrpcCode.Internal, "there is an empty key in the header");

function valueOf(fields: readonly HttpField[], wanted: string): string {
  return fields.find(({ name }) => name === wanted)?.value ?? "";
}

function timeoutOf(text: string): number | EtcdError {
  if (text === "") return Number.POSITIVE_INFINITY;
  const unitMs = UNIT_MS.get(text.slice(-1));
  const count = text.slice(0, -1);
  if (unitMs === undefined || !/^[+-]?[0-9]{1,18}$/.test(count)) {
    return new EtcdError(GrpcCode.InvalidArgument, `invalid grpc-timeout: ${text}`);
  }
  const timeoutMs = Number(count) * unitMs;
  // None at all, to Go.
  return timeoutMs === 0 ? Number.POSITIVE_INFINITY : timeoutMs;
}

function addField(metadata: MetadataEntry[], { name, value }: HttpField): EtcdError | undefined {
  if (name === "authorization") metadata.push({ name, value });
  if (PERMANENT.has(name)) {
    metadata.push({ name: `grpcgateway-${name}`, value });
  } else if (name.startsWith(METADATA_PREFIX)) {
    const key = name.slice(METADATA_PREFIX.length);
    if (!name.endsWith("-bin")) {
      metadata.push({ name: key, value });
      return undefined;
    }
    const bytes = bytesFromBase64(padded(value));
    if (typeof bytes === "number") return binaryFault(name, Math.min(bytes, value.length));
    metadata.push({ name: key, value: bytes });
  }
  return undefined;
}

/** Binary values may come without padding. */
function padded(value: string): string {
  return value.length % 4 === 0 ? value : value + "=".repeat(4 - (value.length % 4));
}

function binaryFault(name: string, at: number): EtcdError {
  const canonical = name.replace(/(^|-)[a-z]/g, (unit) => unit.toUpperCase());
  const text = `invalid binary header ${canonical}: illegal base64 data at input byte ${at}`;
  return new EtcdError(GrpcCode.InvalidArgument, text);
}

function addForwarded(
  metadata: MetadataEntry[],
  fields: readonly HttpField[],
  { host, peer }: OriginRequest,
): void {
  const forwardedHost = valueOf(fields, "x-forwarded-host") || host;
  if (forwardedHost !== "") metadata.push({ name: "x-forwarded-host", value: forwardedHost });
  const parts = splitHostPort(peer.address);
  if (parts instanceof GoUrlError) return;
  const before = valueOf(fields, "x-forwarded-for");
  const value = before === "" ? parts.host : `${before}, ${parts.host}`;
  metadata.push({ name: "x-forwarded-for", value });
}
