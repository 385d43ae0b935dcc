/**
 * etcdctl lock and elect: ours and the real one say the same on both servers, and exclude each other in a cluster
 * of both, together with clients that call the services, while holders are killed and leaders change.
 */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Mutex } from "../../src/client/mutex.ts";
import { openSession } from "../../src/client/session.ts";
import { GrpcCode } from "../../src/errors/codes.ts";
import { EtcdError } from "../../src/errors/etcd-error.ts";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import { identify } from "../harness/etcdctl-comparison.ts";
import { type Conversation, converse } from "../harness/etcdctl-conversation.ts";
import type { ClusterIdentity } from "../harness/etcdctl-mask.ts";
import { type EtcdCluster, withCluster } from "../harness/etcd-cluster.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD, OUR_ETCDCTL } from "../harness/our-etcd.ts";
import { REFERENCE } from "../harness/reference.ts";
import { sleep } from "../harness/sleep.ts";

const REAL_ETCDCTL = [path.join(REFERENCE ?? "", "etcdctl")];

function conversation(words: readonly string[], rest: Partial<Conversation> = {}): Conversation {
  const args = ["--endpoints={endpoint}", ...words];
  return { name: words.join(" "), args, steps: [], ...rest };
}

const LEADER = { run: ["put", "o/1", "first"] };

/** In an order in which each finds the queues empty, but for leases of those before. */
const CONVERSATIONS: readonly Conversation[] = [
  conversation(["lock", "a"], { steps: [{ lines: 2 }], end: "SIGINT" }),
  conversation(["lock", "a", "--ttl=3"], { steps: [{ lines: 2 }], end: "SIGTERM" }),
  conversation(["lock", "b", "-w", "json"], { steps: [{ lines: 1 }], end: "SIGINT" }),
  conversation(["lock", "c", "-w", "fields"], { steps: [{ lines: 12 }], end: "SIGINT" }),
  conversation(["lock", "d", "-w", "table"]),
  conversation(["lock", "a", "--", "sh", "-c", "echo $ETCD_LOCK_KEY $ETCD_LOCK_REV; exit 7"]),
  conversation(["lock", "a", "printenv", "ETCD_LOCK_KEY"], {
    environment: { ETCD_LOCK_KEY: "from outside" },
  }),
  conversation(["lock", "a", "--", "sh", "-c", "kill -9 $$"]),
  conversation(["lock", "a", "no-such-program"]),
  conversation(["lock", "a", "--ttl=9000000001", "true"]),
  conversation(["lock"]),
  conversation(["elect", "e", "v"], { steps: [{ lines: 2 }], end: "SIGINT" }),
  conversation(["elect", "e", "w", "-w", "json"], { steps: [{ lines: 1 }], end: "SIGTERM" }),
  conversation(["elect", "o", "-l"], {
    steps: [LEADER, { lines: 2 }, { run: ["put", "o/1", "next"] }, { lines: 4 }],
    end: "SIGINT",
  }),
  conversation(["elect", "o"]),
  conversation(["elect", "o", "p", "-l"]),
  conversation(["elect"]),
  conversation(["elect", "--help"]),
  conversation(["lock", "--help"]),
];

describe.skipIf(REFERENCE === undefined)("etcdctl lock and elect", () => {
  /** Pairs of servers on which both tools begin alike: real and ours. */
  let servers: EtcdProcess[] = [];
  let identities: ClusterIdentity[] = [];

  beforeAll(async () => {
    servers = await Promise.all([
      startEtcd(),
      startEtcd(),
      startEtcd({ command: OUR_ETCD }),
      startEtcd({ command: OUR_ETCD }),
    ]);
    identities = await Promise.all(servers.map((server) => identify(server, 1)));
  }, 60_000);

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.remove()));
  });

  test.each(CONVERSATIONS)(
    "say the same: $name",
    async (each) => {
      const outcomes = await Promise.all(
        [REAL_ETCDCTL, OUR_ETCDCTL, REAL_ETCDCTL, OUR_ETCDCTL].map(async (tool, at) => {
          const { stdout, stderr, ...rest } = await converse(tool, each, identities[at]);
          return { ...rest, stdout: withoutLeases(stdout), stderr: withoutLeases(stderr) };
        }),
      );
      for (const outcome of outcomes.slice(1)) expect(outcome).toEqual(outcomes[0]);
    },
    60_000,
  );
});

/** Ids of leases are the server's choice. */
function withoutLeases(text: string): string {
  return text
    .replaceAll(/\/[0-9a-f]{15,16}/g, "/<lease>")
    .replaceAll(/("lease":|"Lease" : )[0-9]{17,}/g, "$1<lease>")
    .replaceAll(/("key":")[^"]+/g, "$1<key>");
}

/** Does what may be done twice again when a change of the leader has swallowed it. */
async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof EtcdError) || error.code !== GrpcCode.Unavailable) throw error;
    }
  }
}

/** Work that must not overlap, by processes that hold the lock. */
class Job {
  readonly file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "etcd-lock-")), "journal");

  /** What shows who was there: each line comes alone. */
  get journal(): string[] {
    return fs.existsSync(this.file) ? fs.readFileSync(this.file, "utf8").trim().split("\n") : [];
  }

  /** Takes the lock with a tool and does the work; resolves with the exit code. */
  run(tool: readonly string[], endpoint: string, name: string, seconds = "0.02"): Promise<number> {
    const script = `echo in ${name} >> ${this.file}; sleep ${seconds}; echo out ${name} >> ${this.file}`;
    const [file, ...words] = tool;
    const flags = [`--endpoints=${endpoint}`, "lock", "job", "--ttl=3", "--", "sh", "-c", script];
    const child = spawn(file, [...words, ...flags], { env: { PATH: process.env["PATH"] } });
    return new Promise((resolve) => {
      child.once("close", (code) => resolve(code ?? -1));
    });
  }

  /** The same by our library. */
  async work(cluster: EtcdCluster, at: number, name: string): Promise<number> {
    const client = cluster.clientOf(cluster.members[at]);
    const session = await retried(() => openSession(client, { ttlSeconds: 30 }));
    const mutex = new Mutex(client, session, bytesFromLatin1("job"));
    const { revision } = await retried(() => mutex.lock());
    fs.appendFileSync(this.file, `in ${name}\n`);
    await sleep(20);
    fs.appendFileSync(this.file, `out ${name}\n`);
    const fenced = await retried(() => client.kv.txn({ compare: [mutex.isHeld()] }));
    expect(fenced.succeeded).toBe(true);
    await retried(() => mutex.unlock());
    session.orphan();
    return revision;
  }

  remove(): void {
    fs.rmSync(path.dirname(this.file), { recursive: true, force: true });
  }
}

test.skipIf(REFERENCE === undefined)(
  "holders of all kinds exclude each other in a cluster of both",
  async () => {
    const job = new Job();
    try {
      await withCluster({ members: ["ours", "real", "ours"] }, async (cluster) => {
        const endpointOf = (at: number): string => cluster.members[at].endpoint;
        const rounds = Array.from({ length: 2 }, (_, round) => [
          job.run(REAL_ETCDCTL, endpointOf(round), `real ${round}`),
          job.run(OUR_ETCDCTL, endpointOf(round + 1), `ours ${round}`),
          job.work(cluster, round, `library ${round}`),
          job.work(cluster, 2 - round, `library too ${round}`),
        ]);
        await sleep(300);
        const leader = await cluster.untilLeader();
        await cluster.moveLeader(cluster.members.find((member) => member !== leader) ?? leader);
        const ended = await Promise.all(rounds.flat());
        expect(ended.filter((code) => code < 0)).toEqual([]);
        await killedHolder(job, endpointOf(0), endpointOf(1));
      });
      const lines = job.journal;
      expect(lines.length).toBeGreaterThanOrEqual(10);
      for (let at = 0; at + 1 < lines.length; at += 2) {
        expect(lines[at]).toMatch(/^in /);
        expect(lines[at + 1]).toBe(lines[at].replace("in", "out"));
      }
    } finally {
      job.remove();
    }
  },
  120_000,
);

/** Whoever waits behind a holder that was killed has its turn when the lease has ended. */
async function killedHolder(job: Job, first: string, second: string): Promise<void> {
  const args = [`--endpoints=${first}`, "lock", "job", "--ttl=3"];
  const [file, ...words] = OUR_ETCDCTL;
  const holder = spawn(file, [...words, ...args], { env: { PATH: process.env["PATH"] } });
  await new Promise((resolve) => {
    holder.stdout.once("data", resolve);
  });
  const waiting = job.run(REAL_ETCDCTL, second, "after the killed one");
  holder.kill("SIGKILL");
  expect(await waiting).toBe(0);
}
