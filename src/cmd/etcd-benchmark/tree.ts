/**
 * The commands of the load generator. What a command does is loaded when it runs.
 *
 * Source: etcd tools/benchmark/cmd (names, descriptions, flags; 3.5). Flags of 3.6 and 3.7 are taken, and on no page.
 */
import { Command, type CommandSpec } from "../command.ts";
import { completionCommand } from "../completion/completion-command.ts";
import { FlagSet } from "../pflag.ts";
import type { BenchmarkCommand, BenchmarkSession } from "./session.ts";

type Spec = CommandSpec<BenchmarkSession>;

const COMPACT_INTERVAL_USAGE =
  "Interval to compact database (do not duplicate this with etcd's 'auto-compaction-retention' flag) (e.g. --compact-interval=5m compacts every 5-minute)";
const COMPACT_DELTA_USAGE =
  "Delta between current revision and compact revision (e.g. current revision 10000, compact at 9000)";

const AUTO_SYNC_USAGE =
  "AutoSyncInterval is the interval to update endpoints with its latest members";

const LIMIT_USAGE = "Maximum number of results to return from range request (0 is no limit)";

const END_KEY_USAGE =
  "Read operation range end key. By default, we do full range query with the default limit of 1000.";

const ISOLATION_USAGE =
  "Read Committed (c), Repeatable Reads (r), Serializable (s), or Snapshot (ss)";
const LOCKER_USAGE =
  "Wrap STM transaction with a custom locking mechanism (stm, lock-client, lock-rpc)";

const WATCH_DESCRIPTION = `Benchmark watch tests the performance of processing watch requests and
sending events to watchers. It tests the sending performance by
changing the value of the watched keys with concurrent put
requests.

During the test, each watcher watches (--total/--watchers) keys

(a watcher might watch on the same key multiple times if
--watched-key-total is small).

Each key is watched by (--total/--watched-key-total) watchers.
`;

const WATCH_LATENCY_DESCRIPTION = `Benchmarks the latency for watches by measuring
	the latency between writing to a key and receiving the
	associated watch response.`;

/** A fresh tree: flags keep the values of one run. */
export function benchmarkCommands(): BenchmarkCommand {
  return new Command<BenchmarkSession>({
    use: "etcd-benchmark",
    short: "A low-level benchmark tool for etcd3",
    long: "etcd-benchmark is a low-level benchmark tool for etcd3.\nIt uses gRPC client directly and does not depend on\netcd client library.\n\t",
    persistentFlags: new FlagSet()
      .stringSlice("endpoints", ["127.0.0.1:2379"], "gRPC endpoints")
      .uint64("conns", 1n, "Total number of gRPC connections")
      .uint64("clients", 1n, "Total number of gRPC clients")
      .bool("precise", false, "use full floating point precision")
      .bool("sample", false, "'true' to sample requests for every second")
      .string("cert", "", "identify HTTPS client using this SSL certificate file")
      .string("key", "", "identify HTTPS client using this SSL key file")
      .string("cacert", "", "verify certificates of HTTPS-enabled servers using this CA bundle")
      .string("user", "", "provide username[:password] and prompt if password is not supplied.")
      .duration("dial-timeout", 0n, "dial timeout for client connections")
      .bool("target-leader", false, "connect only to the leader node")
      // Differs from etcd: its load generator has reports for people alone.
      .string("write-out", "simple", "set the output format (simple, json)", "w")
      .bool("insecure-skip-tls-verify", false, "skip server certificate verification")
      .duration("auto-sync-interval", 0n, AUTO_SYNC_USAGE)
      .bool("report-perfdash", false, "Generate benchmark report in perfdash format")
      .hide("insecure-skip-tls-verify", "auto-sync-interval", "report-perfdash"),
    commands: [
      completionCommand<BenchmarkSession>("etcd-benchmark"),
      leaseKeepaliveCommand(),
      putCommand(),
      rangeCommand(),
      stmCommand(),
      txnMixedCommand(),
      txnPutCommand(),
      watchCommand(),
      watchGetCommand(),
      watchLatencyCommand(),
      help,
    ],
  });
}

function putCommand(): Spec {
  return {
    use: "put",
    short: "Benchmark put",
    flags: new FlagSet()
      .int64("key-size", 8n, "Key size of put request")
      .int64("val-size", 8n, "Value size of put request")
      .int64("rate", 0n, "Maximum puts per second (0 is no limit)")
      .int64("total", 10_000n, "Total number of put requests")
      .int64("key-space-size", 1n, "Maximum possible keys")
      .bool("sequential-keys", false, "Use sequential keys")
      .duration("compact-interval", 0n, COMPACT_INTERVAL_USAGE)
      .int64("compact-index-delta", 1000n, COMPACT_DELTA_USAGE)
      .bool("check-hashkv", false, "'true' to check hashkv")
      .string("prefix", "", "Prefix for keys")
      .hide("prefix"),
    run: async (...of) => (await import("./run-put.ts")).runPut(...of),
  };
}

function rangeCommand(): Spec {
  return {
    use: "range key [end-range]",
    short: "Benchmark range",
    flags: new FlagSet()
      .int64("rate", 0n, "Maximum range requests per second (0 is no limit)")
      .int64("total", 10_000n, "Total number of range requests")
      .string("consistency", "l", "Linearizable(l) or Serializable(s)")
      .int64("limit", 0n, LIMIT_USAGE)
      .bool("count-only", false, "Only returns the count of keys")
      .bool("keys-only", false, "Only returns the keys")
      .bool("stream", false, "Use RangeStream instead of unary Range")
      .bool("paginate", false, "Use paginated unary range with 10k-key pages")
      .bool("prefix", false, "Range over all keys with the given key as prefix")
      .hide("limit", "count-only", "keys-only", "stream", "paginate", "prefix"),
    run: async (...of) => (await import("./run-range.ts")).runRange(...of),
  };
}

function txnPutCommand(): Spec {
  return {
    use: "txn-put",
    short: "Benchmark txn-put",
    flags: new FlagSet()
      .int64("key-size", 8n, "Key size of txn put")
      .int64("val-size", 8n, "Value size of txn put")
      .int64("txn-ops", 1n, "Number of puts per txn")
      .int64("rate", 0n, "Maximum txns per second (0 is no limit)")
      .int64("total", 10_000n, "Total number of txn requests")
      .int64("key-space-size", 1n, "Maximum possible keys"),
    run: async (...of) => (await import("./run-txn-put.ts")).runTxnPut(...of),
  };
}

function txnMixedCommand(): Spec {
  return {
    use: "txn-mixed key [end-range]",
    short: "Benchmark a mixed load of txn-put & txn-range.",
    flags: new FlagSet()
      .int64("key-size", 8n, "Key size of mixed txn")
      .int64("val-size", 8n, "Value size of mixed txn")
      .int64("rate", 0n, "Maximum txns per second (0 is no limit)")
      .int64("total", 10_000n, "Total number of txn requests")
      .string("end-key", "", END_KEY_USAGE)
      .int64("limit", 1000n, "Read operation range result limit")
      .int64("key-space-size", 1n, "Maximum possible keys")
      .string("consistency", "l", "Linearizable(l) or Serializable(s)")
      .float64("rw-ratio", 1, "Read/write ops ratio"),
    run: async (...of) => (await import("./run-txn-mixed.ts")).runTxnMixed(...of),
  };
}

function leaseKeepaliveCommand(): Spec {
  return {
    use: "lease-keepalive",
    short: "Benchmark lease keepalive",
    flags: new FlagSet().int64("total", 10_000n, "Total number of lease keepalive requests"),
    run: async (...of) => (await import("./run-lease-keepalive.ts")).runLeaseKeepalive(...of),
  };
}

function watchCommand(): Spec {
  return {
    use: "watch",
    short: "Benchmark watch",
    long: WATCH_DESCRIPTION,
    flags: new FlagSet()
      .int64("streams", 10n, "Total watch streams")
      .int64("watch-per-stream", 100n, "Total watchers per stream")
      .int64("watched-key-total", 1n, "Total number of keys to be watched")
      .int64("put-rate", 0n, "Number of keys to put per second")
      .int64("put-total", 1000n, "Number of put requests")
      .int64("key-size", 32n, "Key size of watch request")
      .int64("key-space-size", 1n, "Maximum possible keys")
      .bool("sequential-keys", false, "Use sequential keys"),
    run: async (...of) => (await import("./run-watch.ts")).runWatch(...of),
  };
}

function watchLatencyCommand(): Spec {
  return {
    use: "watch-latency",
    short: "Benchmark watch latency",
    long: WATCH_LATENCY_DESCRIPTION,
    flags: new FlagSet()
      .int64("total", 10_000n, "Total number of put requests")
      .int64("put-rate", 100n, "Number of keys to put per second")
      .int64("key-size", 32n, "Key size of watch response")
      .int64("val-size", 32n, "Value size of watch response")
      .int64("streams", 10n, "Total watch streams")
      .int64("watchers-per-stream", 10n, "Total watchers per stream")
      .int64("put-total", 1000n, "Total number of put requests")
      .bool("prevkv", false, "PrevKV enabled on watch requests")
      .hide("streams", "watchers-per-stream", "put-total", "prevkv"),
    run: async (...of) => (await import("./run-watch-latency.ts")).runWatchLatency(...of),
  };
}

function watchGetCommand(): Spec {
  return {
    use: "watch-get",
    short: "Benchmark watch with get",
    long: "Benchmark for serialized key gets with many unsynced watchers",
    flags: new FlagSet()
      .int64("watchers", 10_000n, "Total number of watchers")
      .int64("streams", 1n, "Total number of watcher streams")
      .int64("events", 8n, "Number of events per watcher"),
    run: async (...of) => (await import("./run-watch-get.ts")).runWatchGet(...of),
  };
}

function stmCommand(): Spec {
  return {
    use: "stm",
    short: "Benchmark STM",
    flags: new FlagSet()
      .string("isolation", "r", ISOLATION_USAGE)
      .int64("keys", 1n, "Total unique keys accessible by the benchmark")
      .int64("total", 10_000n, "Total number of completed STM transactions")
      .int64("keys-per-txn", 1n, "Number of keys to access per transaction")
      .int64("txn-wr-percent", 50n, "Percentage of keys to overwrite per transaction")
      .string("stm-locker", "stm", LOCKER_USAGE)
      .int64("val-size", 8n, "Value size of each STM put request")
      .int64("rate", 0n, "Maximum STM transactions per second (0 is no limit)"),
    run: async (...of) => (await import("./run-stm.ts")).runStm(...of),
  };
}

const help: Spec = {
  use: "help [command]",
  short: "Help about any command",
  run: async (...of) => (await import("./run-help.ts")).runHelp(...of),
};
