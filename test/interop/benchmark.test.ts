/** Our load generator, for a moment of each of its loads, against our server and against the real one. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Endpoints, LoadConnection } from "../../src/cmd/etcd-benchmark/load-connection.ts";
import { socketConnector } from "../../src/cmd/socket-connector.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { AuthService, KVService, LeaseService } from "../../src/wire/gen/services.ts";
import { runOurBenchmark } from "../harness/benchmark-inprocess.ts";
import { CertificateFolder } from "../harness/certificates.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { freePorts } from "../harness/processes.ts";
import { REFERENCE } from "../harness/reference.ts";
import { sleep } from "../harness/sleep.ts";

/** A report of the JSON form, as far as it does not depend on time. */
interface Report {
  readonly benchmark: string;
  readonly requests: number;
  readonly errors: Readonly<Record<string, number>>;
}

/** What a load reports: one line for each part of it. */
async function reportsOf(endpoint: string, words: readonly string[]): Promise<Report[]> {
  const all = ["--endpoints", endpoint, "-w", "json", ...words];
  const { code, stdout, stderr } = await runOurBenchmark(all);
  expect(stderr.toString()).toBe("");
  expect(code).toBe(0);
  const lines = stdout.toString().trimEnd().split("\n");
  return lines.map((line): Report => JSON.parse(line));
}

function connect(endpoint: string): Promise<LoadConnection> {
  return LoadConnection.open({
    endpoints: new Endpoints([endpoint]),
    connector: socketConnector(undefined),
    clock: systemClock,
    secure: false,
    dialTimeoutMs: 10_000,
    credentials: undefined,
  });
}

async function revisionOf(caller: LoadConnection): Promise<number> {
  const { header } = await caller.ask(KVService.range, { key: new Uint8Array([0]) });
  return header?.revision ?? 0;
}

/** Waits until a load has written. */
async function untilRevision(endpoint: string, revision: number): Promise<void> {
  const caller = await connect(endpoint);
  while ((await revisionOf(caller)) < revision) await sleep(20);
  caller.close();
}

const SERVERS = [
  { name: "our server", isThere: true, command: OUR_ETCD },
  { name: "the real server", isThere: REFERENCE !== undefined, command: undefined },
];

describe.each(SERVERS)("etcd-benchmark and $name", ({ isThere, command }) => {
  let server: EtcdProcess;
  let caller: LoadConnection;

  let secure = "";
  const made = new CertificateFolder();

  beforeAll(async () => {
    if (!isThere) return;
    const [plainPort, peerPort, securePort] = await freePorts(3);
    secure = `https://127.0.0.1:${securePort}`;
    server = await startEtcd({
      ...(command === undefined ? {} : { command }),
      ports: [plainPort, peerPort],
      flags: [
        `--listen-client-urls=http://127.0.0.1:${plainPort},${secure}`,
        `--cert-file=${made.server.certFile}`,
        `--key-file=${made.server.keyFile}`,
        `--trusted-ca-file=${made.authority.caFile}`,
        "--client-cert-auth",
      ],
    });
    caller = await connect(server.endpoint);
  }, 60_000);

  afterAll(async () => {
    made.remove();
    if (!isThere) return;
    caller.close();
    await server.remove();
  });

  const revision = (): Promise<number> => revisionOf(caller);

  test.runIf(isThere).each<{ words: string[]; reports: [string, number][]; writes: number }>([
    { words: ["put", "--total=25"], reports: [["put", 25]], writes: 25 },
    {
      words: ["put", "--total=300", "--clients=20", "--conns=3", "--key-space-size=50"],
      reports: [["put", 300]],
      writes: 300,
    },
    {
      words: ["put", "--total=20", "--rate=400", "--clients=4", "--target-leader"],
      reports: [["put", 20]],
      writes: 20,
    },
    { words: ["put", "--total=0"], reports: [["put", 0]], writes: 0 },
    {
      words: ["range", "a", "z", "--total=40", "--clients=3"],
      reports: [["range", 40]],
      writes: 0,
    },
    { words: ["range", "a", "--consistency=s", "--total=9"], reports: [["range", 9]], writes: 0 },
    {
      words: ["txn-put", "--total=40", "--txn-ops=3", "--key-space-size=7", "--clients=2"],
      reports: [["txn-put", 40]],
      writes: 40,
    },
    {
      words: ["txn-mixed", "k", "--total=30", "--rw-ratio=0", "--key-space-size=4"],
      reports: [
        ["txn-mixed-read", 0],
        ["txn-mixed-write", 30],
      ],
      writes: 30,
    },
    {
      words: ["txn-mixed", "k", "--total=30", "--rw-ratio=inf", "--consistency=s"],
      reports: [
        ["txn-mixed-read", 30],
        ["txn-mixed-write", 0],
      ],
      writes: 0,
    },
    {
      words: ["lease-keepalive", "--total=50", "--clients=3"],
      reports: [["lease-keepalive", 50]],
      writes: 0,
    },
    {
      words: ["stm", "--total=12", "--txn-wr-percent=100", "--keys=5", "--keys-per-txn=2"],
      reports: [["stm", 12]],
      writes: 12,
    },
    {
      words: ["stm", "--total=40", "--clients=8", "--isolation=ss", "--txn-wr-percent=100"],
      reports: [["stm", 40]],
      writes: 40,
    },
    {
      words: [
        ...["stm", "--total=30", "--clients=4", "--isolation=s", "--txn-wr-percent=100"],
        ...["--keys=4", "--keys-per-txn=3", "--conns=2", "--rate=2000"],
      ],
      reports: [["stm", 30]],
      writes: 30,
    },
    {
      words: ["stm", "--total=10", "--clients=3", "--isolation=c", "--txn-wr-percent=0"],
      reports: [["stm", 10]],
      writes: 0,
    },
    {
      words: ["watch-latency", "--total=8", "--clients=3", "--put-rate=200", "--conns=2"],
      reports: [["watch-latency", 24]],
      writes: 8,
    },
    {
      words: [
        ...["watch-latency", "--streams=2", "--watchers-per-stream=3", "--put-total=7"],
        ...["--put-rate=500", "--prevkv"],
      ],
      reports: [
        ["watch-latency-put", 7],
        ["watch-latency-watch", 42],
      ],
      writes: 7,
    },
    {
      words: ["range", "--prefix", "a", "--limit=3", "--count-only", "--total=5"],
      reports: [["range", 5]],
      writes: 0,
    },
    {
      words: ["range", "--prefix", "--keys-only", "--paginate", "--total=5", "--clients=2"],
      reports: [["range", 5]],
      writes: 0,
    },
    {
      words: ["put", "--total=9", "--prefix=with/", "--auto-sync-interval=10ms", "--rate=200"],
      reports: [["put", 9]],
      writes: 9,
    },
    {
      words: ["watch", "--streams=3", "--watch-per-stream=4", "--put-total=5", "--clients=2"],
      reports: [
        ["watch-create", 12],
        ["watch-events", 60],
      ],
      writes: 5,
    },
    {
      words: [
        ...["watch", "--streams=2", "--watch-per-stream=3", "--put-total=6", "--sequential-keys"],
        ...["--watched-key-total=3", "--key-space-size=3", "--put-rate=300"],
      ],
      reports: [
        ["watch-create", 6],
        ["watch-events", 12],
      ],
      writes: 6,
    },
    {
      words: ["watch", "--streams=1", "--put-total=0", "--watch-per-stream=0"],
      reports: [
        ["watch-create", 0],
        ["watch-events", 0],
      ],
      writes: 0,
    },
  ])("$words", async ({ words, reports, writes }) => {
    const before = await revision();
    const found = await reportsOf(server.endpoint, words);
    expect(found.map(({ benchmark, requests }) => [benchmark, requests])).toEqual(reports);
    for (const { errors } of found) expect(errors).toEqual({});
    expect((await revision()) - before).toBe(writes);
  });

  test.runIf(isThere)("put goes through its keys, with values of one length", async () => {
    const words = ["put", "--sequential-keys", "--key-space-size=130", "--key-size=5"];
    await reportsOf(server.endpoint, [...words, "--total=130", "--val-size=17"]);
    const asked = { key: new Uint8Array(5), rangeEnd: new Uint8Array([0xff]) };
    const { kvs } = await caller.ask(KVService.range, asked);
    const written = kvs.filter(({ key }) => key.length === 5);
    expect(written).toHaveLength(130);
    expect(written.every(({ value }) => value.length === 17)).toBe(true);
    // The signed varint of 129, and zeros.
    expect(written.some(({ key }) => Buffer.from(key).toString("hex") === "8202000000")).toBe(true);
  });

  test.runIf(isThere)("txn-mixed reads and writes", async () => {
    const words = ["txn-mixed", "k", "--total=200", "--clients=5", "--end-key=z", "--limit=3"];
    const before = await revision();
    const [reads, writes] = await reportsOf(server.endpoint, words);
    expect(reads.requests).toBeGreaterThan(0);
    expect(writes.requests).toBeGreaterThan(0);
    expect(reads.requests + writes.requests).toBe(200);
    expect((await revision()) - before).toBe(writes.requests);
  });

  test.runIf(isThere)("TLS, beside an endpoint without it", async () => {
    const files = [
      `--cacert=${made.authority.caFile}`,
      `--cert=${made.client.certFile}`,
      `--key=${made.client.keyFile}`,
    ];
    const endpoints = `${secure},http://${server.endpoint}`;
    const words = ["put", "--total=20", "--clients=4", "--conns=2"];
    const [report] = await reportsOf(endpoints, [...words, ...files]);
    expect(report).toMatchObject({ requests: 20, errors: {} });
    const { code, stderr } = await runOurBenchmark([`--endpoints=${secure}`, ...words]);
    expect(stderr.toString()).toMatch(/^dial error: transport: authentication handshake failed: /);
    expect(code).toBe(1);
  });

  test.runIf(isThere).each(["lock-client", "lock-rpc"])("stm within %s", async (locker) => {
    const words = ["stm", "--total=9", "--clients=3", "--txn-wr-percent=100"];
    const [report] = await reportsOf(server.endpoint, [...words, `--stm-locker=${locker}`]);
    expect(report).toMatchObject({ benchmark: "stm", requests: 9, errors: {} });
    const { leases } = await caller.ask(LeaseService.leaseLeases, {});
    expect(leases.length).toBeLessThanOrEqual(3);
    const locks = await caller.ask(KVService.range, {
      key: Buffer.from("stmlock/"),
      rangeEnd: Buffer.from("stmlock0"),
    });
    expect(locks.kvs).toHaveLength(0);
  });

  test.runIf(isThere)("watch-get reads while watchers catch up", async () => {
    const words = ["watch-get", "--watchers=300", "--streams=4", "--events=5", "--clients=2"];
    const [report] = await reportsOf(server.endpoint, words);
    expect(report.benchmark).toBe("watch-get");
    expect(report.requests).toBeGreaterThan(0);
    expect(report.errors).toEqual({});
  });

  test.runIf(isThere)("put compacts meanwhile, and hashes what is there", async () => {
    const words = ["put", "--total=60", "--rate=300", "--compact-interval=20ms"];
    const { code, stdout, stderr } = await runOurBenchmark([
      `--endpoints=${server.endpoint}`,
      ...words,
      "--compact-index-delta=10",
      "--check-hashkv",
    ]);
    expect([code, stderr.toString()]).toEqual([0, ""]);
    expect(stdout.toString()).toMatch(/HashKV Summary:\n\tHashKV: \d+\n\tEndpoint: 127/);
    const old = caller.ask(KVService.range, { key: new Uint8Array([0]), revision: 2 });
    await expect(old).rejects.toThrow("compacted");
  });

  // The last one: from now on every call needs a user.
  test.runIf(isThere)(
    "calls are made by the user of the flag, and only by one that may",
    async () => {
      await caller.ask(AuthService.userAdd, { name: "root", password: "r" });
      await caller.ask(AuthService.userAdd, { name: "guest", password: "g" });
      await caller.ask(AuthService.userGrantRole, { user: "root", role: "root" });
      await caller.ask(AuthService.authEnable, {});
      const words = ["put", "--total=7", "--clients=2"];
      const [ofRoot] = await reportsOf(server.endpoint, [...words, "--user=root:r"]);
      expect(ofRoot).toMatchObject({ requests: 7, errors: {} });
      const [ofGuest] = await reportsOf(server.endpoint, [...words, "--user=guest:g"]);
      expect(ofGuest).toMatchObject({
        requests: 0,
        errors: { "etcdserver: permission denied": 7 },
      });
      const { code, stderr } = await runOurBenchmark(
        [`--endpoints=${server.endpoint}`, ...words, "--user=root"],
        { input: Buffer.from("wrong\n") },
      );
      expect(stderr.toString()).toBe(
        "dial error: etcdserver: authentication failed, invalid user ID or password\n",
      );
      expect(code).toBe(1);
    },
  );
});

test.each([
  { words: ["put", "--rate=400"], name: "put" },
  { words: ["stm", "--rate=400", "--txn-wr-percent=100"], name: "stm" },
  { words: ["watch-latency", "--put-rate=400"], name: "watch-latency" },
  { words: ["watch", "--put-rate=400", "--put-total=100000"], name: "watch-events" },
])("$name reports what was done when it is interrupted", async ({ words, name }) => {
  const [port, peerPort] = await freePorts(2);
  const server = await startEtcd({ command: OUR_ETCD, ports: [port, peerPort] });
  const all = [`--endpoints=${server.endpoint}`, "-w", "json", "--clients=3", ...words];
  const interrupted = untilRevision(server.endpoint, 50);
  const { code, stdout, stderr } = await runOurBenchmark(all, { interrupted });
  expect([code, stderr.toString()]).toEqual([130, ""]);
  const reports = stdout.toString().trimEnd().split("\n");
  const last: Report = JSON.parse(reports[reports.length - 1]);
  expect(last.benchmark).toBe(name);
  expect(last.requests).toBeGreaterThan(0);
  expect(last.errors).toEqual({});
  await server.remove();
});

test("a load ends when its server is gone for good, and says why", async () => {
  const [port, peerPort] = await freePorts(2);
  const server = await startEtcd({ command: OUR_ETCD, ports: [port, peerPort] });
  const load = reportsOf(server.endpoint, ["put", "--total=100", "--rate=100", "--clients=4"]);
  await untilRevision(server.endpoint, 5);
  await server.stop("SIGKILL");
  const [{ requests, errors }] = await load;
  const failed = Object.values(errors).reduce((sum, count) => sum + count, 0);
  expect(requests + failed).toBe(100);
  expect(Object.keys(errors).join()).toContain(
    'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing',
  );
  await server.remove();
}, 60_000);

test("a load goes on when its server comes back", async () => {
  const ports = await freePorts(2);
  const first = await startEtcd({ command: OUR_ETCD, ports: [ports[0], ports[1]] });
  const words = ["put", "--total=1500", "--rate=1000", "--clients=10", "--conns=2"];
  let isOver = false;
  const load = reportsOf(first.endpoint, words).finally(() => {
    isOver = true;
  });
  await sleep(300);
  expect(isOver).toBe(false);
  await first.stop("SIGKILL");
  const options = { command: OUR_ETCD, dataDir: first.dataDir };
  const second = await startEtcd({ ...options, ports: [ports[0], ports[1]] });
  const [{ requests, errors }] = await load;
  const failed = Object.values(errors).reduce((sum, count) => sum + count, 0);
  expect(requests + failed).toBe(1500);
  // A caller without a connection waits: it does not fail again and again.
  expect(failed).toBeLessThan(requests);
  await second.remove();
}, 60_000);

const NOWHERE = "--endpoints=127.0.0.1:1";

test.each([
  [["put", "--key-space-size=0"], 1, "expected positive --key-space-size, got (0)\n"],
  [["put", "--key-size=1", "--key-space-size=65"], 1, "expected --key-size of at least 2 for 65"],
  [["put", "--clients=0"], 1, "expected positive --clients, got (0)\n"],
  [["put", "-w", "xml"], 1, "expected --write-out simple or json, got (xml)\n"],
  [["put", "--cert=a"], 1, "bad tls config: KeyFile and CertFile must both be present"],
  [["put", NOWHERE], 1, "dial error: transport: Error while dialing: dial tcp 127.0.0.1:1: "],
  [["txn-put", "--txn-ops=2"], 1, "expected --txn-ops no larger than --key-space-size, got txn-"],
  [["txn-mixed", "k", "--rw-ratio=-1"], 1, "expected --rw-ratio of at least 0, got (-1)\n"],
  [
    ["txn-mixed", "--rw-ratio=x"],
    255,
    'Error: invalid argument "x" for "--rw-ratio" flag: strconv.',
  ],
  [["stm", "--keys-per-txn=2"], 1, "expected --keys-per-txn between 0 and 1, got (2)\n"],
  [["stm", "--txn-wr-percent=101"], 1, "expected [0, 100] --txn-wr-percent, got (101)\n"],
  [["stm", "--isolation=x"], 1, "Usage:\n  etcd-benchmark stm [flags]\n"],
  [["stm", "--stm-locker=x"], 1, 'unexpected stm locker "x"\n'],
  [["range"], 1, "Usage:\n  etcd-benchmark range key [end-range] [flags]\n"],
  [["range", "a", "--consistency=x"], 1, "Usage:\n  etcd-benchmark range key"],
  [["range", "a", "--stream"], 1, "--stream needs RangeStream, which etcd 3.5 does not have\n"],
  [["range", "a", "--paginate", "--limit=1"], 1, "--paginate and --limit are mutually exclusive\n"],
  [
    ["range", "a", "--keys-only", "--count-only"],
    1,
    "`--keys-only` and `--count-only` cannot be set at the same time\n",
  ],
  [["put", "--nope"], 255, "Error: unknown flag: --nope\nUsage:\n  etcd-benchmark put [flags]\n"],
  [["putt"], 255, 'Error: unknown command "putt" for "etcd-benchmark"\n'],
])("%j is refused", async (words, expectedCode, message) => {
  const { code, stdout, stderr } = await runOurBenchmark(words);
  expect(stdout.toString()).toBe("");
  expect(stderr.toString().slice(0, message.length)).toBe(message);
  expect(code).toBe(expectedCode);
});

test("a shell is offered commands and flags, and the script for it", async () => {
  const offered = async (...words: string[]): Promise<string> =>
    (await runOurBenchmark(["__completeNoDesc", ...words])).stdout.toString();
  expect(await offered("watch-")).toBe("watch-get\nwatch-latency\n:4\n");
  expect(await offered("put", "--check")).toBe("--check-hashkv\n:4\n");
  const { code, stdout } = await runOurBenchmark(["completion", "fish"]);
  expect(code).toBe(0);
  expect(stdout.toString()).toContain("set -l program $words[1]");
  expect(stdout.toString()).not.toMatch(/set -[a-z] __etcd-/);
});

test.each([[[]], [["--help"]], [["help"]]])("%j is answered with the commands", async (words) => {
  const { code, stdout } = await runOurBenchmark(words);
  expect(code).toBe(0);
  expect(stdout.toString()).toContain("Usage:\n  etcd-benchmark [command]\n");
  expect(stdout.toString()).toContain("  put ");
});
