/** Elections of the npm package `etcd3`: one leader at a time, and who is told of it. Against both servers. */
import { type Campaign, type Election, NotCampaigningError } from "etcd3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CLIENT_SERVERS } from "../harness/client-servers.ts";
import { nextEvent, SharedEtcd } from "../harness/shared-etcd.ts";
import { sleep } from "../harness/sleep.ts";

const POLL_MS = 10;

describe.each(CLIENT_SERVERS)("elections on %s", (_, start) => {
  const etcd = SharedEtcd.use(start);
  let elections = 0;
  let election: Election;
  let first: Campaign;
  const campaigns: Campaign[] = [];

  /** A candidate of the same election with a client of its own. */
  function stand(value: string, ttl = 5): Campaign {
    const campaign = etcd.connect().election(election.name, ttl).campaign(value);
    campaigns.push(campaign);
    return campaign;
  }

  beforeEach(async () => {
    election = etcd.client.election(`seat ${elections++}`, 5);
    first = election.campaign("ann");
    campaigns.push(first);
    await first.wait();
  });

  afterEach(async () => {
    for (const campaign of campaigns.splice(0)) await campaign.resign();
  });

  /** Waits until so many candidates stand. */
  async function candidates(count: number): Promise<void> {
    const keys = etcd.client.namespace(`election/${election.name}/`);
    while ((await keys.getAll().count()) < count) await sleep(POLL_MS);
  }

  test("the first one leads; its value is under its key, where proclamations change it", async () => {
    expect(await election.leader()).toBe("ann");
    expect(await election.leader("buffer")).toEqual(Buffer.from("ann"));
    const key = await first.getCampaignKey();
    expect(key).toMatch(/^election\/seat \d+\/\d+$/);
    expect(await etcd.client.get(key)).toBe("ann");
    await first.proclaim("ann, again");
    expect(await etcd.client.get(key)).toBe("ann, again");
    expect(await election.leader()).toBe("ann, again");
    await first.resign();
    expect(await election.leader()).toBeUndefined();
    expect(await etcd.client.get(key).exists()).toBe(false);
  });

  test("what is proclaimed before the candidacy is written comes behind it", async () => {
    await first.resign();
    const early = stand("early");
    await early.proclaim("changed");
    expect(await etcd.client.get(await early.getCampaignKey())).toBe("changed");
    await early.proclaim("changed");
    expect(await election.leader()).toBe("changed");
  });

  test("who has resigned, or whose key somebody removed, proclaims nothing", async () => {
    await etcd.client.delete().key(await first.getCampaignKey());
    await expect(first.proclaim("gone")).rejects.toThrow(NotCampaigningError);
    const other = await stand("bob").wait();
    await other.resign();
    await expect(other.proclaim("gone")).rejects.toThrow(NotCampaigningError);
    expect(await election.leader()).toBeUndefined();
  });

  test("candidates lead one after the other, in the order in which they came", async () => {
    const order: string[] = ["ann"];
    const waiting: Promise<unknown>[] = [];
    const others: Campaign[] = [];
    for (const name of ["bob", "cem", "dia"]) {
      const campaign = stand(name);
      others.push(campaign);
      waiting.push(campaign.wait().then(() => order.push(name)));
      await candidates(others.length + 1);
    }
    expect(order).toEqual(["ann"]);
    for (const [i, leaving] of [first, ...others.slice(0, 2)].entries()) {
      await leaving.resign();
      await waiting[i];
      expect(await election.leader()).toBe(order.at(-1));
    }
    expect(order).toEqual(["ann", "bob", "cem", "dia"]);
  });

  test("when one between leaves, neither those before nor those behind are told anything", async () => {
    const told: string[] = [];
    first.on("elected", () => told.push("ann"));
    const between = stand("bob");
    await nextEvent(between, "_isWaiting");
    const behind = stand("cem");
    behind.on("elected", () => told.push("cem"));
    await nextEvent(behind, "_isWaiting");
    const observers = [
      await election.observe(),
      await etcd.connect().election(election.name).observe(),
    ];
    for (const observer of observers) observer.on("change", () => told.push("change"));
    const again = nextEvent(behind, "_isWaiting");
    await between.resign();
    // It has seen that somebody left, and waits for the one before that.
    await again;
    expect(told).toEqual([]);
    expect(observers.map((observer) => observer.leader())).toEqual(["ann", "ann"]);
    for (const observer of observers) await observer.cancel();
  });

  test("observers are told of a new value, of the next leader, of none, and of a new one", async () => {
    const observer = await election.observe();
    expect(observer.leader()).toBe("ann");
    expect(observer.leader("buffer")).toEqual(Buffer.from("ann"));
    const changes: (string | undefined)[] = [];
    observer.on("change", (leader) => changes.push(leader));
    const untilChanges = async (count: number) => {
      while (changes.length < count) await nextEvent(observer, "change");
    };
    await first.proclaim("ann, again");
    await untilChanges(1);
    const second = stand("bob");
    await candidates(2);
    await first.resign();
    await untilChanges(2);
    await second.resign();
    await untilChanges(3);
    expect(observer.hasLeader).toBe(false);
    await stand("cem").wait();
    await untilChanges(4);
    expect(changes).toEqual(["ann, again", "bob", undefined, "cem"]);
    await observer.cancel();
  });

  test("a leader whose lease is lost is told so, and the next one leads", async () => {
    const next = stand("bob");
    await candidates(2);
    const told = nextEvent<Error>(first, "error");
    const key = await first.getCampaignKey();
    const led = next.wait();
    await etcd.client.leaseClient.leaseRevoke({ ID: key.slice(key.lastIndexOf("/") + 1) });
    await led;
    expect(await election.leader()).toBe("bob");
    expect((await told).message).toMatch(/is expired or revoked/);
  });
});
