/** `etcdctl make-mirror` from a revision on, and over transactions that the destination would refuse at once. */
import { type ChildProcess, spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runOurEtcdctl } from "../harness/etcdctl-inprocess.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCDCTL } from "../harness/our-etcd.ts";
import { REFERENCE } from "../harness/reference.ts";
import { sleep } from "../harness/sleep.ts";

/** Above what a server takes in one transaction by default. */
const CHANGES = 300;

describe.skipIf(REFERENCE === undefined)("etcdctl make-mirror", () => {
  let servers: EtcdProcess[] = [];
  const mirrors: ChildProcess[] = [];

  const run = async (at: number, words: readonly string[], input = ""): Promise<string> => {
    const args = [`--endpoints=${servers[at].endpoint}`, ...words];
    return (await runOurEtcdctl(args, { input: Buffer.from(input) })).stdout.toString();
  };

  beforeAll(async () => {
    servers = await Promise.all([startEtcd({ flags: ["--max-txn-ops=1000"] }), startEtcd()]);
  }, 60_000);

  afterAll(async () => {
    for (const mirror of mirrors) mirror.kill("SIGKILL");
    await Promise.all(servers.map((server) => server.remove()));
  });

  test("begins at a revision, and cuts large transactions", async () => {
    // Put at 2 and at 3; all changes at 4.
    await run(0, ["put", "m/before", "1"]);
    await run(0, ["put", "m/first", "2"]);
    const puts = Array.from({ length: CHANGES }, (_, i) => `put m/t${i} x\n`).join("");
    expect(await run(0, ["txn"], `\n${puts}\n\n`)).toContain("SUCCESS");
    const [program, ...words] = OUR_ETCDCTL;
    const flags = [`--endpoints=${servers[0].endpoint}`, "--prefix=m/", "--rev=3"];
    const args = [...words, "make-mirror", servers[1].endpoint, ...flags];
    mirrors.push(spawn(program, args, { stdio: "ignore" }));
    const count = ["get", "m/", "--prefix", "--count-only", "-w", "fields"];
    while (!(await run(1, count)).includes(`"Count" : ${CHANGES + 1}\n`)) await sleep(50);
    expect(await run(1, ["get", "m/first"])).toBe("m/first\n2\n");
    expect(await run(1, ["get", "m/before"])).toBe("");
    // One put, and three transactions of at most 128 changes.
    expect(await run(1, ["get", "m/first", "-w", "json"])).toContain('"revision":5,');
  }, 60_000);
});
