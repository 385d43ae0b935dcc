/** Maintenance, members and alarms through the npm package `etcd3`, against our server and the real one. */
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { CLIENT_SERVERS } from "../harness/client-servers.ts";
import { OUR_ETCDUTL } from "../harness/our-etcd.ts";
import { runProgram } from "../harness/processes.ts";
import { SharedEtcd } from "../harness/shared-etcd.ts";

/** Far more than the quota holds; what is counted grows when the server commits, a few times a second. */
const PUTS_MAX = 1000;

describe.each(CLIENT_SERVERS)("maintenance of %s", (_, start) => {
  const etcd = SharedEtcd.use({
    ...start,
    flags: ["--advertise-client-urls=http://127.0.0.1:2379", "--quota-backend-bytes=2097152"],
  });

  test("the member tells its state, and the cluster its members", async () => {
    const { maintenance, cluster } = etcd.client;
    await etcd.client.put("a").value("1");
    const status = await maintenance.status();
    expect(status).toMatchObject({
      version: expect.stringMatching(/^3\.5\.\d+$/),
      leader: status.header.member_id,
      raftTerm: "2",
      errors: [],
      isLearner: false,
    });
    expect(Number(status.dbSize)).toBeGreaterThanOrEqual(Number(status.dbSizeInUse));
    expect(Number(status.raftIndex)).toBeGreaterThan(0);
    const { members } = await cluster.memberList({});
    expect(members).toEqual([
      {
        ID: status.header.member_id,
        name: "default",
        peerURLs: ["http://127.0.0.1:2380"],
        clientURLs: ["http://127.0.0.1:2379"],
        isLearner: false,
      },
    ]);
    const { header } = await cluster.memberUpdate({
      ID: members[0].ID,
      peerURLs: ["http://127.0.0.1:2390"],
    });
    expect(header.cluster_id).toBe(status.header.cluster_id);
    const after = await cluster.memberList({ linearizable: true });
    expect(after.members).toEqual([{ ...members[0], peerURLs: ["http://127.0.0.1:2390"] }]);
    await expect(cluster.memberRemove({ ID: "1" })).rejects.toThrow("member not found");
    const leader = maintenance.moveLeader({ targetID: "1" });
    await expect(leader).rejects.toThrow("bad leader transferee");
  });

  test("the hash follows the content, and stays when nothing is written", async () => {
    const { client } = etcd;
    const { maintenance } = client;
    await client.put("hashed").value("1");
    const { hash: before } = await maintenance.hash();
    const { header } = await client.put("hashed").value("2");
    const { hash: after } = await maintenance.hash();
    expect(after).not.toBe(before);
    expect(await maintenance.hash()).toMatchObject({ hash: after });
    await client.kv.compact({ revision: header.revision, physical: true });
    await maintenance.defragment();
    expect(await client.get("hashed")).toBe("2");
  });

  test("a snapshot that was streamed holds the keys", async () => {
    const { client } = etcd;
    for (let i = 0; i < 20; i++) await client.put(`saved/${i}`).value(Buffer.alloc(10_000, i));
    const { header } = await client.get("saved/0").exec();
    const stream = await client.maintenance.snapshot();
    const blobs: Buffer[] = [];
    stream.on("data", ({ blob }) => blobs.push(blob));
    await new Promise<void>((resolve) => stream.on("end", resolve));
    const file = path.join(etcd.server.dataDir, "saved.db");
    fs.writeFileSync(file, Buffer.concat(blobs));
    const [program, ...words] = OUR_ETCDUTL;
    const args = [...words, "snapshot", "status", file, "-w", "json"];
    const { stdout } = await runProgram(program, args);
    expect(JSON.parse(stdout.toString())).toMatchObject({ revision: Number(header.revision) });
  });

  test("a full database raises an alarm, takes no puts, and takes them again", async () => {
    const { client } = etcd;
    const { maintenance } = client;
    const value = Buffer.alloc(200_000, "x");
    // A client of its own: the refusal is of those behind which it rests for a while.
    const filler = etcd.connect();
    const fill = async () => {
      for (let i = 0; i < PUTS_MAX; i++) await filler.put("big").value(value);
    };
    await expect(fill()).rejects.toThrow("etcdserver: mvcc: database space exceeded");
    const { alarms } = await maintenance.alarm({ action: "Get" });
    expect(alarms).toMatchObject([{ alarm: "Nospace" }]);
    expect((await maintenance.status()).errors).toEqual([expect.stringContaining("NOSPACE")]);
    expect(await client.get("big").exists()).toBe(true);
    const { header } = await client.delete().key("big");
    await client.kv.compact({ revision: header.revision, physical: true });
    await maintenance.defragment();
    await maintenance.alarm({
      action: "Deactivate",
      alarm: "Nospace",
      memberID: alarms[0].memberID,
    });
    expect((await maintenance.alarm({ action: "Get" })).alarms).toEqual([]);
    await client.put("small").value("1");
  });
});
