/**
 * What calls of clients count: by method as go-grpc-prometheus counts them, by the version of the client, and the
 * bytes of their messages. Calls that were refused before their method saw them count nowhere.
 *
 * Source: go-grpc-prometheus 1.2 (server_metrics.go, server_reporter.go); etcd server/etcdserver/api/v3rpc
 * (metrics.go, interceptor.go, codec.go; 3.5).
 */
import type { CallCounts, GrpcServerCall } from "../http2/grpc-server-types.ts";
import type { GrpcTraffic } from "../http2/options.ts";
import type { Counter } from "../stdx/metrics/counter.ts";
import type { Family } from "../stdx/metrics/family.ts";
import { CLIENT_VERSION_CHARACTERS_MAX } from "./limits.ts";
import type { Histogram } from "../stdx/metrics/histogram.ts";
import type { MetricsRegistry } from "../stdx/metrics/registry.ts";

const LABELS = ["grpc_type", "grpc_service", "grpc_method"];

/** By number, as Go's gRPC spells them. */
const CODE_NAMES = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
];

const UNKNOWN = 2;

/** Source: client_golang (DefBuckets). */
const HANDLING_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The header in which a client says which version of the API it speaks. */
const VERSION_HEADER = "client-api-version";

const UNKNOWN_VERSION = "unknown";

/** Kinds of methods as the label has them. */
export type RpcType = "unary" | "server_stream" | "bidi_stream";

/** The time in milliseconds, for metrics that tell how long calls take; without it they are not kept. */
export type HandlingClock = (() => number) | undefined;

export class RpcMetrics {
  readonly traffic: GrpcTraffic;
  readonly #streamFailures: Family<Counter>;
  readonly #started: Family<Counter>;
  readonly #handled: Family<Counter>;
  readonly #received: Family<Counter>;
  readonly #sent: Family<Counter>;
  readonly #seconds: Family<Histogram> | undefined;
  readonly #clientRequests: Family<Counter>;
  readonly #nowMs: HandlingClock;

  constructor(registry: MetricsRegistry, nowMs: HandlingClock) {
    this.#nowMs = nowMs;
    this.traffic = {
      receivedBytes: registry.counter(
        "etcd_network_client_grpc_received_bytes_total",
        "The total number of bytes received from grpc clients.",
      ),
      sentBytes: registry.counter(
        "etcd_network_client_grpc_sent_bytes_total",
        "The total number of bytes sent to grpc clients.",
      ),
    };
    this.#streamFailures = registry.counters(
      "etcd_network_server_stream_failures_total",
      "The total number of stream failures from the local server.",
      ["Type", "API"],
    );
    this.#clientRequests = registry.counters(
      "etcd_server_client_requests_total",
      "The total number of client requests per client version.",
      ["type", "client_api_version"],
    );
    const family = (name: string, help: string, labels = LABELS): Family<Counter> =>
      registry.counters(`grpc_server_${name}_total`, help, labels);
    this.#started = family("started", "Total number of RPCs started on the server.");
    this.#handled = family(
      "handled",
      "Total number of RPCs completed on the server, regardless of success or failure.",
      [...LABELS, "grpc_code"],
    );
    this.#received = family(
      "msg_received",
      "Total number of RPC stream messages received on the server.",
    );
    this.#sent = family("msg_sent", "Total number of gRPC stream messages sent by the server.");
    if (nowMs === undefined) return;
    this.#seconds = registry.histograms(
      "grpc_server_handling_seconds",
      "Histogram of response latency (seconds) of gRPC that had been application-level handled by the server.",
      LABELS,
      HANDLING_BOUNDS,
    );
  }

  /** A message of a stream could not be read. */
  streamFailed(api: "watch" | "lease-keepalive"): void {
    this.#streamFailures.child("receive", api).inc();
  }

  /** The counters of a method, all of them at zero from now on. */
  method(path: string, type: RpcType): MethodCounts {
    const [, service = "", method = ""] = path.split("/");
    const labels = [type, service, method];
    return new MethodCounts(
      {
        started: this.#started.child(...labels),
        handled: CODE_NAMES.map((code) => this.#handled.child(...labels, code)),
        received: this.#received.child(...labels),
        sent: this.#sent.child(...labels),
        seconds: this.#seconds?.child(...labels),
      },
      (version) => this.#clientRequests.child(type === "unary" ? "unary" : "stream", version),
      this.#nowMs,
    );
  }
}

interface MethodCounters {
  readonly started: Counter;
  /** By code. */
  readonly handled: readonly Counter[];
  readonly received: Counter;
  readonly sent: Counter;
  readonly seconds: Histogram | undefined;
}

export class MethodCounts implements CallCounts {
  readonly sent: Counter;
  readonly #counters: MethodCounters;
  readonly #nowMs: HandlingClock;
  readonly #requestsOf: (version: string) => Counter;
  /** Of the version that the last call had: as a rule the next one has it, too. */
  #version: string | undefined;
  #requests: Counter | undefined;

  /** Made by `RpcMetrics.method`. */
  constructor(
    counters: MethodCounters,
    requestsOf: (version: string) => Counter,
    nowMs: HandlingClock,
  ) {
    this.#counters = counters;
    this.#requestsOf = requestsOf;
    this.#nowMs = nowMs;
    this.sent = counters.sent;
  }

  /** A call of the method begins. */
  begin(call: GrpcServerCall): void {
    if (call.countWith === undefined) return;
    this.#counters.started.inc();
    let version = call.get(VERSION_HEADER) ?? UNKNOWN_VERSION;
    if (version.length > CLIENT_VERSION_CHARACTERS_MAX) version = UNKNOWN_VERSION;
    if (this.#requests === undefined || version !== this.#version) {
      this.#version = version;
      this.#requests = this.#requestsOf(version);
    }
    this.#requests.inc();
    call.countWith(this, this.#nowMs === undefined ? 0 : this.#nowMs());
  }

  /** A message of a client has come. */
  received(call: GrpcServerCall): void {
    if (call.countWith !== undefined) this.#counters.received.inc();
  }

  ended(code: number, startedMs: number): void {
    const { handled, seconds } = this.#counters;
    (handled[code] ?? handled[UNKNOWN])?.inc();
    if (this.#nowMs !== undefined) seconds?.observe((this.#nowMs() - startedMs) / 1000);
  }
}
