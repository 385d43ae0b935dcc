/**
 * Who called, as far as traces go: the header `traceparent` of W3C, and `tracestate`, which is handed on.
 *
 *   00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
 *   version, trace id, id of the span that calls, flags (bit 0: it is sampled)
 *
 * Source: W3C Trace Context; OpenTelemetry for Go, propagation/trace_context.go.
 */
import { bytesFromHex } from "../../stdx/bytes.ts";
import { TRACE_STATE_CHARACTERS_MAX } from "../limits.ts";

export interface TraceContext {
  /** 16 bytes, not all zero. */
  readonly traceId: Uint8Array;
  /** 8 bytes, not all zero. */
  readonly spanId: Uint8Array;
  readonly isSampled: boolean;
  readonly state: string;
}

const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const STATE = /^[\x20-\x7e]*$/;

/** What the two headers say; `undefined` where they say nothing, or something that is none. */
export function parseTraceContext(
  parent: string | undefined,
  state: string | undefined,
): TraceContext | undefined {
  const match = parent === undefined ? null : PARENT.exec(parent);
  if (match === null) return undefined;
  const [, version, trace = "", span = "", flags = "", more] = match;
  const bits = Number.parseInt(flags, 16);
  if (version === "ff") return undefined;
  // Later versions may know more flags, and more behind them.
  if (version === "00" && (more !== undefined || bits > 2)) return undefined;
  const traceId = bytesFromHex(trace);
  const spanId = bytesFromHex(span);
  if (traceId === undefined || spanId === undefined || isZero(traceId) || isZero(spanId)) {
    return undefined;
  }
  const kept =
    state !== undefined && state.length <= TRACE_STATE_CHARACTERS_MAX && STATE.test(state);
  return { traceId, spanId, isSampled: (bits & 1) === 1, state: kept ? state : "" };
}

function isZero(id: Uint8Array): boolean {
  return id.every((byte) => byte === 0);
}
