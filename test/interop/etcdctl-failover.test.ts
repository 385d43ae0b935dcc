/** etcdctl and servers that are silent, hang up, or fall silent later; told as by the real one where that is there. */
import { spawn } from "node:child_process";
import dns from "node:dns/promises";
import net from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { maskedOutcome, realEtcdctl, type Tool } from "../harness/etcdctl-comparison.ts";
import { runOurEtcdctl } from "../harness/etcdctl-inprocess.ts";
import type { MaskedOutcome } from "../harness/etcdctl-mask.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD, OUR_ETCDCTL } from "../harness/our-etcd.ts";
import { REFERENCE } from "../harness/reference.ts";
import { startDnsServer } from "../harness/dns-server.ts";
import { Relay } from "../harness/relay.ts";

const TOOLS: readonly Tool[] =
  REFERENCE === undefined ? [runOurEtcdctl] : [runOurEtcdctl, realEtcdctl];

let server: EtcdProcess | undefined;
const listeners: net.Server[] = [];

/** Listens with `onConnection`; the address. */
async function listen(onConnection: (socket: net.Socket) => void): Promise<string> {
  const listener = net.createServer(onConnection);
  listeners.push(listener);
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", () => resolve()));
  const address = listener.address();
  return `127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

beforeAll(async () => {
  server = await startEtcd({ command: OUR_ETCD });
}, 60_000);

afterAll(async () => {
  for (const listener of listeners) listener.close();
  await server?.remove();
});

/** What every tool says; all the same. */
async function said(silent: string, ...args: string[]): Promise<MaskedOutcome> {
  const endpoint = server?.endpoint ?? "";
  const identity = {
    clusterId: 1n << 80n,
    memberId: 1n << 81n,
    endpoint,
    peer: "peer",
    dead: silent,
  };
  const line = { args: args.map((word) => word.replace("{live}", "{endpoint}")) };
  const [ours, real] = await Promise.all(TOOLS.map((tool) => maskedOutcome(tool, line, identity)));
  if (real !== undefined) expect(ours).toEqual(real);
  return ours;
}

describe("etcdctl, of several endpoints", () => {
  test("passes over those that are silent", async () => {
    const sockets: net.Socket[] = [];
    const silent = await listen((socket) => {
      socket.on("error", () => undefined);
      sockets.push(socket);
    });
    const short = "--command-timeout=500ms";
    const alone = await said(silent, "--endpoints={dead}", short, "get", "a");
    expect(alone.code).toBe(1);
    expect(alone.stderr).toContain("received context error while waiting for new LB policy update");
    expect(alone.stderr).toMatch(/\nError: context deadline exceeded\n$/);
    await said(silent, "--endpoints={dead}", "--dial-timeout=500ms", "--user=a:b", "get", "a");
    await said(silent, "--endpoints={dead}", short, "endpoint", "status");
    await said(silent, "--endpoints={dead}", short, "endpoint", "health", "-w", "json");
    for (const words of [
      ["put", "a", "b"],
      ["get", "a"],
      ["lease", "list"],
      ["member", "list"],
    ]) {
      const both = await said(silent, "--endpoints={dead},{live}", ...words);
      expect([both.code, both.stderr]).toEqual([0, ""]);
    }
    for (const socket of sockets) socket.destroy();
  }, 60_000);

  test("passes over those that hang up", async () => {
    const rude = await listen((socket) => socket.end());
    for (let i = 0; i < 5; i++) {
      expect((await said(rude, "--endpoints={dead},{live}", "get", "a")).code).toBe(0);
    }
  }, 60_000);

  test("gives up a connection that falls silent, after the times of its keepalive flags", async () => {
    const [host, port] = (server?.endpoint ?? "").split(":");
    let isHeld = false;
    const rule = { isHeld: false, delayMs: 0 };
    const relays = new Set<Relay>();
    const address = await listen((near) => {
      // Only what is connected before falls silent.
      const held = { isHeld: true, delayMs: 0 };
      const mayHold = !isHeld;
      const now = (): typeof rule => (mayHold && isHeld ? held : rule);
      const relay = new Relay(
        near,
        net.connect(Number(port), host),
        { forth: now, back: now },
        (gone) => relays.delete(gone),
      );
      relays.add(relay);
    });
    const [file, ...words] = OUR_ETCDCTL;
    const keepalive = ["--keepalive-time=10s", "--keepalive-timeout=1s"];
    const watch = spawn(file, [...words, `--endpoints=${address}`, ...keepalive, "watch", "w"]);
    let seen = "";
    watch.stdout.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
    });
    const until = async (text: string): Promise<void> => {
      const endMs = Date.now() + 60_000;
      for (let i = 0; !seen.includes(text); i++) {
        if (Date.now() > endMs) throw new Error(`Waited for ${text} in vain: ${seen}`);
        // Before the watch is there, an event may be too early for it.
        if (!isHeld && i % 10 === 0) await said("", "--endpoints={live}", "put", "w", "first");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    try {
      await until("first");
      isHeld = true;
      for (const relay of relays) relay.changed();
      await said("", "--endpoints={live}", "put", "w", "second");
      await until("second");
    } finally {
      watch.kill();
      for (const relay of relays) relay.break();
    }
  }, 120_000);
});

describe("etcdctl, by DNS", () => {
  test("finds endpoints in SRV records, and leaves out those in the clear where it shall", async () => {
    const port = Number(server?.endpoint.split(":")[1]);
    const record = { target: "localhost.", port, priority: 0, weight: 0 };
    const names = await startDnsServer({
      "_etcd-client._tcp.plain.test": [record],
      "_etcd-client-blue._tcp.plain.test": [record],
    });
    const before = dns.getServers();
    dns.setServers([names.address]);
    const run = async (...words: string[]): Promise<[number, string, string]> => {
      const { code, stdout, stderr } = await runOurEtcdctl([...words, "--command-timeout=2s"]);
      return [code, stdout.toString(), stderr.toString()];
    };
    try {
      const put = ["put", "found", "by name"];
      expect(await run(...put, "--discovery-srv=plain.test")).toEqual([0, "OK\n", ""]);
      const blue = ["-d", "plain.test", "--discovery-srv-name=blue"];
      expect(await run("get", "found", ...blue)).toEqual([0, "found\nby name\n", ""]);
      const [code, , error] = await run(
        "get",
        "found",
        "-d",
        "plain.test",
        "--discovery-srv-name=red",
      );
      expect([code, error]).toEqual([
        1,
        expect.stringMatching(
          /^Error: dns lookup errors: lookup _etcd-client-ssl-red\._tcp\.plain\.test on \S+: no such host and lookup _etcd-client-red\._tcp\.plain\.test on \S+: no such host\n$/,
        ) as string,
      ]);
      // Then the endpoints of the flag are left, and TLS for them, which is not spoken here.
      const secure = ["--insecure-discovery=false", `--endpoints=${server?.endpoint}`];
      const refused = await run("get", "found", "-d", "plain.test", ...secure);
      expect(refused[0]).toBe(1);
      expect(refused[2]).toContain(
        `ignoring discovered insecure endpoint "http://localhost.:${port}"\n`,
      );
    } finally {
      dns.setServers(before);
      names.close();
    }
  }, 60_000);
});
