/** `etcdctl get` with bounds on revisions, which the real tool takes since 3.6 and every server knows. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runOurEtcdctl } from "../harness/etcdctl-inprocess.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { REFERENCE } from "../harness/reference.ts";

describe.skipIf(REFERENCE === undefined)("etcdctl get", () => {
  let server: EtcdProcess | undefined;

  const run = async (...words: string[]): Promise<string> => {
    const result = await runOurEtcdctl([`--endpoints=${server?.endpoint}`, ...words]);
    expect(result.stderr.toString()).toBe("");
    return result.stdout.toString();
  };

  beforeAll(async () => {
    server = await startEtcd();
    // Created at 2, 3 and 4; the first one is changed at 5.
    for (const key of ["k1", "k2", "k3", "k1"]) await run("put", key, "v");
  }, 60_000);

  afterAll(async () => {
    await server?.remove();
  });

  test.each([
    [["--min-create-rev=3"], ["k2", "k3"]],
    [["--max-create-rev=3"], ["k1", "k2"]],
    [["--min-create-rev=3", "--max-create-rev=3"], ["k2"]],
    [["--min-mod-rev=4"], ["k1", "k3"]],
    [["--max-mod-rev=3"], ["k2"]],
    [["--min-mod-rev=-1"], ["k1", "k2", "k3"]],
    [["--min-mod-rev=6"], []],
  ])("%j", async (flags, keys) => {
    const text = await run("get", "k", "--prefix", "--keys-only", ...flags);
    expect(text.split("\n").filter((line) => line !== "")).toEqual(keys);
  });
});
