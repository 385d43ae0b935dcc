/** Roles, users, passwords and tokens of the npm package `etcd3`, against our server and the real one. */
import {
  type Etcd3,
  EtcdAuthenticationFailedError,
  EtcdPermissionDeniedError,
  EtcdRoleExistsError,
  EtcdRoleNotFoundError,
  EtcdRoleNotGrantedError,
  EtcdUserExistsError,
  EtcdUserNotFoundError,
  GRPCDeadlineExceededError,
  Range,
} from "etcd3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CLIENT_SERVERS } from "../harness/client-servers.ts";
import { nextEvent, SharedEtcd } from "../harness/shared-etcd.ts";

describe.each(CLIENT_SERVERS)("users of %s", (_, start) => {
  const etcd = SharedEtcd.use({ ...start, flags: ["--bcrypt-cost=4"] });

  async function wipe(client: Etcd3): Promise<void> {
    for (const user of await client.getUsers()) await user.delete();
    for (const role of await client.getRoles()) await role.delete();
  }

  describe("before authentication is on", () => {
    afterEach(() => wipe(etcd.client));

    test("roles are made, listed and deleted, each once", async () => {
      const names = async () => (await etcd.client.getRoles()).map(({ name }) => name);
      const reader = await etcd.client.role("reader").create();
      await etcd.client.role("another").create();
      expect(await names()).toEqual(["another", "reader"]);
      await expect(etcd.client.role("reader").create()).rejects.toThrow(EtcdRoleExistsError);
      await reader.delete();
      expect(await names()).toEqual(["another"]);
      await expect(reader.delete()).rejects.toThrow(EtcdRoleNotFoundError);
    });

    test("permissions are what was granted, until they are revoked", async () => {
      const role = etcd.client.role("reader");
      const grants = [
        { permission: "Read", range: etcd.client.range({ prefix: "open/" }) },
        { permission: "Readwrite", range: etcd.client.range({ start: "a", end: "m" }) },
        { permission: "Write", range: new Range("one") },
        { permission: "Read", range: etcd.client.range({ prefix: "" }) },
      ] as const;
      await expect(role.grant(grants[0])).rejects.toThrow(EtcdRoleNotFoundError);
      await role.create();
      await role.grant([...grants]);
      const given = await role.permissions();
      const plain = (entries: readonly { permission: string; range: Range }[]) =>
        entries
          .map(({ permission, range }) => [permission, String(range.start), String(range.end)])
          .sort();
      expect(plain(given)).toEqual(plain(grants));
      for (const permission of given) await role.revoke(permission);
      expect(await role.permissions()).toEqual([]);
      await expect(role.revoke(grants[0])).rejects.toThrow(
        "etcdserver: permission is not granted to the role",
      );
    });

    test("users are made, listed and deleted, each once", async () => {
      const ann = await etcd.client.user("ann").create("secret");
      expect((await etcd.client.getUsers()).map(({ name }) => name)).toEqual(["ann"]);
      await expect(ann.create("other")).rejects.toThrow(EtcdUserExistsError);
      await expect(etcd.client.user("bob").delete()).rejects.toThrow(EtcdUserNotFoundError);
      await expect(etcd.client.user("bob").setPassword("x")).rejects.toThrow(EtcdUserNotFoundError);
      await ann.delete();
      expect(await etcd.client.getUsers()).toEqual([]);
    });

    test("users get roles and lose them, from either side", async () => {
      const reader = await etcd.client.role("reader").create();
      const ann = await etcd.client.user("ann").create("secret");
      await expect(ann.removeRole(reader)).rejects.toThrow(EtcdRoleNotGrantedError);
      await expect(ann.addRole("nothing")).rejects.toThrow(EtcdRoleNotFoundError);
      await ann.addRole(reader);
      expect((await ann.roles()).map(({ name }) => name)).toEqual(["reader"]);
      await reader.removeUser(ann);
      expect(await ann.roles()).toEqual([]);
      await reader.addUser("ann");
      expect(await ann.roles()).toHaveLength(1);
      // With the role goes what users had of it.
      await reader.delete();
      expect(await ann.roles()).toEqual([]);
    });

    test("authentication is not switched on without a root", async () => {
      await expect(etcd.client.auth.authEnable()).rejects.toThrow("root user does not exist");
      await etcd.client.user("root").create("secret");
      await expect(etcd.client.auth.authEnable()).rejects.toThrow(
        "root user does not have root role",
      );
      expect(await etcd.client.auth.authStatus()).toMatchObject({ enabled: false });
    });
  });

  describe("while authentication is on", () => {
    let root: Etcd3;

    beforeEach(async () => {
      const { client } = etcd;
      await client.delete().all();
      await client.put("closed").value("1");
      await (await client.user("root").create("secret")).addRole(
        await client.role("root").create(),
      );
      const writer = await client.role("writer").create();
      await writer.grant({ permission: "Readwrite", range: client.range({ prefix: "open/" }) });
      await (await client.user("ann").create("password")).addRole(writer);
      await client.auth.authEnable();
      root = etcd.connect({ auth: { username: "root", password: "secret" } });
    });

    afterEach(async () => {
      await etcd.connect({ auth: { username: "root", password: "secret" } }).auth.authDisable();
      await wipe(etcd.client);
    });

    function ann(password = "password", more = {}): Etcd3 {
      return etcd.connect({ auth: { username: "ann", password, ...more } });
    }

    test("a user reads and writes what her role allows, and nothing else", async () => {
      const client = ann();
      await client.put("open/door").value("1");
      expect(await client.get("open/door")).toBe("1");
      expect(await client.getAll().prefix("open/").count()).toBe(1);
      for (const call of [
        () => client.put("closed").value("2").exec(),
        () => client.get("closed").exec(),
        () => client.getAll().exec(),
        () => client.delete().prefix("").exec(),
        () => client.if("open/door", "Version", ">", 0).then(client.get("closed")).commit(),
        () => client.user("bob").create("password"),
      ]) {
        await expect(call()).rejects.toThrow(EtcdPermissionDeniedError);
      }
      expect(await client.stm().transact((tx) => tx.get("open/door").string())).toBe("1");
      const lease = client.lease(60, { autoKeepAlive: false });
      await lease.put("open/leased").value("");
      await lease.revoke();
      const lock = await client.lock("open/lock").acquire();
      await lock.release();
      expect(await root.getAll()).toEqual({ closed: "1", "open/door": "1" });
    });

    test("a wrong password, an unknown user and no user at all are refused", async () => {
      const unknown = etcd.connect({ auth: { username: "nobody", password: "password" } });
      for (const client of [ann("wrong"), unknown]) {
        const put = client.put("open/door").value("1").exec();
        await expect(put).rejects.toThrow(EtcdAuthenticationFailedError);
      }
      const nameless = etcd.client.put("open/door").value("1").exec();
      await expect(nameless).rejects.toThrow("etcdserver: user name is empty");
      expect(await etcd.client.auth.authStatus().catch(() => "refused")).toBe("refused");
      expect(await root.auth.authStatus()).toMatchObject({ enabled: true });
    });

    test("options of the sign-in are those of its call", async () => {
      const client = ann("password", { callOptions: { deadline: new Date(0) } });
      const put = client.put("open/door").value("1").exec();
      await expect(put).rejects.toThrow(GRPCDeadlineExceededError);
    });

    test("a token that is no longer good is fetched anew, unnoticed", async () => {
      const client = ann();
      await client.put("open/door").value("1");
      // All tokens end with this.
      await root.auth.authDisable();
      await etcd.client.auth.authEnable();
      await client.put("open/door").value("2");
      // A token ends as well when its user gets another password; the client that has it knows the old one.
      await root.user("ann").setPassword("changed");
      const refused = client.put("open/door").value("3").exec();
      await expect(refused).rejects.toThrow(EtcdAuthenticationFailedError);
      await ann("changed").put("open/door").value("4");
      expect(await root.get("open/door")).toBe("4");
    });

    test("what a role is granted or loses counts at once", async () => {
      const client = ann();
      await expect(client.get("closed").exec()).rejects.toThrow(EtcdPermissionDeniedError);
      const range = etcd.client.range({ prefix: "closed" });
      await root.role("writer").grant({ permission: "Read", range });
      expect(await client.get("closed")).toBe("1");
      await expect(client.put("closed").value("2").exec()).rejects.toThrow(
        EtcdPermissionDeniedError,
      );
      await root.role("writer").revoke({ permission: "Read", range });
      await expect(client.get("closed").exec()).rejects.toThrow(EtcdPermissionDeniedError);
    });

    test("watches and elections work for a user as they do for anybody", async () => {
      const client = ann().namespace("open/");
      const watcher = await client.watch().prefix("").create();
      const heard = nextEvent<{ readonly key: Buffer }>(watcher, "put");
      const campaign = await client.election("seat", 5).campaign("ann").wait();
      expect(`${(await heard).key.toString()}`).toMatch(/^election\/seat\//);
      expect(await client.election("seat").leader()).toBe("ann");
      await watcher.cancel();
      await campaign.resign();
    });
  });
});
