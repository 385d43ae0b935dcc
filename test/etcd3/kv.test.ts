/** Reads, writes and deletions of the npm package `etcd3`, against our server and the real one. */
import { GRPCInvalidArgumentError, GRPCOutOfRangeError, Range } from "etcd3";
import { beforeEach, describe, expect, test } from "vitest";
import { CLIENT_SERVERS } from "../harness/client-servers.ts";
import { SharedEtcd } from "../harness/shared-etcd.ts";

describe.each(CLIENT_SERVERS)("keys of %s", (_, start) => {
  const etcd = SharedEtcd.use(start);

  /** Four keys, written in this order. */
  const CONTENT = { pear: "7", apple: "red", "apple/leaf": '{"green":true}', quince: "3.5" };

  beforeEach(async () => {
    await etcd.client.delete().all();
    for (const [key, value] of Object.entries(CONTENT)) await etcd.client.put(key).value(value);
  });

  async function modRevisionOf(key: string): Promise<number> {
    const { kvs } = await etcd.client.get(key).exec();
    return Number(kvs[0].mod_revision);
  }

  test("one key is read as text, bytes, JSON and number, or is not there", async () => {
    const { client } = etcd;
    expect(await client.get("apple")).toBe("red");
    expect(await client.get("apple").string("hex")).toBe("726564");
    expect(await client.get("apple").buffer()).toEqual(Buffer.from("red"));
    expect(await client.get("apple/leaf").json()).toEqual({ green: true });
    expect(await client.get("pear").number()).toBe(7);
    expect(await client.get("apple").number()).toBeNaN();
    expect(await client.get("apple").exists()).toBe(true);
    expect(await client.get("plum")).toBeNull();
    expect(await client.get("plum").buffer()).toBeNull();
    expect(await client.get("plum").number()).toBeNull();
    expect(await client.get("plum").json()).toBeNull();
    expect(await client.get("plum").exists()).toBe(false);
  });

  test("many keys are read in every form", async () => {
    const { client } = etcd;
    expect(await client.getAll()).toEqual(CONTENT);
    expect(await client.getAll().all().strings()).toEqual(CONTENT);
    expect(await client.getAll().prefix("apple")).toEqual({
      apple: "red",
      "apple/leaf": '{"green":true}',
    });
    expect(await client.getAll().prefix("apple/").json()).toEqual({
      "apple/leaf": { green: true },
    });
    expect(await client.getAll().inRange({ start: "p", end: "r" }).numbers()).toEqual({
      pear: 7,
      quince: 3.5,
    });
    expect(await client.getAll().prefix("pear").buffers()).toEqual({ pear: Buffer.from("7") });
    expect(await client.getAll().keys()).toEqual(Object.keys(CONTENT).sort());
    const keys = Object.keys(CONTENT).sort();
    expect(await client.getAll().keyBuffers()).toEqual(keys.map((key) => Buffer.from(key)));
    expect(await client.getAll().count()).toBe(4);
    expect(await client.getAll().prefix("plum").count()).toBe(0);
    expect(await client.getAll().prefix("plum")).toEqual({});
  });

  test("ranges are what the client makes of prefixes, pairs and bounds", async () => {
    const { client } = etcd;
    const raw = Buffer.from([0xff, 0xff]);
    await client.put(Buffer.concat([raw, Buffer.from([1])])).value("high");
    expect(await client.getAll().prefix(raw).strings()).toEqual({ "\ufffd\ufffd\u0001": "high" });
    const { kvs } = await client.getAll().prefix(raw).exec();
    expect(kvs.map(({ key }) => key)).toEqual([Buffer.from([0xff, 0xff, 1])]);
    expect(await client.getAll().inRange({ start: "b", end: "quince" }).keys()).toEqual(["pear"]);
    const range = client.range({ prefix: "apple" });
    expect(range.includes("apple/leaf")).toBe(true);
    expect(range.compare(Range.prefix("pear"))).toBeLessThan(0);
    expect((await client.delete().range(range)).deleted).toBe("2");
  });

  test("answers come in the order that was asked for, and cut", async () => {
    const { client } = etcd;
    const orders = [
      ["Key", "Ascend", ["apple", "apple/leaf", "pear", "quince"]],
      ["Key", "Descend", ["quince", "pear", "apple/leaf", "apple"]],
      ["Create", "Ascend", ["pear", "apple", "apple/leaf", "quince"]],
      ["Mod", "Descend", ["pear", "quince", "apple/leaf", "apple"]],
      ["Version", "Descend", ["pear", "apple", "apple/leaf", "quince"]],
      ["Value", "Ascend", ["quince", "pear", "apple", "apple/leaf"]],
    ] as const;
    await client.put("pear").value(7);
    for (const [target, order, keys] of orders) {
      const name = `${target} ${order}`;
      // A value is not there to be compared where keys alone are asked for.
      const all = await client.getAll().sort(target, order).exec();
      expect(
        all.kvs.map(({ key }) => key.toString()),
        name,
      ).toEqual(keys);
      const two = await client.getAll().sort(target, order).limit(2).exec();
      expect(
        two.kvs.map(({ key }) => key.toString()),
        name,
      ).toEqual(keys.slice(0, 2));
      expect(two).toMatchObject({ more: true, count: "4" });
    }
    expect(await client.getAll().limit(Infinity).count()).toBe(4);
    expect(await client.getAll().limit(4).exec()).toMatchObject({ more: false, count: "4" });
  });

  test("reads are bounded by revisions and look into the past", async () => {
    const { client } = etcd;
    const created = await modRevisionOf("apple");
    await client.put("apple").value("green");
    const changed = await modRevisionOf("apple");
    expect(changed).toBe(created + 3);
    expect(await client.get("apple").revision(created)).toBe("red");
    expect(await client.getAll().revision(String(created)).keys()).toEqual(["apple", "pear"]);
    expect(await client.get("apple").serializable(true)).toBe("green");
    expect(await client.getAll().minModRevision(changed).keys()).toEqual(["apple"]);
    expect(await client.getAll().maxModRevision(created).keys()).toEqual(["pear"]);
    expect(
      await client
        .getAll()
        .minCreateRevision(created + 2)
        .keys(),
    ).toEqual(["quince"]);
    expect(await client.getAll().maxCreateRevision(created).keys()).toEqual(["apple", "pear"]);
    const future = client.get("apple").revision(changed + 1);
    await expect(future.exec()).rejects.toThrow(GRPCOutOfRangeError);
    await client.kv.compact({ revision: changed, physical: true });
    const past = client.get("apple").revision(created);
    const compacted = "etcdserver: mvcc: required revision has been compacted";
    await expect(past.exec()).rejects.toThrow(compacted);
  });

  test("a put keeps the value, the lease or both of what it replaces, and tells of it", async () => {
    const { client } = etcd;
    const before = await modRevisionOf("apple");
    const { header } = await client.put("apple").touch();
    expect(Number(header.revision)).toBe(before + 3);
    expect(await client.get("apple").exec()).toMatchObject({
      kvs: [{ value: Buffer.from("red"), version: "2", mod_revision: header.revision }],
    });
    expect(await client.put("apple").value("green").getPrevious()).toMatchObject({
      key: Buffer.from("apple"),
      value: Buffer.from("red"),
      version: "2",
    });
    const lease = client.lease(60, { autoKeepAlive: false });
    const id = await lease.grant();
    await client.put("apple").value("leased").lease(id);
    await client.put("apple").value("still").ignoreLease();
    expect((await client.get("apple").exec()).kvs).toMatchObject([
      { lease: id, value: Buffer.from("still") },
    ]);
    await client.put("apple").value("free");
    expect((await client.get("apple").exec()).kvs).toMatchObject([{ lease: "0" }]);
    await lease.revoke();
    expect(await client.get("apple")).toBe("free");
    await expect(client.put("plum").touch()).rejects.toThrow("etcdserver: key not found");
    const noLease = client.put("apple").value("x").lease("123456789");
    await expect(noLease.exec()).rejects.toThrow("Lease");
    const nameless = client.put("").value("x");
    await expect(nameless.exec()).rejects.toThrow(GRPCInvalidArgumentError);
  });

  test("values of all bytes, of none, and of a megabyte come back as they were", async () => {
    const { client } = etcd;
    const everyByte = Buffer.from(Array.from({ length: 256 }, (__, byte) => byte));
    for (const value of [everyByte, Buffer.alloc(0), Buffer.alloc(1 << 20, "etcd")]) {
      await client.put(everyByte).value(value);
      expect((await client.get(everyByte).buffer())?.equals(value)).toBe(true);
    }
    const tooLarge = client.put("large").value(Buffer.alloc(3 << 19));
    await expect(tooLarge.exec()).rejects.toThrow("etcdserver: request is too large");
  });

  test("deletions take one key, a range, a prefix or all, and give back what was there", async () => {
    const { client } = etcd;
    expect(await client.delete().key("pear").getPrevious()).toMatchObject([
      { key: Buffer.from("pear"), value: Buffer.from("7") },
    ]);
    expect(await client.delete().key("pear").getPrevious()).toEqual([]);
    expect((await client.delete().inRange({ start: "q", end: "r" }).exec()).deleted).toBe("1");
    expect((await client.delete().prefix("apple")).deleted).toBe("2");
    await client.put("left").value("");
    expect((await client.delete().all()).deleted).toBe("1");
    expect(await client.getAll().count()).toBe(0);
  });

  test("a hundred writes and reads at once are all done", async () => {
    const { client } = etcd;
    const names = Array.from({ length: 100 }, (__, i) => `many/${i}`);
    await Promise.all(names.map((name) => client.put(name).value(name)));
    const values = await Promise.all(names.map((name) => client.get(name).string()));
    expect(values).toEqual(names);
    expect(await client.getAll().prefix("many/").count()).toBe(100);
  });
});
