/**
 * Programs with the npm package `etcd3` live through the death of their server: it is killed under them and started
 * again on what it had written, ours and the real one. Nothing that was acknowledged is lost, and what waits goes on.
 */
import { EtcdLockFailedError, type IKeyValue, type Watcher } from "etcd3";
import { describe, expect, test } from "vitest";
import { CLIENT_SERVERS } from "../harness/client-servers.ts";
import { nextEvent, ONCE, persist, SharedEtcd } from "../harness/shared-etcd.ts";
import { sleep } from "../harness/sleep.ts";

/** Milliseconds between calls that fail. */
const REST_MS = 250;
const POLL_MS = 10;

const TIMEOUT = { timeout: 60_000 };

describe.each(CLIENT_SERVERS)("a server that is killed: %s", (_, start) => {
  const etcd = SharedEtcd.use(start);

  /** A client that does not rest for seconds behind failures. */
  const tireless = () => etcd.connect({ faultHandling: { host: () => ONCE } });

  test("acknowledged writes are there; calls work again", TIMEOUT, async () => {
    const client = etcd.connect();
    const written: number[] = [];
    let isOver = false;
    const writes = (async () => {
      for (let i = 0; !isOver; i++) {
        try {
          await client.put(`w/${i}`).value(i);
          written.push(i);
        } catch {
          await sleep(REST_MS);
        }
      }
    })();
    while (written.length < 50) await sleep(POLL_MS);
    await etcd.kill();
    const before = written.length;
    await etcd.revive();
    while (written.length < before + 10) await sleep(REST_MS);
    isOver = true;
    await writes;
    const found = await persist(() => etcd.connect().getAll().prefix("w/").numbers());
    expect(written.filter((i) => found[`w/${i}`] !== i)).toEqual([]);
  });

  test("watches tell what came behind the restart, and every change once", TIMEOUT, async () => {
    const told: string[] = [];
    const tell = (watcher: Watcher) =>
      watcher.on("put", ({ key, value }: IKeyValue) => {
        told.push(`${key.toString()}=${value.toString()}`);
      });
    const watchers = [
      await tireless().watch().prefix("t/").create(),
      await tireless().watch().key("t/a").create(),
    ];
    for (const watcher of watchers) tell(watcher);
    const writer = tireless();
    await writer.put("t/a").value("before");
    while (told.length < 2) await sleep(POLL_MS);
    const reconnected = watchers.map((watcher) => nextEvent(watcher, "connected"));
    await etcd.kill();
    await etcd.revive();
    // Written before they are back: they ask for what they have missed.
    await persist(() => tireless().put("t/a").value("missed").exec());
    await Promise.all(reconnected);
    await persist(() => tireless().put("t/b").value("after").exec());
    while (told.length < 5) await sleep(POLL_MS);
    for (const watcher of watchers) await watcher.cancel();
    expect(told.sort()).toEqual([
      ...["t/a=before", "t/a=before", "t/a=missed", "t/a=missed", "t/b=after"],
    ]);
  });

  test("leases, locks and leaders are still those that they were", TIMEOUT, async () => {
    const client = tireless();
    const lease = client.lease(30);
    await lease.put("leased").value("1");
    const id = await lease.grant();
    const lock = await client.lock("door").ttl(30).acquire();
    const election = client.election("seat", 30);
    const campaign = await election.campaign("ann").wait();
    const lost: Error[] = [];
    lease.on("lost", (error) => lost.push(error));
    campaign.on("error", (error) => lost.push(error));
    await etcd.kill();
    await etcd.revive();
    const other = tireless();
    expect(await other.election("seat").leader()).toBe("ann");
    await expect(other.lock("door").acquire()).rejects.toThrow(EtcdLockFailedError);
    const { kvs } = await other.get("leased").exec();
    expect(kvs).toMatchObject([{ lease: id }]);
    await persist(() => lease.keepaliveOnce());
    await persist(() => campaign.proclaim("ann, again"));
    expect(await other.election("seat").leader()).toBe("ann, again");
    await persist(() => lock.release());
    await persist(() => campaign.resign());
    await persist(() => lease.revoke());
    expect(lost).toEqual([]);
    expect(await other.getAll().prefix("election/").count()).toBe(0);
    await (await other.lock("door").acquire()).release();
  });

  test("a software transaction that was cut off is done once or not at all", TIMEOUT, async () => {
    await persist(() => tireless().put("count").value("0").exec());
    const client = tireless();
    let done = 0;
    let unsure = 0;
    let isOver = false;
    const counting = (async () => {
      while (!isOver) {
        try {
          await client.stm().transact(async (tx) => {
            await tx.put("count").value(Number(await tx.get("count").number()) + 1);
          });
          done++;
        } catch {
          unsure++;
          await sleep(REST_MS);
        }
      }
    })();
    while (done < 20) await sleep(POLL_MS);
    await etcd.kill();
    const before = done;
    await etcd.revive();
    while (done < before + 5) await sleep(REST_MS);
    isOver = true;
    await counting;
    const count = Number(await persist(() => tireless().get("count").number()));
    expect(count).toBeGreaterThanOrEqual(done);
    expect(count).toBeLessThanOrEqual(done + unsure);
  });
});
