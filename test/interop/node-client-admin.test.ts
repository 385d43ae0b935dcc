/**
 * Users, members and upkeep through the client library, against our server and the real one; and users whose tokens
 * end while they work.
 */
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  connect,
  Errors,
  type EtcdClient,
  type KeyTarget,
  SnapshotError,
} from "../../src/node-client/index.ts";
import { CLIENT_SERVERS } from "../harness/client-servers.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { sleep } from "../harness/sleep.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-client-admin-"));

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

async function becomeRoot(client: EtcdClient): Promise<void> {
  await client.auth.addUser("root", { password: "secret" });
  await client.auth.addRole("root");
  await client.auth.grantRole("root", "root");
}

describe.each(CLIENT_SERVERS)("administration of %s", (_, start) => {
  let server: EtcdProcess;
  let client: EtcdClient;

  beforeAll(async () => {
    server = await startEtcd({ ...start, flags: ["--bcrypt-cost=4"] });
    client = await connect({ hosts: server.endpoint });
  }, 60_000);

  afterAll(async () => {
    client.close();
    await server.remove();
  });

  test("users, roles and what they may do", async () => {
    const { auth } = client;
    await auth.addUser("ann", { password: "secret" });
    await auth.addUser("certified");
    expect(await auth.users()).toEqual(["ann", "certified"]);
    await auth.addRole("reader");
    expect(await auth.roles()).toEqual(["reader"]);
    await auth.grantRole("ann", "reader");
    expect(await auth.rolesOf("ann")).toEqual(["reader"]);
    const bytes = new Uint8Array([0xff, 0x01]);
    const targets: KeyTarget[] = [
      { prefix: "" },
      bytes,
      { from: "b", to: "d" },
      "one",
      { prefix: "p/" },
      { from: "x" },
    ];
    for (const target of targets) await auth.grant("reader", "readwrite", target);
    await auth.grant("reader", "read", "one");
    const granted = await auth.permissionsOf("reader");
    expect(granted.map(({ target }) => target)).toEqual(expect.arrayContaining(targets));
    expect(granted).toContainEqual({ access: "read", target: "one" });
    for (const { target } of granted) await auth.revoke("reader", target);
    expect(await auth.permissionsOf("reader")).toEqual([]);
    await expect(auth.revoke("reader", "one")).rejects.toBe(Errors.PermissionNotGranted);
    await auth.grant("reader", "write", "drop");
    expect((await auth.permissionsOf("reader"))[0]?.access).toBe("write");
    await auth.revokeRole("ann", "reader");
    await auth.setPassword("ann", "other");
    await auth.deleteRole("reader");
    await auth.deleteUser("ann");
    await auth.deleteUser("certified");
    await expect(auth.rolesOf("ann")).rejects.toBe(Errors.UserNotFound);
    const { isEnabled, revision } = await auth.state();
    expect([isEnabled, revision > 1]).toEqual([false, true]);
    await expect(auth.enable()).rejects.toBe(Errors.RootUserNotExist);
  });

  test("members come, are learners, and go", async () => {
    const { cluster } = client;
    const [only] = await cluster.members();
    expect(only).toMatchObject({ name: "default", isLearner: false });
    expect(only?.clientUrls).toEqual([`http://${server.endpoint}`]);
    const learner = await cluster.add("http://127.0.0.1:2", { isLearner: true });
    expect(learner).toMatchObject({ name: "", isLearner: true, clientUrls: [] });
    expect(learner.peerUrls).toEqual(["http://127.0.0.1:2"]);
    await cluster.update(learner.id, ["http://127.0.0.1:3"]);
    expect((await cluster.members()).find(({ id }) => id === learner.id)?.peerUrls).toEqual([
      "http://127.0.0.1:3",
    ]);
    await expect(cluster.promote(learner.id)).rejects.toBe(Errors.LearnerNotReady);
    await cluster.remove(learner.id);
    expect(await cluster.members()).toHaveLength(1);
    await expect(cluster.remove(learner.id)).rejects.toBe(Errors.MemberNotFound);
  });

  test("status, hashes, alarms, space, leadership, downgrades", async () => {
    const { maintenance } = client;
    const { revision } = await client.kv.put("k", "v");
    const status = await maintenance.status(server.endpoint);
    expect(status).toMatchObject({ revision, isLeader: true, isLearner: false, errors: [] });
    expect(status.leaderId).toBe(status.memberId);
    expect(status.version).toMatch(/^3\.\d/);
    expect(status.dbSizeBytes).toBeGreaterThanOrEqual(status.dbSizeInUseBytes);
    const { hash } = await maintenance.hash(server.endpoint);
    expect(await maintenance.hash(server.endpoint, { revision })).toMatchObject({ hash, revision });
    await maintenance.defragment(server.endpoint);
    expect(await maintenance.alarms()).toEqual([]);
    expect(await maintenance.disarm()).toEqual([]);
    await expect(maintenance.moveLeader(5n)).rejects.toBe(Errors.BadLeaderTransferee);
    await expect(maintenance.validateDowngrade("3.9")).rejects.toBe(
      Errors.InvalidDowngradeTargetVersion,
    );
    await expect(maintenance.cancelDowngrade()).rejects.toBe(Errors.NoInflightDowngrade);
  });

  test("snapshots in parts and in files", async () => {
    await client.kv.put("big", "x".repeat(1_000_000));
    const hash = createHash("sha256");
    const parts: Uint8Array[] = [];
    let left = -1;
    for await (const part of client.maintenance.snapshot({ host: server.endpoint })) {
      parts.push(part.bytes);
      left = part.remainingBytes;
    }
    const whole = Buffer.concat(parts);
    expect(hash.update(whole.subarray(0, -32)).digest()).toEqual(whole.subarray(-32));
    expect(left).toBe(0);
    const file = path.join(folder, `${server.endpoint}.db`);
    const progress: number[] = [];
    const size = await client.maintenance.saveSnapshot(file, {
      onProgress: (done) => progress.push(done),
    });
    expect(fs.statSync(file).size).toBe(size);
    expect(progress.at(-1)).toBe(size);
    const stopped = client.maintenance.saveSnapshot(`${file}.2`, { signal: AbortSignal.abort() });
    await expect(stopped).rejects.toThrow("context canceled");
    const nowhere = client.maintenance.saveSnapshot(path.join(folder, "no", "file.db"));
    await expect(nowhere).rejects.toBeInstanceOf(SnapshotError);
    expect(fs.readdirSync(folder).filter((name) => name.startsWith(server.endpoint))).toEqual([
      path.basename(file),
    ]);
  });
});

describe.each(CLIENT_SERVERS)("tokens that end, of %s", (_, start) => {
  const key = path.join(folder, "token.key");
  fs.writeFileSync(key, randomBytes(64));

  test.each([
    ["simple", ["--auth-token-ttl=1"]],
    ["jwt", [`--auth-token=jwt,sign-method=HS256,priv-key=${key},ttl=1s`]],
  ])(
    "%s: calls, watches and leases go on with new ones",
    async (_kind, flags) => {
      const server = await startEtcd({ ...start, flags: ["--bcrypt-cost=4", ...flags] });
      const open = await connect({ hosts: server.endpoint });
      await becomeRoot(open);
      await open.auth.enable();
      const credentials = { username: "root", password: "secret" };
      const client = await connect({ hosts: server.endpoint, credentials });
      const first = await client.watch("before");
      const lease = await client.lease({ ttlSeconds: 2 });
      for (let round = 0; round < 2; round++) {
        // Simple tokens are looked through every second.
        await sleep(2500);
        await client.kv.put("before", `${round}`, { lease });
        // The stream of the watches was opened with the token from before.
        const second = await client.watch("before", { startRevision: 1 });
        expect((await first.next())?.type).toBe("put");
        expect((await second.next())?.type).toBe("put");
        second.cancel();
      }
      const many = Array.from({ length: 10 }, (_unused, i) => client.kv.put(`many/${i}`, ""));
      await Promise.all(many);
      expect(lease.isLost).toBe(false);
      client.close();
      open.close();
      await server.remove();
    },
    60_000,
  );
});
