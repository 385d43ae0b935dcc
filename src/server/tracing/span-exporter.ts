/**
 * Sends spans to a collector in batches, as the batch processor of OpenTelemetry for Go does: 512 at once, every
 * five seconds, one request at a time. What waits is bounded; a collector that is away, slow or broken costs
 * spans and nothing else, and the log says how many, once in a while.
 *
 * Source: OpenTelemetry for Go sdk/trace/batch_span_processor.go (numbers); opentelemetry-proto.
 */
import { type SpanSink, stringValue } from "../../api/tracing/call-tracer.ts";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { SpanTransport } from "../../ports/spans.ts";
import {
  encodeExportTraceServiceRequest,
  type InstrumentationScope,
  type Resource,
  type Span,
} from "../../wire/gen/otlp.ts";
import {
  SPAN_BATCH_MAX,
  SPAN_COMPLAINT_INTERVAL_MS,
  SPAN_INTERVAL_MS,
  SPANS_WAITING_MAX,
} from "../limits.ts";
import { PROJECT_VERSION } from "../version.ts";

export interface SpanExporterParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly transport: SpanTransport;
  readonly serviceName: string;
  /** Empty for none: an id must be unique, so there is no default. */
  readonly instanceId: string;
}

const SCOPE: InstrumentationScope = { name: "etcd-ts", version: PROJECT_VERSION };

export class SpanExporter implements SpanSink {
  readonly #parts: SpanExporterParts;
  readonly #resource: Resource;
  #waiting: Span[] = [];
  #isSending = false;
  #timer: Timer | undefined;
  #lost = 0;
  #complainAtMs = Number.NEGATIVE_INFINITY;
  #onIdle: (() => void) | undefined;

  constructor(parts: SpanExporterParts) {
    this.#parts = parts;
    const instance =
      parts.instanceId === "" ? [] : [stringValue("service.instance.id", parts.instanceId)];
    this.#resource = { attributes: [...instance, stringValue("service.name", parts.serviceName)] };
  }

  add(span: Span): void {
    if (this.#waiting.length >= SPANS_WAITING_MAX) {
      this.#lost++;
      return;
    }
    this.#waiting.push(span);
    if (this.#isSending) return;
    if (this.#waiting.length >= SPAN_BATCH_MAX) this.#send();
    else this.#timer ??= this.#parts.clock.after(SPAN_INTERVAL_MS, () => this.#send());
  }

  /** Sends what waits, if the collector takes it within `graceMs`. */
  async close(graceMs: number): Promise<void> {
    const { clock, transport } = this.#parts;
    await new Promise<void>((resolve) => {
      const deadline = clock.after(graceMs, resolve);
      this.#onIdle = () => {
        deadline.cancel();
        resolve();
      };
      if (!this.#isSending) this.#send();
    });
    this.#timer?.cancel();
    transport.close();
  }

  #send(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const spans = this.#waiting.splice(0, SPAN_BATCH_MAX);
    if (spans.length === 0) {
      this.#onIdle?.();
      return;
    }
    this.#isSending = true;
    const scopeSpans = [{ scope: SCOPE, spans }];
    const request = encodeExportTraceServiceRequest({
      resourceSpans: [{ resource: this.#resource, scopeSpans }],
    });
    this.#parts.transport.send(request, (problem) => {
      this.#isSending = false;
      if (problem !== undefined) {
        this.#lost += spans.length;
        this.#complain(problem);
      }
      this.#goOn(problem === undefined);
    });
  }

  /** After a failure nothing is sent before the next time: spans that wait are bounded. */
  #goOn(hasSucceeded: boolean): void {
    const { length } = this.#waiting;
    if (this.#onIdle !== undefined && (length === 0 || !hasSucceeded)) this.#onIdle();
    else if (length > 0 && hasSucceeded && (length >= SPAN_BATCH_MAX || this.#onIdle)) this.#send();
    else if (length > 0) {
      this.#timer ??= this.#parts.clock.after(SPAN_INTERVAL_MS, () => this.#send());
    }
  }

  #complain(error: string): void {
    const { clock, log } = this.#parts;
    const now = clock.nowMs();
    if (now < this.#complainAtMs) return;
    this.#complainAtMs = now + SPAN_COMPLAINT_INTERVAL_MS;
    log.warn("failed to export spans", { "dropped-spans": this.#lost, error });
    this.#lost = 0;
  }
}
