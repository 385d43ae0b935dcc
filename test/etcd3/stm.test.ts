/**
 * Software transactions of the npm package `etcd3` at every level of isolation, in a namespace and outside of one,
 * against our server and the real one.
 */
import { type Etcd3, type ISTMOptions, type SoftwareTransaction, STMConflictError } from "etcd3";
import { beforeEach, describe, expect, test } from "vitest";
import { CLIENT_SERVERS } from "../harness/client-servers.ts";
import { SharedEtcd } from "../harness/shared-etcd.ts";

/** By number: the package has them as a constant enum, of which nothing is left at run time. */
const LEVELS: readonly [name: string, isolation: ISTMOptions["isolation"]][] = [
  ["serializable snapshot", 0],
  ["serializable", 1],
  ["repeatable reads", 2],
  ["read committed", 3],
];
const [SNAPSHOT, SERIALIZABLE, REPEATABLE, COMMITTED] = LEVELS.map(([, isolation]) => isolation);

/** Times that a transaction is tried again when the caller does not say. */
const RETRIES = 3;

const SPACES: readonly [
  name: string,
  spaceOf: (client: Etcd3) => Pick<Etcd3, "stm" | "put" | "get" | "getAll" | "if">,
][] = [
  ["the whole keyspace", (client) => client],
  ["a namespace", (client) => client.namespace("space/")],
];

describe.each(CLIENT_SERVERS)("software transactions on %s", (_, start) => {
  const etcd = SharedEtcd.use(start);

  describe.each(SPACES)("in %s", (__, spaceOf) => {
    const space = () => spaceOf(etcd.client);

    beforeEach(async () => {
      await etcd.client.delete().all();
      await etcd.client.put("outside").value("untouched");
      // At one revision: the strictest level does not write what is newer than anything that it has read.
      await space()
        .if("ann", "Create", "==", 0)
        .then(space().put("ann").value("10"), space().put("bob").value("20"))
        .commit();
    });

    /** Runs `body`, and `meanwhile` behind its first try; how often it was tried. */
    async function triesOf(
      isolation: ISTMOptions["isolation"],
      body: (tx: SoftwareTransaction) => Promise<unknown>,
      meanwhile: () => Promise<unknown>,
    ): Promise<number> {
      let tries = 0;
      await space()
        .stm({ isolation })
        .transact(async (tx) => {
          await body(tx);
          if (++tries === 1) await meanwhile();
        });
      return tries;
    }

    test.each(LEVELS)(
      "%s: nothing is written before the end, then everything",
      async (_level, isolation) => {
        const answer = await space()
          .stm({ isolation })
          .transact(async (tx) => {
            const amount = Number(await tx.get("ann").number());
            await tx.put("ann").value(amount - 4);
            await tx.put("bob").value(Number(await tx.get("bob").number()) + 4);
            await tx.delete().key("nobody");
            expect(await space().getAll().prefix("")).toMatchObject({ ann: "10", bob: "20" });
            return "paid";
          });
        expect(answer).toBe("paid");
        expect(await space().getAll()).toMatchObject({ ann: "6", bob: "24" });
        expect(await etcd.client.get("outside")).toBe("untouched");
        expect(
          await space()
            .stm({ isolation })
            .transact(() => "nothing to do"),
        ).toBe("nothing to do");
      },
    );

    test.each(LEVELS)("%s: it reads what it has written and deleted", async (_level, isolation) => {
      await space()
        .stm({ isolation, retries: 0 })
        .transact(async (tx) => {
          await tx.put("new").value("1");
          expect(await tx.get("new").string()).toBe("1");
          await tx.put("new").value("2");
          expect(await tx.get("new").number()).toBe(2);
          await tx.delete().key("ann");
          expect(await tx.get("ann")).toBeNull();
          await tx.put("ann").value("again");
          expect(await tx.get("ann")).toBe("again");
          await tx.delete().prefix("b");
          expect(await tx.get("bob").exists()).toBe(false);
        });
      const { ann, bob, new: created } = await space().getAll();
      expect({ ann, bob, created }).toEqual({ ann: "again", bob: undefined, created: "2" });
    });

    test("what was read and has changed makes it try again, at three of the levels", async () => {
      for (const isolation of [SNAPSHOT, SERIALIZABLE, REPEATABLE, COMMITTED]) {
        const wanted = isolation === COMMITTED ? 1 : 2;
        const copy = async (tx: SoftwareTransaction) =>
          tx.put("copy").value(String(await tx.get("ann").string()));
        const change = () => space().put("ann").value(`changed ${isolation}`).exec();
        expect(await triesOf(isolation, copy, change), `there, ${isolation}`).toBe(wanted);
        const newest = isolation === COMMITTED ? /changed 2/ : /changed/;
        expect(await space().get("copy")).toMatch(newest);
        const missing = async (tx: SoftwareTransaction) =>
          tx.put("copy").value(String(await tx.get(`missing ${isolation}`).exists()));
        const create = () => space().put(`missing ${isolation}`).value("").exec();
        expect(await triesOf(isolation, missing, create), `missing, ${isolation}`).toBe(wanted);
        expect(await space().get("copy")).toBe(String(isolation !== COMMITTED));
      }
    });

    test("the strictest level also tries again when what it writes was written by others", async () => {
      const write = async (tx: SoftwareTransaction) => {
        await tx.get("ann");
        await tx.put("bob").value("mine");
      };
      const other = () => space().put("bob").value("theirs").exec();
      expect(await triesOf(SERIALIZABLE, write, other)).toBe(1);
      await expect(triesOf(SNAPSHOT, write, other)).rejects.toThrow(STMConflictError);
      const remove = async (tx: SoftwareTransaction) => {
        await tx.get("bob");
        await tx.delete().key("bob");
      };
      expect(await triesOf(SNAPSHOT, remove, other)).toBe(2);
      expect(await space().get("bob")).toBeNull();
    });

    test("two levels read one revision", async () => {
      for (const isolation of [SNAPSHOT, SERIALIZABLE]) {
        await space().put("ann").value("10");
        await space().put("bob").value("20");
        const seen: unknown[] = [];
        const read = space()
          .stm({ isolation, retries: 0 })
          .transact(async (tx) => {
            seen.push(await tx.get("ann").string());
            await space().put("ann").value("changed");
            await space().put("bob").value("changed");
            seen.push(await tx.get("ann").string(), await tx.get("bob").string());
          });
        await expect(read).rejects.toThrow(STMConflictError);
        expect(seen).toEqual(["10", "10", "20"]);
      }
    });

    test("keys may be fetched ahead; ranges and leases are refused", async () => {
      const stm = (options: Partial<ISTMOptions> = {}) => space().stm(options);
      const ahead = await stm({ prefetch: ["ann", "bob"], isolation: SERIALIZABLE }).transact(
        (tx) => Promise.all([tx.get("ann").string(), tx.get("bob").string()]),
      );
      expect(ahead).toEqual(["10", "20"]);
      const leased = stm().transact(async (tx) => tx.put("ann").value("1").lease("1").exec());
      await expect(leased).rejects.toThrow(/"lease" is not supported/);
      const past = stm().transact(async (tx) => tx.get("ann").revision(1).exec());
      await expect(past).rejects.toThrow(/"revision" is not supported/);
      const range = stm({ isolation: SNAPSHOT }).transact(async (tx) => {
        await tx.get("ann");
        await tx.delete().prefix("b");
      });
      await expect(range).rejects.toThrow(/You cannot delete ranges/);
    });

    test("a conflict that does not end is told behind the last try; an error of the body at once", async () => {
      let tries = 0;
      const endless = space()
        .stm()
        .transact(async (tx) => {
          tries++;
          await tx.put("bob").value(String(await tx.get("ann").string()));
          await space().put("ann").value(`${tries}`);
        });
      await expect(endless).rejects.toThrow(STMConflictError);
      expect(tries).toBe(1 + RETRIES);
      const thrown = space()
        .stm()
        .transact(async (tx) => {
          await tx.put("bob").value("never");
          throw new Error("Cannot pay");
        });
      await expect(thrown).rejects.toThrow("Cannot pay");
      expect(await space().get("bob")).toBe("20");
    });
  });

  test("of eight that count at once none is lost", async () => {
    await etcd.client.put("count").value("0");
    const count = () =>
      etcd.client.stm({ retries: 100 }).transact(async (tx) => {
        await tx.put("count").value(Number(await tx.get("count").number()) + 1);
      });
    await Promise.all(Array.from({ length: 8 }, count));
    expect(await etcd.client.get("count").number()).toBe(8);
  });
});
