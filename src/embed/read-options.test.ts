import { describe, expect, test } from "vitest";
import { FLAG_NAMES } from "../server/flags/table.ts";
import { EtcdConfigError } from "./errors.ts";
import type { EtcdOptions } from "./options.ts";
import { completeOptions, configOf, readOptions } from "./read-options.ts";

function configFor(options: EtcdOptions) {
  const read = readOptions(options);
  completeOptions(read);
  return configOf(read);
}

describe("options", () => {
  test("are etcd's flags, with their types", () => {
    const config = configFor({
      name: "a",
      dataDir: "data",
      listenClientUrls: ["http://127.0.0.1:0", "unix://socket"],
      heartbeatInterval: 10,
      electionTimeout: 100,
      grpcKeepaliveInterval: 1500,
      preVote: false,
      initialClusterState: "existing",
      featureGates: { LeaseCheckpoint: true },
      cors: "https://example.com:443",
    });
    expect(config.name).toBe("a");
    expect(config.listenClientUrls.map(({ text }) => text)).toEqual([
      "http://127.0.0.1:0",
      "unix://socket",
    ]);
    expect(config.heartbeatIntervalMs).toBe(10);
    expect(config.grpcKeepaliveIntervalMs).toBe(1500);
    expect(config.preVote).toBe(false);
    expect(config.initialClusterState).toBe("existing");
    expect(config.leaseCheckpoints).toBe("memory");
    expect(config.http.cors).toEqual(["https://example.com:443"]);
  });

  test("without any: no listener, etcd's directory", () => {
    const config = configFor({ name: "b" });
    expect(config.listenClientUrls).toEqual([]);
    expect(config.listenPeerUrls).toEqual([]);
    expect(config.advertiseClientUrls).toEqual([]);
    expect(config.dataDir).toBe("b.etcd");
  });

  test("reach every flag", () => {
    for (const flag of FLAG_NAMES) {
      const option = flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
      const wrong = { [option]: Symbol("no value of any kind") };
      expect(() => readOptions(wrong)).toThrow(`option ${option} must be a`);
    }
  });

  test.each<[string, object]>([
    ['there is no option "listenUrls"', { listenUrls: "x" }],
    ["option heartbeatInterval must be a number", { heartbeatInterval: "100" }],
    ["option listenClientUrls must be a string or an array of strings", { listenClientUrls: 2379 }],
    ["option preVote must be a boolean", { preVote: "yes" }],
    ['option maxTxnOps: invalid value "1.5": parse error', { maxTxnOps: 1.5 }],
    ['option maxTxnOps: invalid value "NaN": parse error', { maxTxnOps: Number.NaN }],
    [
      'option listenClientUrls: invalid value "127.0.0.1": URL scheme must be http, https, unix, or unixs: 127.0.0.1',
      { listenClientUrls: "127.0.0.1" },
    ],
    ["expected IP in URL for binding (http://example:1)", { listenClientUrls: "http://example:1" }],
    [
      "--election-timeout[100ms] should be at least as 5 times as --heartbeat-interval[100ms]",
      { electionTimeout: 100 },
    ],
    ['option logLevel: unrecognized level: "loud"', { logLevel: "loud" }],
    ["options temporary and dataDir cannot both be given", { temporary: true, dataDir: "x" }],
    [
      "options log and logOutputs cannot both be given",
      { log: () => undefined, logOutputs: "stderr" },
    ],
    ["option log must be a function", { log: "stderr" }],
    ["option repair: a member repairs nothing; run `etcd --repair`", { repair: true }],
    ["--proxy is not supported", { proxy: "on" }],
    [
      'invalid value "Nothing=true": unrecognized feature gate: Nothing',
      { featureGates: { Nothing: true } },
    ],
  ])("say what is wrong: %s", (message, options) => {
    expect(() => readOptions(options)).toThrow(EtcdConfigError);
    expect(() => readOptions(options)).toThrow(message);
  });
});
