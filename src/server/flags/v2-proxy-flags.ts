/** Flags of the proxy of the v2 API. */
import { flag } from "./flag.ts";
import { oneOf, uint64 } from "./kinds.ts";

const GROUP = "v2 Proxy (to be deprecated in v3.6)";

export const V2_PROXY_FLAGS = {
  proxy: flag(
    GROUP,
    oneOf("off", "readonly", "on"),
    "off",
    "off",
    "Be a proxy of the v2 API ('off', 'readonly' or 'on'). It does not exist here.",
  ),
  "proxy-failure-wait": flag(
    GROUP,
    uint64,
    5000,
    "5000",
    "Milliseconds that it leaves an endpoint alone which failed.",
  ),
  "proxy-refresh-interval": flag(
    GROUP,
    uint64,
    30_000,
    "30000",
    "Milliseconds between two looks for endpoints.",
  ),
  "proxy-dial-timeout": flag(GROUP, uint64, 1000, "1000", "Milliseconds to connect."),
  "proxy-write-timeout": flag(GROUP, uint64, 5000, "5000", "Milliseconds to write."),
  "proxy-read-timeout": flag(GROUP, uint64, 0, "0", "Milliseconds to read."),
} as const;
