/** Flags of tracing, by their names of etcd 3.6 and by those of 3.5. */
import { flag } from "./flag.ts";
import { bool, int64, string } from "./kinds.ts";

const GROUP = "Distributed tracing";
const EARLIER_GROUP = "Experimental distributed tracing";

export const TRACING_FLAGS = {
  "enable-distributed-tracing": flag(
    GROUP,
    bool,
    false,
    "false",
    "Send spans of calls to a collector.",
  ),
  "distributed-tracing-address": flag(
    GROUP,
    string,
    "localhost:4317",
    "localhost:4317",
    "Address of the collector, OTLP over gRPC.",
  ),
  "distributed-tracing-service-name": flag(
    GROUP,
    string,
    "etcd",
    "etcd",
    "Name of the service in the spans, the same for all members.",
  ),
  "distributed-tracing-instance-id": flag(
    GROUP,
    string,
    "",
    "",
    "Name of this member in the spans.",
  ),
  "distributed-tracing-sampling-rate": flag(GROUP, int64, 0, "0", "Spans to send of a million."),
  "experimental-enable-distributed-tracing": flag(
    EARLIER_GROUP,
    bool,
    false,
    "false",
    "Send spans of calls to a collector.",
  ),
  "experimental-distributed-tracing-address": flag(
    EARLIER_GROUP,
    string,
    "localhost:4317",
    "localhost:4317",
    "Address of the collector, OTLP over gRPC.",
  ),
  "experimental-distributed-tracing-service-name": flag(
    EARLIER_GROUP,
    string,
    "etcd",
    "etcd",
    "Name of the service in the spans, the same for all members.",
  ),
  "experimental-distributed-tracing-instance-id": flag(
    EARLIER_GROUP,
    string,
    "",
    "",
    "Name of this member in the spans.",
  ),
  "experimental-distributed-tracing-sampling-rate": flag(
    EARLIER_GROUP,
    int64,
    0,
    "0",
    "Spans to send of a million.",
  ),
} as const;
