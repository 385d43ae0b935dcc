/** A cluster of ours as the discovery service at which the members of another one find each other. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../../src/client/client.ts";
import { clientOptionsOf, openClientRegistry } from "../../src/cmd/discovery-registry.ts";
import { bytesFromUtf8 } from "../../src/stdx/bytes.ts";
import { CertificateFolder } from "../harness/certificates.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { freePorts, runProgram } from "../harness/processes.ts";
import { connectClient } from "../harness/socket-client.ts";

const FOLDER = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-discovery-"));

describe("v3 discovery", { timeout: 120_000 }, () => {
  let registry: EtcdProcess;
  let client: Client;

  beforeAll(async () => {
    registry = await startEtcd({ command: OUR_ETCD });
    client = connectClient([registry.endpoint]);
  }, 120_000);

  afterAll(async () => {
    client.close();
    await registry.remove();
    fs.rmSync(FOLDER, { recursive: true });
  });

  function flagsOf(name: string, clientPort: number, peerPort: number): string[] {
    const clientUrl = `http://127.0.0.1:${clientPort}`;
    const peerUrl = `http://127.0.0.1:${peerPort}`;
    return [
      `--name=${name}`,
      `--data-dir=${path.join(FOLDER, name)}`,
      `--listen-client-urls=${clientUrl}`,
      `--advertise-client-urls=${clientUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--discovery-endpoints=${registry.endpoint}`,
      "--discovery-token=one",
    ];
  }

  const size = (value: string): Promise<unknown> =>
    client.kv.put({
      key: bytesFromUtf8("/_etcd/registry/one/_config/size"),
      value: bytesFromUtf8(value),
    });

  test("two members found one cluster, and a third one is told that it is full", async () => {
    await size("2");
    const ports = await freePorts(6);
    const members = ["a", "b"].map((name, at) => {
      const [program, ...words] = OUR_ETCD;
      const flags = flagsOf(name, ports[2 * at], ports[2 * at + 1]);
      return spawn(program, [...words, ...flags], { stdio: "ignore" });
    });
    const own = connectClient([`127.0.0.1:${ports[0]}`]);
    try {
      // Waits until there is a quorum of the two.
      await own.kv.put({ key: bytesFromUtf8("k"), value: bytesFromUtf8("v") });
      const { members: listed } = await own.cluster.memberList();
      expect(listed.map(({ name }) => name).sort()).toEqual(["a", "b"]);
      const [program, ...words] = OUR_ETCD;
      const late = await runProgram(program, [...words, ...flagsOf("c", ports[4], ports[5])]);
      expect(late.code).toBe(1);
      expect(late.stderr.toString()).toContain(
        "failed to join discovery cluster (discovery: cluster is full)",
      );
    } finally {
      own.close();
      const ended = members.map(
        (member) => new Promise((resolve) => member.once("close", resolve)),
      );
      for (const member of members) member.kill("SIGKILL");
      await Promise.all(ended);
    }
  });
});

describe("a discovery service with TLS and users", { timeout: 120_000 }, () => {
  const made = new CertificateFolder();
  let service: EtcdProcess;
  let securePort = 0;
  const rest = {
    url: "",
    proxy: "",
    srv: "",
    srvName: "",
    token: "one",
    dialTimeoutMs: 2000,
    requestTimeoutMs: 5000,
    keepaliveTimeMs: 2000,
    keepaliveTimeoutMs: 6000,
    insecureTransport: true,
    insecureSkipVerify: false,
    certFile: "",
    keyFile: "",
    caFile: "",
    user: "",
    password: "",
  };

  beforeAll(async () => {
    const ports = await freePorts(3);
    securePort = ports[2];
    const { server, authority } = made;
    const flags = [
      `--listen-client-urls=http://127.0.0.1:${ports[0]},https://127.0.0.1:${securePort}`,
      `--cert-file=${server.certFile}`,
      `--key-file=${server.keyFile}`,
      `--trusted-ca-file=${authority.caFile}`,
      "--client-cert-auth",
    ];
    service = await startEtcd({ command: OUR_ETCD, flags, ports: [ports[0], ports[1]] });
  }, 120_000);

  afterAll(async () => {
    await service.remove();
    made.remove();
  });

  test("--discovery-cert, -key, -cacert and -insecure-transport", async () => {
    const endpoints = [`127.0.0.1:${securePort}`];
    const secure = {
      ...rest,
      endpoints,
      insecureTransport: false,
      certFile: made.client.certFile,
      keyFile: made.client.keyFile,
      caFile: made.authority.caFile,
    };
    const opened = await openClientRegistry(secure);
    await opened.put("/a/1", "x=y");
    expect(await opened.get("/a/1")).toBe("x=y");
    const { entries, revision } = await opened.list("/a/");
    expect(entries.map(({ key }) => key)).toEqual(["/a/1"]);
    const seen: string[] = [];
    const watching = opened.watch("/a/", revision + 1, ({ value }) => seen.push(value) === 2);
    await opened.put("/a/2", "two");
    await opened.put("/b", "elsewhere");
    await opened.put("/a/3", "three");
    await watching;
    expect(seen).toEqual(["two", "three"]);
    opened.close();

    const skipping = { ...secure, caFile: "", insecureSkipVerify: true };
    const unchecked = await openClientRegistry(skipping);
    expect(await unchecked.get("/a/1")).toBe("x=y");
    unchecked.close();
    const strict = { ...secure, caFile: made.otherAuthority().caFile, requestTimeoutMs: 500 };
    const distrustful = await openClientRegistry(strict);
    await expect(distrustful.get("/a/1")).rejects.toThrow(/authority|deadline/);
    distrustful.close();
    const missing = { ...secure, caFile: "/nowhere/ca.pem" };
    await expect(openClientRegistry(missing)).rejects.toThrow("no such file or directory");
  });

  test("--discovery-user and -password", async () => {
    const admin = connectClient([service.endpoint]);
    await admin.auth.userAdd({ name: "root", password: "secret" });
    await admin.auth.userGrantRole("root", "root");
    await admin.auth.enable();
    admin.close();
    const plain = { ...rest, endpoints: [service.endpoint] };
    for (const user of [{ user: "root:secret" }, { user: "root", password: "secret" }]) {
      const opened = await openClientRegistry({ ...plain, ...user });
      await opened.put("/u", "v");
      expect(await opened.get("/u")).toBe("v");
      opened.close();
    }
    await expect(openClientRegistry({ ...plain, user: "root:wrong" })).rejects.toThrow(
      "authentication failed, invalid user ID or password",
    );
    const nobody = await openClientRegistry(plain);
    await expect(nobody.get("/u")).rejects.toThrow("user name is empty");
    nobody.close();
  });

  test("--discovery-request-timeout and -dial-timeout: a service that does not answer is given up", async () => {
    const silent = net.createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as net.AddressInfo;
    const opened = await openClientRegistry({
      ...rest,
      endpoints: [`127.0.0.1:${port}`],
      requestTimeoutMs: 200,
    });
    await expect(opened.get("/a")).rejects.toThrow("context deadline exceeded");
    opened.close();

    const asking = openClientRegistry({
      ...rest,
      endpoints: [`127.0.0.1:${port}`],
      dialTimeoutMs: 200,
      user: "a:b",
    });
    await expect(asking).rejects.toThrow("context deadline exceeded");
    silent.close();
  });

  test("--discovery-keepalive-time and -timeout are those of its client", () => {
    const settings = {
      ...rest,
      endpoints: ["a:1"],
      keepaliveTimeMs: 11_000,
      keepaliveTimeoutMs: 7,
    };
    expect(clientOptionsOf(settings)).toMatchObject({
      endpoints: ["a:1"],
      secure: false,
      dialTimeoutMs: 2000,
      keepaliveTimeMs: 11_000,
      keepaliveTimeoutMs: 7,
    });
  });
});
