/** `etcd gateway`: the real clients through ours, servers that come and go, and the words of both programs. */
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { freePorts, runProgram } from "../harness/processes.ts";
import { type ProxyProcess, startProxy } from "../harness/proxy-process.ts";
import { REFERENCE, runReference } from "../harness/reference.ts";

/** The real one may be of a release before them. */
function withoutNewFlags(text: string): string {
  return text.replaceAll(/^ +--tls-m(?:in|ax)-version .*\n/gm, "");
}

const REAL = path.join(REFERENCE ?? "", "etcd");

describe.skipIf(REFERENCE === undefined)("etcd gateway", () => {
  const running: (EtcdProcess | ProxyProcess)[] = [];

  afterEach(async () => {
    for (const each of running.splice(0)) await ("remove" in each ? each.remove() : each.stop());
  });

  test("carries clients to a server, and to another one when that has ended", async () => {
    const servers = await Promise.all([startEtcd(), startEtcd()]);
    running.push(...servers);
    const [port] = await freePorts(1);
    const endpoints = servers.map(({ endpoint }) => `http://${endpoint}`).join(",");
    const words = ["gateway", "start", `--endpoints=${endpoints}`, "--retry-delay=200ms"];
    const listen = `--listen-addr=127.0.0.1:${port}`;
    const gateway = await startProxy(
      [...OUR_ETCD, ...words, listen],
      "ready to proxy client requests",
    );
    running.push(gateway);
    const get = (): ReturnType<typeof runReference> =>
      runReference("etcdctl", [
        `--endpoints=127.0.0.1:${port}`,
        "get",
        "name",
        "--print-value-only",
      ]);
    for (const [index, { endpoint }] of servers.entries()) {
      await runReference("etcdctl", [`--endpoints=${endpoint}`, "put", "name", `server ${index}`]);
    }
    expect(new Set([(await get()).stdout, (await get()).stdout])).toEqual(
      new Set(["server 0\n", "server 1\n"]),
    );
    await servers[0].stop("SIGKILL");
    for (let round = 0; round < 3; round++) expect((await get()).stdout).toBe("server 1\n");
    expect(gateway.log()).toContain("deactivated endpoint");
    const [client, peer] = [servers[0].endpoint, "127.0.0.1:0"].map((each) =>
      Number(each.split(":")[1]),
    );
    running.push(await startEtcd({ ports: [client, peer], dataDir: servers[0].dataDir }));
    while (!gateway.log().includes('"msg":"activated"'))
      await new Promise((go) => setTimeout(go, 20));
    expect(new Set([(await get()).stdout, (await get()).stdout])).toEqual(
      new Set(["server 0\n", "server 1\n"]),
    );
  });

  test.each([
    ["gateway"],
    ["gateway -h"],
    ["gateway nothing"],
    ["gateway start --help"],
    ["gateway start --nothing"],
    ["gateway start --retry-delay 5"],
    ["gateway start --endpoints one"],
    ["gateway start --listen-addr one"],
    ["gateway start --listen-addr 127.0.0.1:23790 --endpoints localhost:23790"],
    ["grpc-proxy"],
    ["grpc-proxy start --help"],
    ["grpc-proxy start --max-concurrent-streams=4294967296"],
    ["grpc-proxy start --resolver-ttl=5"],
    ["grpc-proxy start --resolver-prefix=a"],
    ["grpc-proxy start --resolver-prefix=a --resolver-ttl=1 --advertise-client-url="],
    ["grpc-proxy start --auto-tls --self-signed-cert-validity=0"],
  ])("says the same: etcd %s", async (line) => {
    const [file, ...words] = OUR_ETCD;
    const environment = {};
    const real = await runProgram(REAL, line.split(" "), { environment });
    const ours = await runProgram(file, [...words, ...line.split(" ")], { environment });
    const shown = ({ code, stdout, stderr }: typeof real): object => ({
      code,
      stdout: withoutNewFlags(stdout.toString()),
      stderr: withoutNewFlags(stderr.toString()).replaceAll(/^\{.*\}\n/gm, ""),
    });
    expect(shown(ours)).toEqual(shown(real));
  });
});
