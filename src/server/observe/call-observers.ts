/** Who looks on the calls of clients, as configured: the audit log and the tracer, or nobody. */
import { AuditLog } from "../../api/audit/audit-log.ts";
import type { ServiceContext } from "../../api/context.ts";
import type { CallObserver } from "../../api/observe/call-observer.ts";
import { CallTracer } from "../../api/tracing/call-tracer.ts";
import { EtcdError } from "../../errors/etcd-error.ts";
import type { GrpcServerCall } from "../../http2/grpc-server-types.ts";
import { formatId } from "../../membership/member-info.ts";
import type { AuditSink } from "../../ports/audit.ts";
import type { Clock } from "../../ports/clock.ts";
import type { NamedLog } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import type { SpanTransport } from "../../ports/spans.ts";
import type { ServerConfig } from "../config/config.ts";
import { SPAN_CLOSE_GRACE_MS } from "../limits.ts";
import { RequestStatsObserver } from "./request-stats-observer.ts";
import { SpanExporter } from "../tracing/span-exporter.ts";

/** What those who look on need of the world. */
export interface ObserverEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: NamedLog;
  /** Where the audit log goes; there is none where this is undefined. */
  readonly audit: AuditSink | undefined;
  /** The way to the collector of spans; there is no tracing where this is undefined. */
  readonly spans: SpanTransport | undefined;
}

export class CallObservers {
  readonly #config: ServerConfig;
  readonly #environment: ObserverEnvironment;
  readonly #exporter: SpanExporter | undefined;

  constructor(config: ServerConfig, environment: ObserverEnvironment) {
    this.#config = config;
    this.#environment = environment;
    this.#exporter = exporterOf(config, environment);
  }

  /** Those who look on the calls that services of `context` answer. */
  of(context: ServiceContext): CallObserver[] {
    const { clock, random, audit } = this.#environment;
    const observers: CallObserver[] = [];
    const statsLog = this.#environment.log.named("server/observe/request-stats-observer.ts");
    if (statsLog.enabled("debug")) observers.push(new RequestStatsObserver(clock, statsLog));
    if (audit !== undefined) {
      const memberId = formatId(context.member.id);
      const userOf = (call: GrpcServerCall): string => userNameOf(context, call);
      observers.push(new AuditLog({ clock, sink: audit, memberId, userOf }));
    }
    if (this.#exporter !== undefined) {
      const { samplingRatePerMillion } = this.#config.tracing;
      observers.push(
        new CallTracer({ clock, random, sink: this.#exporter, samplingRatePerMillion }),
      );
    }
    return observers;
  }

  /** Sends what there is to send. */
  async close(): Promise<void> {
    await this.#exporter?.close(SPAN_CLOSE_GRACE_MS);
  }
}

function exporterOf(
  { tracing }: ServerConfig,
  { clock, log, spans }: ObserverEnvironment,
): SpanExporter | undefined {
  if (spans === undefined) return undefined;
  log.named("server/observe/call-observers.ts").debug("distributed tracing enabled", {
    address: tracing.address,
    "service-name": tracing.serviceName,
    "service-instance-id": tracing.instanceId,
    "sampling-rate": tracing.samplingRatePerMillion,
  });
  log.named("server/observe/call-observers.ts").info("distributed tracing setup enabled");
  return new SpanExporter({
    clock,
    log: log.named("server/tracing/span-exporter.ts"),
    transport: spans,
    serviceName: tracing.serviceName,
    instanceId: tracing.instanceId,
  });
}

/** "" where the call names nobody, or a token that is none. */
function userNameOf({ callers }: ServiceContext, call: GrpcServerCall): string {
  const caller = callers.identityOf(call);
  return caller === undefined || caller instanceof EtcdError ? "" : caller.username;
}
