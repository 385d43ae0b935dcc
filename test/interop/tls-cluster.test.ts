/** Clusters whose members reach each other over TLS, ours and the real etcd in one cluster. */
import { afterAll, describe, expect, test } from "vitest";
import { bytesFromUtf8, utf8FromBytes } from "../../src/stdx/bytes.ts";
import { CertificateFolder } from "../harness/certificates.ts";
import type { ClusterMember, Program } from "../harness/cluster-member.ts";
import {
  type EtcdCluster,
  loopbackPlace,
  type MemberPlace,
  withCluster,
} from "../harness/etcd-cluster.ts";
import { REFERENCE } from "../harness/reference.ts";
import { sleep } from "../harness/sleep.ts";

const made = new CertificateFolder();
afterAll(() => made.remove());

const key = bytesFromUtf8("key");

async function securePlace(): Promise<MemberPlace> {
  const place = await loopbackPlace();
  return { ...place, peerUrl: place.peerUrl.replace("http:", "https:") };
}

/** A certificate for a member that is not let in, and one for a member that is. */
const member = made.authority.issue({
  cn: "member",
  dnsNames: ["localhost"],
  ipAddresses: ["127.0.0.1"],
});
const outgoing = made.authority.issue({ cn: "outgoing", usage: "client" });
const stranger = made.authority.issue({ cn: "stranger", ipAddresses: ["127.0.0.1"] });

const MUTUAL = [
  `--peer-cert-file=${member.certFile}`,
  `--peer-key-file=${member.keyFile}`,
  `--peer-trusted-ca-file=${made.authority.caFile}`,
  "--peer-client-cert-auth",
];

/** A put through every member is read through every other one. */
async function expectServed(
  cluster: EtcdCluster,
  members: readonly ClusterMember[] = cluster.running,
): Promise<void> {
  for (const through of members) {
    const value = `${through.name} ${performance.now()}`;
    await cluster.clientOf(through).kv.put({ key, value: bytesFromUtf8(value) });
    for (const reader of members) {
      const { kvs } = await cluster.clientOf(reader).kv.range({ key });
      expect(
        kvs.map((kv) => utf8FromBytes(kv.value)),
        reader.name,
      ).toEqual([value]);
    }
  }
}

async function untilLogged(logger: ClusterMember, text: RegExp): Promise<void> {
  for (let tries = 0; !text.test(logger.log()); tries++) {
    if (tries === 1000)
      throw new Error(`${logger.name} does not log ${text}:\n${logger.lastLog()}`);
    await sleep(30);
  }
}

describe.skipIf(REFERENCE === undefined)("a cluster over TLS", () => {
  test.each<[string, readonly Program[], readonly string[]]>([
    ["certificates that they make themselves", ["real", "ours", "real"], ["--peer-auto-tls"]],
    [
      "certificates on both sides, others for outgoing connections, and names on a list",
      ["ours", "ours", "real"],
      [
        ...MUTUAL,
        `--peer-client-cert-file=${outgoing.certFile}`,
        `--peer-client-key-file=${outgoing.keyFile}`,
        "--peer-cert-allowed-cn=member,outgoing",
        "--tls-min-version=TLS1.3",
      ],
    ],
  ])(
    "forms with %s",
    async (_, members, flags) => {
      await withCluster({ members, flags, place: securePlace }, async (cluster) => {
        await expectServed(cluster);
        const [first] = cluster.members;
        await first.kill();
        await cluster.untilLeader();
        await expectServed(cluster);
        await cluster.restart(first);
        await cluster.untilCaughtUp(first);
        await expectServed(cluster);
      });
    },
    120_000,
  );

  test("databases go to who joins, from ours and from the real one", async () => {
    const flags = [...MUTUAL, "--snapshot-count=50", "--experimental-snapshot-catchup-entries=10"];
    const members: Program[] = ["ours", "real", "real"];
    await withCluster({ members, flags, place: securePlace }, async (cluster) => {
      const [first, second] = cluster.members;
      const { kv } = cluster.clientOf(first);
      const value = new Uint8Array(20_000).fill(7);
      const keys = Array.from({ length: 120 }, (_, at) => bytesFromUtf8(`many/${at}`));
      await Promise.all(keys.map((each) => kv.put({ key: each, value })));
      for (const [leader, program] of [
        [second, "ours"],
        [first, "real"],
      ] as const) {
        await cluster.moveLeader(leader);
        const joined = await cluster.join(program);
        expect(joined.log(), "it got a snapshot").toMatch(/appl(?:ied|ying) snapshot/);
      }
      await cluster.expectEqualHashes();
    });
  }, 120_000);

  test("who has a certificate that is not wanted does not take part, and the log says why", async () => {
    const flags = [...MUTUAL, "--peer-cert-allowed-cn=member"];
    const members: Program[] = ["ours", "real", "ours"];
    await withCluster({ members, flags, place: securePlace }, async (cluster) => {
      const [first, second, last] = cluster.members;
      await last.stop();
      await cluster.untilLeader();
      const own = [
        `--peer-cert-file=${stranger.certFile}`,
        `--peer-key-file=${stranger.keyFile}`,
        `--peer-trusted-ca-file=${made.authority.caFile}`,
        "--peer-client-cert-auth",
      ];
      last.start({ members: "", state: "existing" }, own);
      const rejected =
        /"rejected connection on peer endpoint".*"ip-addresses":\["127.0.0.1"\],"dns-names":\[\],"error":"client certificate authentication failed"/;
      await untilLogged(first, rejected);
      await untilLogged(second, rejected);
      await expectServed(cluster, [first, second]);
    });
  }, 120_000);
});
