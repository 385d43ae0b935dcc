/** `etcdctl downgrade`, which the real tool has since 3.6, with our server and the real one. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { identify, maskedOutcome } from "../harness/etcdctl-comparison.ts";
import { runOurEtcdctl } from "../harness/etcdctl-inprocess.ts";
import type { ClusterIdentity, MaskedOutcome } from "../harness/etcdctl-mask.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { REFERENCE } from "../harness/reference.ts";

describe.skipIf(REFERENCE === undefined)("etcdctl downgrade", () => {
  let servers: EtcdProcess[] = [];
  let identities: ClusterIdentity[] = [];

  beforeAll(async () => {
    servers = await Promise.all([startEtcd(), startEtcd({ command: OUR_ETCD })]);
    identities = await Promise.all(servers.map((server) => identify(server, 1)));
  }, 60_000);

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.remove()));
  });

  const run = (identity: ClusterIdentity, words: readonly string[]): Promise<MaskedOutcome> => {
    const line = { args: ["--endpoints={endpoint}", "downgrade", ...words] };
    return maskedOutcome(runOurEtcdctl, line, identity);
  };

  test.each([
    [["validate", "3.4"], 0, "Downgrade validate success, cluster version 3.5.0\n", ""],
    [["validate", "3.3"], 1, "", "Error: etcdserver: invalid downgrade target version\n"],
    [["validate", "3.4", "-w", "fields"], 4, "", "Error: fields not supported as output format\n"],
    [["validate", "3.4", "-w", "table"], 4, "", "Error: table not supported as output format\n"],
    [["validate"], 128, "", "Error: TARGET_VERSION not provided\n"],
    [["enable"], 128, "", "Error: TARGET_VERSION not provided\n"],
    [["enable", ""], 128, "", "Error: target version not provided\n"],
    [["validate", "3.4", "3.4"], 128, "", "Error: too many arguments\n"],
    [["cancel"], 1, "", "Error: etcdserver: no inflight downgrade job\n"],
  ])("%j ends with %i", async (words, code, stdout, error) => {
    const outcomes = await Promise.all(identities.map((identity) => run(identity, words)));
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect([outcomes[0].code, outcomes[0].stdout]).toEqual([code, stdout]);
    expect(outcomes[0].stderr.endsWith(error)).toBe(true);
  });

  test.each(["json", "protobuf"])("answers of both servers look the same as %s", async (form) => {
    const words = ["validate", "3.4", "-w", form];
    const [real, ours] = await Promise.all(identities.map((identity) => run(identity, words)));
    expect(real.code).toBe(0);
    expect(real.stdout).toContain("3.5.0");
    expect(ours).toEqual(real);
  });

  test("is begun once, and can be given up", async () => {
    const [, ours] = identities;
    const enabled = await run(ours, ["enable", "3.4"]);
    expect(enabled.stdout).toBe("Downgrade enable success, cluster version 3.5.0\n");
    const again = await run(ours, ["enable", "3.4"]);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain("Error: etcdserver: cluster has a downgrade job in progress\n");
    const cancelled = await run(ours, ["cancel"]);
    expect(cancelled.stdout).toBe("Downgrade cancel success, cluster version 3.5.0\n");
  });
});
