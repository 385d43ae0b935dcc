/**
 * A span for each call that is sampled: when it began and ended, who called, and with what status it ended; names
 * and attributes as otelgrpc has them. A call whose caller is sampled is sampled, and one whose caller is not is
 * not; of those without a caller that says so, as many of a million as asked for.
 *
 * Source: otelgrpc (attributes, status), OpenTelemetry for Go sdk/trace/sampling.go (ParentBased,
 * TraceIDRatioBased).
 */
import { GrpcCode } from "../../errors/codes.ts";
import type { GrpcServerCall } from "../../http2/grpc-server-types.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { EMPTY_BYTES } from "../../stdx/bytes.ts";
import { createSpan, type KeyValue, type Span, SpanKind, StatusCode } from "../../wire/gen/otlp.ts";
import type { CallObservation, CallObserver } from "../observe/call-observer.ts";
import { parseTraceContext, type TraceContext } from "./trace-context.ts";

const MILLION = 1_000_000;
const NANOSECONDS_PER_MS = 1e6;
const TWO_63 = 2 ** 63;

/** That it is known whether the parent is of another process, and that it is: as OpenTelemetry for Go says it. */
const REMOTE_PARENT_FLAGS = 0x300;

/** Codes that are the server's fault. */
const ERROR_CODES: ReadonlySet<number> = new Set([
  GrpcCode.Unknown,
  GrpcCode.DeadlineExceeded,
  GrpcCode.Unimplemented,
  GrpcCode.Internal,
  GrpcCode.Unavailable,
  GrpcCode.DataLoss,
]);

/** Takes spans that are over. Never waits and never throws. */
export interface SpanSink {
  add(span: Span): void;
}

export interface CallTracerParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly sink: SpanSink;
  /** Of a million calls without a caller that decides it. */
  readonly samplingRatePerMillion: number;
}

export class CallTracer implements CallObserver {
  readonly #parts: CallTracerParts;

  constructor(parts: CallTracerParts) {
    this.#parts = parts;
  }

  begin(path: string, call: GrpcServerCall): CallObservation | undefined {
    const parent = parseTraceContext(call.get("traceparent"), call.get("tracestate"));
    const traceId = parent?.traceId ?? this.#newId(16);
    const isSampled = parent?.isSampled ?? isInSample(traceId, this.#parts.samplingRatePerMillion);
    if (!isSampled) return undefined;
    return new TracedCall(this.#parts, spanOf(path, call, traceId, this.#newId(8), parent));
  }

  #newId(length: number): Uint8Array {
    const id = new Uint8Array(length);
    this.#parts.random.fill(id);
    return id;
  }
}

/** Whether the trace is one of `rate` in a million: every process decides the same from the id alone. */
export function isInSample(traceId: Uint8Array, rate: number): boolean {
  if (rate >= MILLION) return true;
  const view = new DataView(traceId.buffer, traceId.byteOffset + 8, 8);
  return view.getBigUint64(0) >> 1n < BigInt(Math.floor((rate / MILLION) * TWO_63));
}

class TracedCall implements CallObservation {
  readonly #parts: CallTracerParts;
  readonly #span: Span;
  readonly #startMs: number;

  constructor(parts: CallTracerParts, span: Span) {
    this.#parts = parts;
    this.#span = span;
    this.#startMs = parts.clock.nowMs();
    span.startTimeUnixNano = nanosecondsOf(parts.clock.wallMs());
  }

  received(): void {}

  sent(): void {}

  ended(code: number, message: string): void {
    const span = this.#span;
    const { clock, sink } = this.#parts;
    span.endTimeUnixNano = span.startTimeUnixNano + nanosecondsOf(clock.nowMs() - this.#startMs);
    span.attributes.push(intValue("rpc.grpc.status_code", code));
    const isError = ERROR_CODES.has(code);
    span.status = isError
      ? { code: StatusCode.STATUS_CODE_ERROR, message }
      : { code: StatusCode.STATUS_CODE_UNSET, message: "" };
    sink.add(span);
  }
}

function nanosecondsOf(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * NANOSECONDS_PER_MS));
}

function spanOf(
  path: string,
  call: GrpcServerCall,
  traceId: Uint8Array,
  spanId: Uint8Array,
  parent: TraceContext | undefined,
): Span {
  const [, service = "", method = ""] = path.split("/");
  return createSpan({
    traceId,
    spanId,
    traceState: parent?.state ?? "",
    parentSpanId: parent?.spanId ?? EMPTY_BYTES,
    name: `${service}/${method}`,
    kind: SpanKind.SPAN_KIND_SERVER,
    flags: REMOTE_PARENT_FLAGS,
    attributes: [
      stringValue("rpc.system", "grpc"),
      stringValue("rpc.service", service),
      stringValue("rpc.method", method),
      ...peerAttributes(call.peer.address),
    ],
  });
}

/** Nothing for a Unix socket, which has no port. */
function peerAttributes(address: string): KeyValue[] {
  const colon = address.lastIndexOf(":");
  const port = Number(address.slice(colon + 1));
  if (colon < 0 || !Number.isInteger(port)) return [];
  return [
    stringValue("net.sock.peer.addr", address.slice(0, colon).replace(/^\[|\]$/g, "")),
    intValue("net.sock.peer.port", port),
  ];
}

/** An attribute that is a text. */
export function stringValue(key: string, value: string): KeyValue {
  return { key, value: { value: { case: "stringValue", value } } };
}

function intValue(key: string, value: number): KeyValue {
  return { key, value: { value: { case: "intValue", value } } };
}
