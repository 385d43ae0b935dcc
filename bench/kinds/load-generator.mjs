/** What the load generator costs itself: CPU of `etcd-benchmark` beside that of the server, each on a core of its own. */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { processCpuSeconds } from "../harness/process-figures.mjs";
import { measureOnce } from "../harness/short-programs.mjs";

const TOOL = path.join(import.meta.dirname, "../../dist/bin/etcd-benchmark.cjs");
const SERVER_CORE = "0";
const TOOL_CORE = "1";

/** A load is run once to warm up the server, then as it is and this many times as large: the difference counts. */
const LARGE = 4;

const CALLERS = ["--clients=100", "--conns=10"];
const KEYS = ["--key-space-size=10000"];

/** What is run, and how many operations that is. Of `watch` an event is one, of `watch-get` too. */
const LOADS = new Map([
  ["put", calls("put", 20_000, [...CALLERS, ...KEYS, "--val-size=256"])],
  ["range", calls("range", 100_000, ["foo", ...CALLERS])],
  ["range, serializable", calls("range", 100_000, ["foo", "--consistency=s", ...CALLERS])],
  ["txn-put", calls("txn-put", 10_000, [...CALLERS, ...KEYS, "--txn-ops=4"])],
  ["txn-mixed", calls("txn-mixed", 20_000, ["foo", ...CALLERS, ...KEYS, "--end-key=\u0001"])],
  ["lease-keepalive", calls("lease-keepalive", 50_000, CALLERS)],
  ["stm", calls("stm", 20_000, [...CALLERS, "--keys=10000"])],
  ["watch", events(1_000_000, 1000, (puts) => ["watch", `--put-total=${puts}`, ...CALLERS])],
  ["watch-latency", events(100_000, 100, (puts) => watchLatency(puts))],
  ["watch-get", events(2_000_000, 20_000, (each) => watchGet(each))],
]);

export const loadGenerator = {
  name: "load-generator",
  title: "Load generator",
  about: () =>
    "`etcd-benchmark` pinned to one core and the server to another: CPU of either for an operation, from the difference of " +
    "a small and a large run, so without what the tool takes to start. An event is an operation of the watch loads. Below 1 " +
    "the tool is the cheaper of the two.",
  columns: [
    { field: "perSecond", title: "operations/s", digits: 0 },
    { field: "toolMicros", title: "tool µs/op", digits: 2 },
    { field: "serverMicros", title: "server µs/op", digits: 2 },
    { field: "share", title: "tool / server", digits: 2 },
  ],
  rows: [...LOADS.keys()],

  async measure({ quick, startServer, stopServer, wants, record }) {
    const server = await startServer();
    execFileSync("taskset", ["-apc", SERVER_CORE, String(server.pid)]);
    const tool = ["taskset", "-c", TOOL_CORE, process.execPath, TOOL];
    const run = async (words) => {
      const serverBefore = processCpuSeconds(server.pid);
      const { wallMs, cpuMs } = await measureOnce([
        ...tool,
        `--endpoints=127.0.0.1:${server.port}`,
        ...words,
      ]);
      const serverMs = (processCpuSeconds(server.pid) - serverBefore) * 1000;
      return { wallMs, cpuMs, serverMs };
    };
    for (const [row, { words, operations }] of LOADS) {
      if (!wants(row)) continue;
      const count = quick ? Math.ceil(operations / 20) : operations;
      await run(words(count));
      const [small, large] = [await run(words(count)), await run(words(count * LARGE))];
      const each = (field) => ((large[field] - small[field]) * 1000) / (count * (LARGE - 1));
      const [toolMicros, serverMicros] = [each("cpuMs"), each("serverMs")];
      const perSecond = 1e6 / each("wallMs");
      record(row, { perSecond, toolMicros, serverMicros, share: toolMicros / serverMicros });
    }
    await stopServer(server);
  },
};

/** `count` calls of a command. */
function calls(command, operations, words) {
  return { operations, words: (count) => [command, ...words, `--total=${count}`] };
}

/** `count` events at `watchers` watchers. */
function events(operations, watchers, words) {
  return { operations, words: (count) => words(Math.ceil(count / watchers)) };
}

function watchLatency(puts) {
  return ["watch-latency", ...CALLERS, `--total=${puts}`, "--put-rate=0"];
}

function watchGet(each) {
  return ["watch-get", ...CALLERS, "--streams=10", "--watchers=20000", `--events=${each}`];
}
