/** Members that find each other at a discovery URL: by the real etcd with its v2 API, and by a stand-in. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import http from "node:http";
import type net from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ManualClock } from "../../sim/manual-clock.ts";
import { MemoryLog } from "../../sim/memory-log.ts";
import { openRegistry } from "../../src/cmd/lazy-registry.ts";
import { sha1 } from "../../src/platform/digest.ts";
import { configFromFlags, type ServerConfig } from "../../src/server/config/config.ts";
import { discoveredConfig } from "../../src/server/discovery/discovered-config.ts";
import { initialFlagValues } from "../../src/server/flags/table.ts";
import { parseServerUrls } from "../../src/server/config/server-url.ts";
import { bytesFromUtf8 } from "../../src/stdx/bytes.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { freePorts, runProgram } from "../harness/processes.ts";
import { REFERENCE } from "../harness/reference.ts";
import { connectClient } from "../harness/socket-client.ts";

const FOLDER = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-discovery-url-"));
afterAll(() => fs.rmSync(FOLDER, { recursive: true, force: true }));

function memberConfig(name: string, url: string, more: object = {}): ServerConfig {
  const values = { ...initialFlagValues(), discovery: url, "initial-cluster": "", ...more };
  const urls = parseServerUrls(`http://${name}.example.com:2380`);
  if (urls instanceof Error) throw urls;
  return { ...configFromFlags(values, "info"), name, initialAdvertisePeerUrls: urls };
}

interface Node {
  readonly key: string;
  readonly value: string;
  readonly createdIndex: number;
  readonly modifiedIndex: number;
}

/** The v2 API as far as discovery needs it. Asked as a proxy it answers itself. */
class Service {
  readonly nodes: Node[] = [];
  readonly requests: string[] = [];
  readonly #server = http.createServer((request, response) => void this.#answer(request, response));
  readonly #waiting: (() => void)[] = [];
  #index = 10;
  url = "";

  async start(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.url = `http://127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  set(key: string, value: string): Node {
    this.#index++;
    const node = { key, value, createdIndex: this.#index, modifiedIndex: this.#index };
    this.nodes.push(node);
    for (const wake of this.#waiting.splice(0)) wake();
    return node;
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    this.requests.push(`${request.method} ${request.url}`);
    const { pathname, searchParams } = new URL(request.url ?? "", this.url);
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const send = (answer: object): void => {
      response.setHeader("X-Etcd-Index", this.#index);
      response.end(JSON.stringify(answer));
    };
    const known = this.nodes.find(({ key }) => key === pathname);
    if (request.method === "PUT") {
      if (known !== undefined) send({ errorCode: 105, message: "Key already exists" });
      else send({ node: this.set(pathname, new URLSearchParams(body).get("value") ?? "") });
    } else if (searchParams.has("wait")) {
      const from = Number(searchParams.get("waitIndex"));
      const next = (): Node | undefined =>
        this.nodes.find(({ createdIndex }) => createdIndex >= from);
      while (next() === undefined) await new Promise<void>((wake) => this.#waiting.push(wake));
      send({ action: "create", node: next() });
    } else if (pathname.endsWith("/size")) {
      send(known === undefined ? { errorCode: 100, message: "Key not found" } : { node: known });
    } else {
      const nodes = [{ key: `${pathname}/_config`, dir: true }, ...this.nodes];
      send({ node: { nodes: nodes.filter(({ key }) => !key.endsWith("/size")) } });
    }
  }
}

describe("--discovery", () => {
  let service: Service;

  beforeAll(async () => {
    service = new Service();
    await service.start();
  });

  afterAll(() => service.stop());

  function join(name: string, url: string, more: object = {}, log = new MemoryLog()) {
    const environment = { clock: new ManualClock(), log, sha1, openRegistry };
    return discoveredConfig(memberConfig(name, url, more), environment);
  }

  test("all founders learn the same cluster; who comes twice or too late is told", async () => {
    const url = `${service.url}/first`;
    service.set("/first/_config/size", "2");
    const [a, b] = await Promise.all([join("a", url), join("b", url)]);
    expect(a.initialCluster).toBe(b.initialCluster);
    expect(a.initialCluster.split(",").sort()).toEqual([
      "a=http://a.example.com:2380",
      "b=http://b.example.com:2380",
    ]);
    expect(a.initialClusterToken).toBe(url);
    const failed = "failed to join discovery cluster (discovery: ";
    await expect(join("c", url)).rejects.toThrow(`${failed}cluster is full)`);
    const log = new MemoryLog();
    await expect(join("a", url, {}, log)).rejects.toThrow(`${failed}found duplicate id)`);
    expect(log.lines.map(({ message }) => message)).toContain(
      "member has been registered with discovery service",
    );
    service.nodes.length = 0;
  });

  test.each([
    [undefined, "", "size key not found"],
    ["many", "", "size key is bad"],
    ["2", "a=http://z.example.com:2380", "found duplicate name"],
    ["2", "z=nonsense", "invalid URL"],
  ])("size %s beside %j: %s", async (size, other, problem) => {
    if (size !== undefined) service.set("/t/_config/size", size);
    if (other !== "") service.set("/t/77", other);
    await expect(join("a", `${service.url}/t`)).rejects.toThrow(
      `failed to join discovery cluster (discovery: ${problem})`,
    );
    service.nodes.length = 0;
  });

  test("--discovery-proxy: the service is asked by way of it", async () => {
    service.set("/p/_config/size", "1");
    const proxy = service.url.replace("http://", "");
    const joined = await join("a", "http://discovery.example.com/p", { "discovery-proxy": proxy });
    expect(joined.initialCluster).toBe("a=http://a.example.com:2380");
    expect(service.requests).toContain("GET http://discovery.example.com/p/_config/size");
    service.nodes.length = 0;
  });

  test("what is no service, and what is no URL", async () => {
    const page = http.createServer((_, response) => response.end("<html>"));
    page.listen(0, "127.0.0.1");
    await once(page, "listening");
    const { port } = page.address() as net.AddressInfo;
    await expect(join("a", `http://127.0.0.1:${port}/x`)).rejects.toThrow(
      "discovery: bad discovery endpoint",
    );
    page.close();
    await expect(join("a", "http://a b/x")).rejects.toThrow("failed to join discovery cluster");
  });
});

describe.skipIf(REFERENCE === undefined)(
  "--discovery by the real etcd",
  { timeout: 120_000 },
  () => {
    let registry: EtcdProcess;
    let url = "";

    beforeAll(async () => {
      registry = await startEtcd({ flags: ["--enable-v2"] });
      url = `http://${registry.endpoint}/v2/keys/discovery/one`;
      await fetch(`${url}/_config/size`, {
        method: "PUT",
        body: new URLSearchParams({ value: "2" }),
      });
    }, 120_000);

    afterAll(() => registry.remove());

    test("a member of ours and a real one found a cluster", async () => {
      const ports = await freePorts(6);
      const flagsOf = (name: string, at: number): string[] => [
        `--name=${name}`,
        `--data-dir=${path.join(FOLDER, name)}`,
        `--listen-client-urls=http://127.0.0.1:${ports[at]}`,
        `--advertise-client-urls=http://127.0.0.1:${ports[at]}`,
        `--listen-peer-urls=http://127.0.0.1:${ports[at + 1]}`,
        `--initial-advertise-peer-urls=http://127.0.0.1:${ports[at + 1]}`,
        `--discovery=${url}`,
        "--discovery-fallback=exit",
      ];
      const real = [path.join(REFERENCE ?? "", "etcd")];
      const members = [OUR_ETCD, real].map(([program, ...words], at) =>
        spawn(program, [...words, ...flagsOf(at === 0 ? "ours" : "real", 2 * at)], {
          stdio: "ignore",
          env: {},
        }),
      );
      const client = connectClient([`127.0.0.1:${ports[0]}`]);
      try {
        await client.kv.put({ key: bytesFromUtf8("k"), value: bytesFromUtf8("v") });
        const { members: listed } = await client.cluster.memberList();
        expect(listed.map(({ name }) => name).sort()).toEqual(["ours", "real"]);
        for (const [program, ...words] of [OUR_ETCD, real]) {
          const late = await runProgram(program, [...words, ...flagsOf("late", 4)]);
          expect(late.code).toBe(1);
          expect(late.stderr.toString()).toContain("discovery: cluster is full");
        }
      } finally {
        client.close();
        const ended = members.map((each) => new Promise((resolve) => each.once("close", resolve)));
        for (const member of members) member.kill("SIGKILL");
        await Promise.all(ended);
      }
    });
  },
);
