/** A cluster of ours as the discovery service at which the members of another one find each other. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../../src/client/client.ts";
import { bytesFromUtf8 } from "../../src/stdx/bytes.ts";
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
