/** Where a member sends what it tells beside its log: the audit log and the collector of spans. */
import { type AuditFile, openAuditFile } from "../platform/audit-file.ts";
import { systemClock } from "../platform/clock.ts";
import type { NamedLog } from "../ports/log.ts";
import type { SpanTransport } from "../ports/spans.ts";
import type { AuditSettings, TracingSettings } from "../server/config/config-groups.ts";
import { OtlpTransport } from "./otlp-transport.ts";
import { socketConnector } from "./socket-connector.ts";

/** Opens the audit log, if there is to be one. Throws `LogOutputError`. */
export function openAudit(settings: AuditSettings, log: NamedLog): AuditFile | undefined {
  if (settings.path === "") return undefined;
  const { maxSizeMegabytes, maxAgeDays, maxBackups } = settings;
  return openAuditFile({
    path: settings.path,
    rotation: { maxSizeMegabytes, maxAgeDays, maxBackups, localTime: false, compress: false },
    clock: systemClock,
    log: log.named("platform/audit-file.ts"),
  });
}

/** The way to the collector, if spans are to be sent. */
export function spanTransportOf({ enabled, address }: TracingSettings): SpanTransport | undefined {
  if (!enabled) return undefined;
  return new OtlpTransport(address, socketConnector(undefined), systemClock);
}
