/**
 * Our etcdctl against the real one where it does not end by itself: both have the same conversations, each
 * with a fresh real etcd of its own, and say the same.
 */
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  grantLeases,
  identify,
  maskedOutcome,
  realEtcdctl,
} from "../harness/etcdctl-comparison.ts";
import { converse } from "../harness/etcdctl-conversation.ts";
import { CONVERSATIONS, KEEP_ALIVES, MIRRORED, MIRRORS } from "../harness/etcdctl-conversations.ts";
import type { ClusterIdentity, MaskedOutcome } from "../harness/etcdctl-mask.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCDCTL } from "../harness/our-etcd.ts";
import { REFERENCE } from "../harness/reference.ts";

describe.skipIf(REFERENCE === undefined)("etcdctl that waits", () => {
  const real = [path.join(REFERENCE ?? "", "etcdctl")];
  let servers: EtcdProcess[] = [];
  let identities: ClusterIdentity[] = [];

  beforeAll(async () => {
    servers = await Promise.all([startEtcd(), startEtcd()]);
    identities = await Promise.all(servers.map((server) => identify(server, 1)));
  });

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.remove()));
  });

  test.each(CONVERSATIONS)(
    "watches as the real one does: $name",
    async (conversation) => {
      const [theirs, ours] = await Promise.all([
        converse(real, conversation, identities[0]),
        converse(OUR_ETCDCTL, conversation, identities[1]),
      ]);
      expect(ours).toEqual(theirs);
    },
    30_000,
  );

  test("makes mirrors as the real one does", async () => {
    for (const [at, { endpoint }] of identities.entries()) {
      for (const words of MIRRORED) await realEtcdctl([`--endpoints=${endpoint}`, ...words], {});
      const tool = at === 0 ? real : OUR_ETCDCTL;
      for (const mirror of MIRRORS) {
        expect(await converse(tool, mirror, identities[at])).toMatchObject({
          stdout: "",
          stderr: "",
        });
      }
    }
    const args = ["--endpoints={endpoint}", "get", "", "--prefix", "-w", "fields"];
    const [theirs, ours] = await Promise.all(
      identities.map((identity) => maskedOutcome(realEtcdctl, { args }, identity)),
    );
    expect(ours.stdout).toContain('"Key" : "to/from/4"');
    // The puts and the mirror's own go to one server: which comes first, and so the revisions, is open.
    const withoutRevisions = ({ code, stdout, stderr }: MaskedOutcome): MaskedOutcome => ({
      code,
      stdout: stdout.replace(/Revision" : [0-9]+/g, 'Revision" : <n>'),
      stderr,
    });
    expect(withoutRevisions(ours)).toEqual(withoutRevisions(theirs));
  }, 60_000);

  test("keeps leases alive as the real one does", async () => {
    const leases = [1n, 0xabcn, 0x7fff_ffff_ffff_fff0n, 4n].map((id) => [id, 6] as const);
    await Promise.all(servers.map((server) => grantLeases(server, leases)));
    const outcomes = KEEP_ALIVES.map(async (conversation) => {
      const [theirs, ours] = await Promise.all([
        converse(real, conversation, identities[0]),
        converse(OUR_ETCDCTL, conversation, identities[1]),
      ]);
      return { name: conversation.name, theirs, ours };
    });
    for (const { name, theirs, ours } of await Promise.all(outcomes)) {
      expect(ours, name).toEqual(theirs);
    }
  }, 60_000);
});
