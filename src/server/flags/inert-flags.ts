/** Flags that are accepted and change nothing. */
import type { FlagName } from "./table.ts";

/** Flags of versions long gone, which etcd itself reads and ignores. */
export const IGNORED_FLAGS: readonly string[] = [
  "cluster-active-size",
  "cluster-remove-delay",
  "cluster-sync-interval",
  "config",
  "force",
  "max-result-buffer",
  "max-retry-attempts",
  "peer-heartbeat-interval",
  "peer-election-timeout",
  "retry-interval",
  "snapshot",
  "test.coverprofile",
  "test.outputdir",
  "v",
  "vv",
];

/** Flags that etcd 3.5 has for the last time, in the order of its warnings. */
export const DEPRECATED_FLAGS: readonly FlagName[] = [
  "enable-v2",
  "experimental-enable-v2v3",
  "proxy",
  "proxy-dial-timeout",
  "proxy-failure-wait",
  "proxy-read-timeout",
  "proxy-refresh-interval",
  "proxy-write-timeout",
];

/** Flags whose every value is accepted and without effect, and why. */
export const INERT_FLAGS: { readonly [Name in FlagName]?: string } = {
  "backend-bbolt-freelist-type":
    "There is one kind of free list in memory; the file is the same with both of etcd's.",
  "experimental-txn-mode-write-with-shared-buffer":
    "The checks of a transaction read what it has written in any case; the results are the same.",
  "socket-reuse-address": "Listeners always have SO_REUSEADDR, as they have in Go.",
  "discovery-fallback":
    "There is no proxy of the v2 API to fall back to: a full cluster ends the start.",
  "v2-deprecation":
    "Keys of the v2 API are refused at start in any case, as they are from its second stage on.",
  "proxy-failure-wait": "There is no proxy of the v2 API.",
  "proxy-refresh-interval": "There is no proxy of the v2 API.",
  "proxy-dial-timeout": "There is no proxy of the v2 API.",
  "proxy-write-timeout": "There is no proxy of the v2 API.",
  "proxy-read-timeout": "There is no proxy of the v2 API.",
};
