/** Members that reach each other through Unix sockets, ours beside the real etcd. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { bytesFromUtf8 } from "../../src/stdx/bytes.ts";
import { type MemberPlace, withCluster } from "../harness/etcd-cluster.ts";
import { freePorts } from "../harness/processes.ts";
import { REFERENCE } from "../harness/reference.ts";

describe.skipIf(REFERENCE === undefined)("Unix sockets between members", () => {
  test("carry a cluster; who was killed finds its socket and takes it again, and others join", async () => {
    // The names of the sockets have no path, so members that shall meet share the folder they run in.
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-unix-"));
    const place = async (): Promise<MemberPlace> => {
      const [clientPort = 0, peerPort = 0] = await freePorts(2);
      const peerUrl = `unix://127.0.0.1:${peerPort}`;
      return { host: "127.0.0.1", clientPort, peerPort, peerUrl, prefix: ["env", "-C", folder] };
    };
    try {
      await withCluster({ members: ["ours", "real", "ours"], place }, async (cluster) => {
        const [first] = cluster.members;
        const put = (text: string): Promise<unknown> =>
          cluster.client().kv.put({ key: bytesFromUtf8(text), value: bytesFromUtf8("value") });
        await put("from the start");
        await first.kill();
        expect(fs.lstatSync(path.join(folder, new URL(first.peerUrl).host)).isSocket()).toBe(true);
        await cluster.restart(first);
        await put("after the return");
        const learner = await cluster.join("ours", { learner: true });
        await cluster.promote(learner);
        await put("among four");
        await cluster.expectEqualHashes();
      });
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }, 120_000);
});
