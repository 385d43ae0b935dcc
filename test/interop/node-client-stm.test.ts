/**
 * Software transactional memory of the client library against our server and the real one: what each isolation protects
 * from, and that nothing is lost when many meet.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  connect,
  Errors,
  type EtcdClient,
  GrpcCode,
  type Isolation,
} from "../../src/node-client/index.ts";
import { CLIENT_SERVERS } from "../harness/client-servers.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";

describe.each(CLIENT_SERVERS)("client.stm of %s", (_, start) => {
  let server: EtcdProcess;
  let client: EtcdClient;

  beforeAll(async () => {
    server = await startEtcd(start);
    client = await connect({ hosts: server.endpoint, namespace: "stm/" });
  }, 60_000);

  afterAll(async () => {
    client.close();
    await server.remove();
  });

  /** What is committed when somebody else acts between a read and the end of the first run. */
  async function met(
    isolation: Isolation,
    between: () => Promise<unknown>,
    reads: readonly string[] = ["a"],
  ): Promise<{ attempts: number; seen: string[]; written: string | undefined }> {
    await client.kv.delete({ prefix: "" });
    for (const key of ["a", "b", "c"]) await client.kv.put(key, "0");
    let seen: string[] = [];
    const { attempts } = await client.stm(
      async (tx) => {
        const isFirst = seen.length === 0;
        seen = [];
        for (const key of reads) {
          seen.push(`${key}${await tx.get(key)}`);
          if (isFirst && key === reads[0]) await between();
        }
        tx.put("c", seen.join());
      },
      { isolation },
    );
    return { attempts, seen, written: (await client.kv.get("c"))?.value };
  }

  test("runs again when what it read has changed, and not with read-committed", async () => {
    const change = () => client.kv.put("a", "1");
    for (const isolation of [
      "serializable-snapshot",
      "serializable",
      "repeatable-reads",
    ] as const) {
      const run = await met(isolation, change);
      expect(run, isolation).toEqual({ attempts: 2, seen: ["a1"], written: "a1" });
    }
    const run = await met("read-committed", change);
    expect(run).toEqual({ attempts: 1, seen: ["a0"], written: "a0" });
  });

  test("runs again when what it writes has changed with serializable-snapshot alone", async () => {
    const change = () => client.kv.put("c", "1");
    expect((await met("serializable-snapshot", change)).attempts).toBe(2);
    expect((await met("serializable", change)).attempts).toBe(1);
    expect((await met("repeatable-reads", change)).attempts).toBe(1);
  });

  test("reads are of one revision where they are serializable", async () => {
    const seenFirst = async (isolation: Isolation): Promise<string> => {
      await client.kv.put("x", "0");
      await client.kv.put("y", "0");
      const runs: string[] = [];
      const work = client.stm(
        async (tx) => {
          const x = await tx.get("x");
          if (runs.length === 0) await client.kv.put("y", "1");
          runs.push(`${x}${await tx.get("y")}`);
        },
        { isolation },
      );
      await work;
      return runs[0];
    };
    expect(await seenFirst("serializable-snapshot")).toBe("00");
    expect(await seenFirst("serializable")).toBe("00");
    expect(await seenFirst("repeatable-reads")).toBe("01");
  });

  test("begins anew when the revision of its reads is compacted", async () => {
    for (const isolation of ["serializable-snapshot", "serializable"] as const) {
      const { value, attempts } = await client.stm(
        async (tx) => {
          const x = await tx.get("x");
          if (x !== isolation) {
            const { revision } = await client.kv.put("x", isolation);
            await client.kv.compact(revision);
          }
          // Whether its error is looked at or not.
          const y = await tx.get("y").catch(() => "lost");
          tx.put("z", `${x}`);
          return [x, y];
        },
        { isolation },
      );
      expect([value[0], attempts]).toEqual([isolation, 2]);
      expect(value[1]).not.toBe("lost");
    }
  });

  test("reads at the same time are of one revision, too, and see what was written", async () => {
    await client.kv.put("p", "1");
    const { value, attempts } = await client.stm(async (tx) => {
      const both = await Promise.all([tx.get("p"), tx.get("none"), tx.modRevision("none")]);
      tx.put("p", "2");
      tx.delete("q");
      return [...both, await tx.get("p"), await tx.get("q")];
    });
    expect(value).toEqual(["1", undefined, 0, "2", undefined]);
    expect(attempts).toBe(1);
  });

  test("many who move money at once neither make nor lose any", async () => {
    const accounts = ["m/0", "m/1", "m/2"];
    for (const account of accounts) await client.kv.put(account, "100");
    const move = (from: string, to: string, amount: number) =>
      client.stm(async (tx) => {
        const [left, right] = await Promise.all([tx.get(from), tx.get(to)]);
        tx.put(from, String(Number(left) - amount));
        tx.put(to, String(Number(right) + amount));
      });
    const moves = Array.from({ length: 30 }, (_unused, i) =>
      move(accounts[i % 3], accounts[(i + 1 + (i % 2)) % 3], i),
    );
    const results = await Promise.all(moves);
    expect(new Set(results.map(({ revision }) => revision)).size).toBe(30);
    const { entries } = await client.kv.range({ prefix: "m/" });
    expect(entries.reduce((sum, { value }) => sum + Number(value), 0)).toBe(300);
    expect(entries.every(({ version }) => version > 1)).toBe(true);
  }, 60_000);

  test("ends with the error of the code, of its bounds, or of a read; nothing is written", async () => {
    const failing = client.stm((tx) => {
      tx.put("never", "1");
      throw new Error("changed my mind");
    });
    await expect(failing).rejects.toThrow("changed my mind");
    const crowded = client.stm(
      async (tx) => {
        await tx.get("a");
        await client.kv.put("a", "");
        tx.put("never", "1");
      },
      { attemptsMax: 3 },
    );
    await expect(crowded).rejects.toMatchObject({ code: GrpcCode.Aborted, attempts: 3 });
    const late = client.stm(
      async (tx) => {
        await tx.get("a");
        await client.kv.put("a", "");
        tx.put("never", "1");
      },
      { timeoutMs: 100 },
    );
    // The server knows the deadline, too, and may be the first to say so.
    await expect(late).rejects.toThrow(/context deadline exceeded|etcdserver: request timed out/);
    const unread = client.stm((tx) => {
      void tx.get("a");
      tx.put("never", "1");
    });
    expect((await unread).attempts).toBe(1);
    await client.kv.delete("never");
    const empty = client.stm((tx) => tx.put("", "1"));
    await expect(empty).rejects.toBe(Errors.EmptyKey);
    expect(await client.kv.get("never")).toBeUndefined();
  });
});
