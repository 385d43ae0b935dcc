/** Flags of profiles and metrics. */
import { flag } from "./flag.ts";
import { bool, string, urls } from "./kinds.ts";

const GROUP = "Profiling and Monitoring";

export const MONITORING_FLAGS = {
  "enable-pprof": flag(
    GROUP,
    bool,
    false,
    "false",
    "Serve profiles under /debug/pprof/ of the client URLs.",
  ),
  metrics: flag(
    GROUP,
    string,
    "basic",
    "basic",
    "How much /metrics tells: 'basic', or 'extensive' with a histogram of each call.",
  ),
  "listen-metrics-urls": flag(
    GROUP,
    urls,
    [],
    "",
    "URLs to listen on for /metrics and /health alone.",
  ),
} as const;
