/**
 * `/metrics`: everything that the member counts, as text for Prometheus.
 *
 * Making the page takes milliseconds in which nothing else goes on. Whoever asks again before ten times as long
 * has passed, up to a bound, gets the same page: however many scrape, about a tenth of the time is theirs at most.
 *
 * Differs from etcd: nothing but the text format is offered, which is what etcd's own scrapers get, too; it also
 * has Prometheus' old binary one.
 *
 * Source: client_golang prometheus/promhttp (http.go).
 */
import type { Clock } from "../../ports/clock.ts";
import type { HttpServerRequest } from "../../ports/http.ts";
import { bytesFromUtf8 } from "../../stdx/bytes.ts";
import type { Counter } from "../../stdx/metrics/counter.ts";
import { TEXT_CONTENT_TYPE, textExposition } from "../../stdx/metrics/exposition.ts";
import type { Gauge } from "../../stdx/metrics/gauge.ts";
import type { MetricsRegistry } from "../../stdx/metrics/registry.ts";
import { SCRAPE_REUSE_MS_MAX, SCRAPE_TIME_SHARE } from "../limits.ts";

export interface MetricsPageParts {
  readonly registry: MetricsRegistry;
  readonly clock: Pick<Clock, "nowMs">;
  /** Compresses a page of some 100 kB, fast rather than well. */
  readonly gzip: (bytes: Uint8Array) => Uint8Array;
}

export class MetricsPage {
  readonly #parts: MetricsPageParts;
  readonly #succeeded: Counter;
  readonly #underWay: Gauge;
  #page: Uint8Array = new Uint8Array(0);
  #compressed: Uint8Array | undefined;
  #validUntilMs = Number.NEGATIVE_INFINITY;

  constructor(parts: MetricsPageParts) {
    const { succeeded, underWay } = registerScrapes(parts.registry);
    this.#parts = parts;
    this.#succeeded = succeeded;
    this.#underWay = underWay;
  }

  serve(request: HttpServerRequest): void {
    const { clock, gzip } = this.#parts;
    const headers = { "Content-Type": TEXT_CONTENT_TYPE };
    this.#underWay.inc();
    const startMs = clock.nowMs();
    if (startMs >= this.#validUntilMs) this.#make();
    if (acceptsGzip(request.header("accept-encoding"))) {
      this.#compressed ??= gzip(this.#page);
      request.respond(200, { ...headers, "Content-Encoding": "gzip" }, this.#compressed);
    } else {
      request.respond(200, headers, this.#page);
    }
    if (startMs >= this.#validUntilMs) {
      const nowMs = clock.nowMs();
      const pauseMs = (nowMs - startMs) / SCRAPE_TIME_SHARE;
      this.#validUntilMs = nowMs + Math.min(SCRAPE_REUSE_MS_MAX, pauseMs);
    }
    this.#underWay.dec();
    this.#succeeded.inc();
  }

  #make(): void {
    this.#page = bytesFromUtf8(textExposition(this.#parts.registry.collect()));
    this.#compressed = undefined;
  }
}

/** What the page says of itself. */
export function registerScrapes(registry: MetricsRegistry): {
  readonly succeeded: Counter;
  readonly underWay: Gauge;
} {
  const requests = registry.counters(
    "promhttp_metric_handler_requests_total",
    "Total number of scrapes by HTTP status code.",
    ["code"],
  );
  // Pages do not fail here, and none is refused for want of time.
  for (const code of ["500", "503"]) requests.child(code);
  const underWay = registry.gauge(
    "promhttp_metric_handler_requests_in_flight",
    "Current number of scrapes being served.",
  );
  return { succeeded: requests.child("200"), underWay };
}

/** Source: promhttp (gzipAccepted). */
function acceptsGzip(header: string): boolean {
  return header.split(",").some((part) => /^gzip(?:;|$)/.test(part.trim()));
}
