/** Transactions of the npm package `etcd3`: comparisons, branches and what is within them, against both servers. */
import { GRPCInvalidArgumentError, type IRequestOp } from "etcd3";
import { beforeEach, describe, expect, test } from "vitest";
import { CLIENT_SERVERS } from "../harness/client-servers.ts";
import { SharedEtcd } from "../harness/shared-etcd.ts";

describe.each(CLIENT_SERVERS)("transactions on %s", (_, start) => {
  const etcd = SharedEtcd.use(start);

  beforeEach(async () => {
    await etcd.client.delete().all();
    await etcd.client.put("stock").value("5");
  });

  test("the branch that the comparison chooses is done, and it alone", async () => {
    const { client } = etcd;
    const buy = () =>
      client
        .if("stock", "Value", "==", "5")
        .then(client.put("stock").value("4"))
        .else(client.put("refused").value("yes"), client.get("stock"))
        .commit();
    expect(await buy()).toMatchObject({ succeeded: true });
    expect(await client.getAll()).toEqual({ stock: "4" });
    const again = await buy();
    expect(again.succeeded).toBe(false);
    expect(again.responses[1].response_range.kvs).toMatchObject([{ value: Buffer.from("4") }]);
    expect(await client.getAll()).toEqual({ refused: "yes", stock: "4" });
  });

  test("every column is compared in every way", async () => {
    const { client } = etcd;
    const lease = client.lease(60, { autoKeepAlive: false });
    const id = await lease.grant();
    await lease.put("stock").value("6");
    const { kvs } = await client.get("stock").exec();
    const { create_revision: created, mod_revision: changed } = kvs[0];
    const holds = [
      ["Value", "==", "6"],
      ["Value", ">", "5"],
      ["Value", "<", "7"],
      ["Value", "!=", "5"],
      ["Version", "===", 2],
      ["Version", "!==", 1],
      ["Create", "==", created],
      ["Create", "<", changed],
      ["Mod", "==", changed],
      ["Mod", ">", created],
      ["Lease", "==", id],
      ["Lease", "!=", 0],
    ] as const;
    for (const [column, how, value] of holds) {
      const { succeeded } = await client.if("stock", column, how, value).commit();
      expect(succeeded, `${column} ${how} ${value}`).toBe(true);
      const { succeeded: twice } = await client
        .if("stock", column, how, value)
        .and("stock", "Version", ">", 2)
        .commit();
      expect(twice, `${column} ${how} ${value}, and what does not hold`).toBe(false);
    }
    await lease.revoke();
    const { succeeded } = await client.if("stock", "Create", "==", 0).commit();
    expect(succeeded).toBe(true);
  });

  test("a branch holds reads, writes and deletions, done in order at one revision", async () => {
    const { client } = etcd;
    const steps = [
      client.getAll().prefix(""),
      client.put("sold").value("1"),
      client.getAll().prefix("s").sort("Key", "Descend").limit(1),
      client.delete().key("stock"),
      client.get("stock"),
    ];
    const { header, responses, succeeded } = await client
      .if("stock", "Version", "==", 1)
      .and("sold", "Version", "==", 0)
      .then(...steps)
      .commit();
    expect(succeeded).toBe(true);
    const [before, put, newest, deletion, gone] = responses;
    expect(before.response_range.count).toBe("1");
    expect(put.response_put.header.revision).toBe(header.revision);
    expect(newest.response_range.kvs).toMatchObject([{ key: Buffer.from("stock") }]);
    expect(deletion.response_delete_range.deleted).toBe("1");
    expect(gone.response_range.count).toBe("0");
    expect(await client.getAll()).toEqual({ sold: "1" });
    expect((await client.get("sold").exec()).kvs).toMatchObject([
      { create_revision: header.revision, mod_revision: header.revision },
    ]);
  });

  test("a transaction may hold transactions, whose answers are within its answer", async () => {
    const { client } = etcd;
    const inner = (value: string): IRequestOp => ({
      request_txn: {
        compare: [{ key: Buffer.from("stock"), target: "Value", value: Buffer.from(value) }],
        success: [
          { request_put: { key: Buffer.from(`found/${value}`), value: Buffer.from("yes") } },
        ],
        failure: [{ request_range: { key: Buffer.from("stock") } }],
      },
    });
    const { responses } = await client
      .if("stock", "Mod", ">", 0)
      .then(inner("5"), inner("6"))
      .commit();
    const answers = responses.map((answer) => answer as { readonly response_txn: object });
    expect(answers).toMatchObject([
      { response_txn: { succeeded: true } },
      {
        response_txn: {
          succeeded: false,
          responses: [{ response_range: { kvs: [{ value: Buffer.from("5") }] } }],
        },
      },
    ]);
    expect(await client.getAll().prefix("found/")).toEqual({ "found/5": "yes" });
  });

  test("what cannot be done together is refused, and nothing of it is done", async () => {
    const { client } = etcd;
    const twice = client
      .if("stock", "Version", ">", 0)
      .then(client.put("twice").value("1"), client.put("twice").value("2"))
      .commit();
    await expect(twice).rejects.toThrow("etcdserver: duplicate key given in txn request");
    const many = client
      .if("stock", "Version", ">", 0)
      .then(...Array.from({ length: 129 }, (__, i) => client.put(`many/${i}`).value("")))
      .commit();
    await expect(many).rejects.toThrow(GRPCInvalidArgumentError);
    const leased = client
      .if("stock", "Version", ">", 0)
      .then(client.put("first").value("1"), client.put("leased").value("2").lease("987654321"))
      .commit();
    await expect(leased).rejects.toThrow();
    expect(await client.getAll()).toEqual({ stock: "5" });
  });

  test("of many that buy the last one, one gets it", async () => {
    const { client } = etcd;
    const buyers = Array.from({ length: 20 }, (__, i) =>
      client
        .if("owner", "Create", "==", 0)
        .then(client.put("owner").value(`${i}`))
        .else(client.get("owner"))
        .commit(),
    );
    const answers = await Promise.all(buyers);
    const winners = answers.flatMap(({ succeeded }, i) => (succeeded ? [`${i}`] : []));
    expect(winners).toHaveLength(1);
    expect(await client.get("owner")).toBe(winners[0]);
  });
});
