import { expect, test } from "vitest";
import { Publisher } from "../src/server/cluster/publish.ts";
import { assert } from "../src/stdx/assert.ts";
import { Prng } from "../src/stdx/prng.ts";
import { SimulatedDisk } from "./disk.ts";
import { SimulatedMember } from "./simulated-member.ts";

test("what a member publishes may reach it within a snapshot, and counts then", async () => {
  const machine = new SimulatedMember(new SimulatedDisk({ random: new Prng(2) }), 1_000_000);
  await machine.start(new Prng(1));
  const { member } = machine.host;
  const attributes = { name: "new", clientUrls: ["http://10.0.0.9:2379"] };
  const { clock, log } = machine;
  const publisher = new Publisher({
    ...{ member, attributes, clock, log, timeoutMs: 7000 },
    // Nothing is proposed: whatever the cluster knows it knows from elsewhere.
    poke: () => undefined,
  });
  let published = 0;
  publisher.start(() => published++);
  publisher.onSnapshot();
  expect(published).toBe(0);
  const { cluster } = member.applier;
  assert(cluster.updateAttributes(member.id, attributes), "The member is one of the cluster");
  publisher.onSnapshot();
  publisher.onSnapshot();
  expect(published).toBe(1);
});
