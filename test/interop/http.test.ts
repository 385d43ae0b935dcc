/** HTTP of the client and metrics URLs against the real etcd's, byte for byte but for the order of headers. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import {
  type PagePorts,
  type PageRequest,
  samePage,
  untilVersionsAreDecided,
} from "../harness/http-pages.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { freePorts } from "../harness/processes.ts";
import { REFERENCE } from "../harness/reference.ts";

const START_MS = 120_000;

/** One test for each page. */
function same(what: string, ports: () => PagePorts, requests: readonly PageRequest[]): void {
  for (const request of requests) {
    test(`${what}: ${request.join(" ")}`, async () => {
      await samePage(ports(), ...request);
    });
  }
}

describe.skipIf(REFERENCE === undefined)("URLs for HTTP and for metrics", () => {
  let http: PagePorts;
  let metrics: PagePorts;
  let grpc: PagePorts;
  const servers: EtcdProcess[] = [];

  beforeAll(async () => {
    const ports = await freePorts(8);
    const [realHttp, ourHttp, realMetrics, ourMetrics] = ports;
    const [realGrpc, ourGrpc, realPeer, ourPeer] = ports.slice(4);
    const start = async (
      command: readonly string[] | undefined,
      [client, peer, httpPort, metricsPort]: readonly [number, number, number, number],
    ): Promise<void> => {
      const server = await startEtcd({
        ...(command === undefined ? {} : { command }),
        ports: [client, peer],
        healthPort: httpPort,
        flags: [
          `--listen-client-http-urls=http://127.0.0.1:${httpPort}`,
          `--listen-metrics-urls=http://127.0.0.1:${metricsPort}`,
          "--cors=http://a:1,http://b:2",
          "--host-whitelist=localhost,127.0.0.1,::1",
        ],
      });
      servers.push(server);
    };
    await Promise.all([
      start(undefined, [realGrpc, realPeer, realHttp, realMetrics]),
      start(OUR_ETCD, [ourGrpc, ourPeer, ourHttp, ourMetrics]),
    ]);
    http = { real: realHttp, ours: ourHttp };
    metrics = { real: realMetrics, ours: ourMetrics };
    grpc = { real: realGrpc, ours: ourGrpc };
    await untilVersionsAreDecided(http);
  }, START_MS);

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.remove()));
  });

  const PAGES: readonly PageRequest[] = [
    ["GET", "/version"],
    ["POST", "/version"],
    ["HEAD", "/version"],
    ["GET", "/%76ersion"],
    ["GET", "/ver%zz"],
    ["GET", "//version"],
    ["GET", "/a/../version?x=1&y"],
    ["HEAD", "//version"],
    ["POST", "//version?a=b&c"],
    ["GET", "/health"],
    ["GET", "/health?serializable=true"],
    ["GET", "/health?exclude=NOSPACE&exclude=&exclude=a;b"],
    ["DELETE", "/health"],
    ["GET", "/livez"],
    ["GET", "/livez?verbose"],
    ["HEAD", "/livez"],
    ["GET", "/livez/"],
    ["GET", "/livez/serializable_read?verbose&exclude=serializable_read"],
    ["GET", "/readyz"],
    ["GET", "/readyz/linearizable_read?verbose="],
    ["GET", "/readyz/nothing"],
    // The real one may have no such check, and tells the others in any order.
    [
      "GET",
      "/readyz?exclude=non_learner&exclude=serializable_read&exclude=data_corruption&verbose",
    ],
    ["POST", "/readyz"],
    ["POST", "/debug/vars"],
    ["GET", "/"],
    ["PUT", "/nope"],
    ["GET", "/v2/keys"],
    ["GET", "/config/local/log"],
    ["GET", "/debug/pprof/heap"],
    ["GET", "/debug/requests"],
  ];

  same("pages", () => http, PAGES);

  same("hosts", () => http, [
    ["GET", "/version", "Host: localhost:99"],
    ["GET", "/version", "Host: [::1]:99"],
    ["GET", "/version", "Host: evil.example:2379"],
    ["GET", "/version", 'Host: a"b'],
    ["GET", "/version", "Host: a:b:c"],
    ["OPTIONS", "/version", "Host: evil.example"],
  ]);

  same("origins", () => http, [
    ["GET", "/version", "Origin: http://a:1"],
    ["GET", "/version", "Origin: http://c:3"],
    ["OPTIONS", "/anything", "Origin: http://b:2"],
    ["OPTIONS", "/anything", "Origin: http://c:3"],
  ]);

  same("pages of the metrics URL", () => metrics, [
    ["GET", "/health", "Host: evil.example", "Origin: http://a:1"],
    ["GET", "/health?serializable=true"],
    ["GET", "/readyz"],
    ["GET", "/livez/serializable_read"],
    ["OPTIONS", "/health"],
    ["GET", "/version"],
    ["GET", "/debug/vars"],
    ["GET", "/metric"],
  ]);

  test("variables have the members of the real ones", async () => {
    const variables = await Promise.all(
      [http.real, http.ours].map(async (port) => {
        const answer = await fetch(`http://127.0.0.1:${port}/debug/vars`);
        expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
        return (await answer.json()) as Record<string, object>;
      }),
    );
    const [real, ours] = variables.map((each) => ({
      names: Object.keys(each),
      memory: Object.keys(each["memstats"]),
      raft: each["raft.status"],
    }));
    const anyIndex = { commit: 0, applied: 0, term: 0, progress: {} };
    expect({ ...ours, raft: { ...ours.raft, ...anyIndex } }).toEqual({
      ...real,
      raft: { ...real.raft, ...anyIndex },
    });
    const [first] = Object.values((ours.raft as { progress: object }).progress) as object[];
    expect(Object.keys(first)).toEqual(["match", "next", "state"]);
  });

  test("checks are counted", async () => {
    const counted = async (): Promise<string> => {
      const page = await fetch(`http://127.0.0.1:${metrics.ours}/metrics`);
      const lines = (await page.text()).split("\n");
      return lines
        .filter((line) => /^etcd_server_health(?:_|checks_total.*livez)/.test(line))
        .join(" ");
    };
    const numbers = async (): Promise<number[]> =>
      (await counted())
        .split(" ")
        .filter((each) => /^\d+$/.test(each))
        .map(Number);
    const [failures, successes, livez] = await numbers();
    await fetch(`http://127.0.0.1:${http.ours}/health`);
    await fetch(`http://127.0.0.1:${http.ours}/livez`);
    // The page is made anew a moment later.
    const isCounted = async (): Promise<boolean> => {
      const now = await numbers();
      return now[0] === failures && now[1] > successes && now[2] > livez;
    };
    await expect.poll(isCounted, { timeout: 30_000 }).toBe(true);
  });

  test("the client URLs have gRPC alone", async () => {
    await expect(fetch(`http://127.0.0.1:${grpc.real}/version`)).rejects.toThrow();
    await expect(fetch(`http://127.0.0.1:${grpc.ours}/version`)).rejects.toThrow();
  });
});

describe.skipIf(REFERENCE === undefined)("one URL for both", () => {
  let ports: PagePorts;
  const servers: EtcdProcess[] = [];

  beforeAll(async () => {
    const [real, ours] = await Promise.all([startEtcd(), startEtcd({ command: OUR_ETCD })]);
    servers.push(real, ours);
    const portOf = ({ endpoint }: EtcdProcess): number => Number(endpoint.split(":")[1]);
    ports = { real: portOf(real), ours: portOf(ours) };
    await untilVersionsAreDecided(ports);
  }, START_MS);

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.remove()));
  });

  same("pages", () => ports, [
    ["GET", "/version"],
    ["GET", "/version", "Host: evil.example", "Origin: http://c"],
    ["OPTIONS", "/v3/kv/range"],
    ["GET", "/health"],
    ["POST", "/nope"],
  ]);
});
