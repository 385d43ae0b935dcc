import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../sim/manual-clock.ts";
import { MemoryLog } from "../../../sim/memory-log.ts";
import { encodeMember, formatId, type MemberInfo } from "../../membership/member-info.ts";
import { foundingEntries } from "../../membership/founding-entries.ts";
import type { PeerNetwork } from "../../peer/network.ts";
import { noNetwork } from "../../../sim/no-network.ts";
import { sha1 } from "../../platform/digest.ts";
import type { HostLookup } from "../../ports/network.ts";
import { bytesFromUtf8, utf8FromBytes } from "../../stdx/bytes.ts";
import { decodeConfChange } from "../../wire/gen/raft.ts";
import { configFromFlags, type ServerConfig } from "../config/config.ts";
import { initialFlagValues } from "../flags/table.ts";
import { establishIdentity, type Founding } from "./founding.ts";
import { parseServerUrls, type ServerUrl } from "../config/server-url.ts";

const THREE = "a=http://10.0.0.1:2380,b=http://10.0.0.2:2380,c=http://10.0.0.3:2380";

function urlsOf(text: string): readonly ServerUrl[] {
  const urls = parseServerUrls(text);
  if (urls instanceof Error) throw urls;
  return urls;
}

/** Member `a` of three. */
const FOUNDER: ServerConfig = {
  ...configFromFlags(initialFlagValues(), "info"),
  name: "a",
  initialAdvertisePeerUrls: urlsOf("http://10.0.0.1:2380"),
  initialCluster: THREE,
};

/** Answers of peers by URL and path: status 200 and this text. */
type Answers = Readonly<Record<string, string>>;

const CLUSTER_ID = "cafe";

function networkOf(answers: Answers): PeerNetwork {
  const nobody = noNetwork((run) => run());
  return {
    join: (self, receiver) => nobody.join(self, receiver),
    call: (url, { path }, _timeoutMs, done) => {
      const text = answers[`${url}${path}`];
      if (text === undefined) done(new Error(`Get "${url}${path}": connection refused`));
      else {
        const headers = { "x-etcd-cluster-id": CLUSTER_ID };
        done({ status: 200, headers, body: bytesFromUtf8(text) });
      }
    },
  };
}

interface Attempt {
  readonly config?: Partial<ServerConfig>;
  readonly answers?: Answers;
  readonly lookUpHost?: HostLookup;
  readonly log?: MemoryLog;
}

function identity({ config, answers = {}, lookUpHost, log }: Attempt): Promise<Founding> {
  const environment = {
    clock: new ManualClock(),
    log: log ?? new MemoryLog(),
    peers: networkOf(answers),
    sha1,
    ...(lookUpHost === undefined ? {} : { lookUpHost }),
  };
  return establishIdentity({ ...FOUNDER, ...config }, environment);
}

function memberOf(id: bigint, host: string, clientUrls: string[] = []): MemberInfo {
  const name = clientUrls.length > 0 ? "x" : "";
  return { id, name, peerUrls: [`http://${host}:2380`], clientUrls, isLearner: false };
}

function listOf(...members: MemberInfo[]): string {
  return `[${members.map(encodeMember).join(",")}]`;
}

describe("founding", () => {
  test("makes of three names what etcd 3.5 made of them", async () => {
    const config = {
      initialAdvertisePeerUrls: urlsOf("http://127.0.0.1:13380"),
      initialCluster: "a=http://127.0.0.1:13380,b=http://127.0.0.1:23380,c=http://127.0.0.1:33380",
    };
    const { clusterId, memberId, founders, remotes } = await identity({ config });
    expect(remotes).toEqual([]);
    expect(founders.map(({ id, name }) => [formatId(id), name])).toEqual([
      ["1e538232f1a33ff2", "a"],
      ["5c76a90ae78bcee7", "c"],
      ["61f97220ab052a12", "b"],
    ]);
    expect(formatId(clusterId)).toBe("f0bbfcd639a8a286");
    expect(formatId(memberId)).toBe("1e538232f1a33ff2");
  });

  test("gives every member the same first entries", async () => {
    const first = await identity({});
    const second = await identity({
      config: { name: "c", initialAdvertisePeerUrls: urlsOf("http://10.0.0.3:2380") },
    });
    expect(second.clusterId).toBe(first.clusterId);
    const entries = foundingEntries(first.founders);
    expect(foundingEntries(second.founders)).toEqual(entries);
    const contexts = entries.map(({ data }) =>
      utf8FromBytes(decodeConfChange(data ?? new Uint8Array(0)).context ?? new Uint8Array(0)),
    );
    expect(contexts[0]).toBe(
      `{"id":${first.founders[0].id},"peerURLs":["http://10.0.0.1:2380"],"name":"a"}`,
    );
  });

  test("refuses a member that the others have seen before", async () => {
    const { memberId } = await identity({});
    const answers = {
      "http://10.0.0.3:2380/members": listOf(memberOf(memberId, "10.0.0.1", ["http://c"])),
    };
    await expect(identity({ answers })).rejects.toThrow(
      `member ${formatId(memberId)} has already been bootstrapped`,
    );
    const notStarted = { "http://10.0.0.3:2380/members": listOf(memberOf(memberId, "10.0.0.1")) };
    expect((await identity({ answers: notStarted })).memberId).toBe(memberId);
  });

  test("takes a name for the address that it has", async () => {
    const addresses: Readonly<Record<string, string>> = { "a.example": "10.0.0.1" };
    const lookUpHost: HostLookup = (host, done) => done(addresses[host] ?? host);
    const log = new MemoryLog();
    const named = { initialAdvertisePeerUrls: urlsOf("http://a.example:2380") };
    await identity({ config: named, lookUpHost, log });
    expect(log.lines.map(({ message }) => message)).toContain("resolved URL Host");
    const other = { initialAdvertisePeerUrls: urlsOf("http://10.0.0.9:2380") };
    await expect(identity({ config: other, lookUpHost })).rejects.toThrow(
      '--initial-cluster has a=http://10.0.0.1:2380 but missing from --initial-advertise-peer-urls=http://10.0.0.9:2380 (resolved urls: "http://10.0.0.9:2380" != "http://10.0.0.1:2380")',
    );
  });

  test("gives up on a name that nobody knows", async () => {
    const clock = new ManualClock();
    const unknown: HostLookup = (host, done) => {
      clock.advance(60_000);
      done(new Error(`lookup ${host}: no such host`));
    };
    const config = { ...FOUNDER, initialAdvertisePeerUrls: urlsOf("http://a.example:2380") };
    const environment = { log: new MemoryLog(), peers: networkOf({}), sha1, clock };
    await expect(
      establishIdentity(config, { ...environment, lookUpHost: unknown }),
    ).rejects.toThrow('failed to resolve "http://a.example:2380" (lookup a.example: no such host)');
  });
});

describe("joining", () => {
  const existing = { initialClusterState: "existing" as const };
  const members = listOf(
    memberOf(1n, "10.0.0.2", ["http://c"]),
    memberOf(2n, "10.0.0.1"),
    memberOf(3n, "10.0.0.3", ["http://d"]),
  );
  const answers = {
    "http://10.0.0.3:2380/members": members,
    "http://10.0.0.3:2380/version": '{"etcdserver":"3.5.16","etcdcluster":"3.5.0"}',
  };

  test("takes its id and the cluster's from the others", async () => {
    const { clusterId, memberId, founders, remotes } = await identity({
      config: existing,
      answers,
    });
    expect(formatId(clusterId)).toBe(CLUSTER_ID);
    expect(memberId).toBe(2n);
    expect(founders).toEqual([]);
    expect(remotes.map(({ id }) => id)).toEqual([1n, 3n]);
  });

  test("refuses a cluster with more or other members than it was told", async () => {
    const two = { ...existing, initialCluster: "a=http://10.0.0.1:2380,b=http://10.0.0.3:2380" };
    await expect(identity({ config: two, answers })).rejects.toThrow(
      /^error validating peerURLs \{ClusterID:cafe Members:\[&\{ID:1 RaftAttributes:\{PeerURLs:\[http:\/\/10.0.0.2:2380\] IsLearner:false\} Attributes:\{Name:x ClientURLs:\[http:\/\/c\]\}\} .*\] RemovedMemberIDs:\[\]\}: member count is unequal$/,
    );
    const other = { ...existing, initialCluster: THREE.replace("10.0.0.2", "10.0.0.4") };
    await expect(identity({ config: other, answers })).rejects.toThrow(
      'PeerURLs: no match found for existing member (1, [http://10.0.0.2:2380]), last resolver error (resolved urls: "http://10.0.0.2:2380" != "http://10.0.0.3:2380")',
    );
  });

  test.each([
    ["too low", '{"etcdserver":"2.3.0","etcdcluster":"2.3.0"}'],
    ["too high", '{"etcdserver":"3.6.0","etcdcluster":"3.6.0"}'],
  ])("refuses a cluster whose version is %s", async (what, version) => {
    const log = new MemoryLog();
    const others = { ...answers, "http://10.0.0.3:2380/version": version };
    await expect(identity({ config: existing, answers: others, log })).rejects.toThrow(
      "incompatible with current running cluster",
    );
    expect(log.lines.map(({ message }) => message)).toContain(
      `cluster version of remote member is not compatible; ${what}`,
    );
  });

  test("refuses a cluster that does not know its version yet, or goes to another one", async () => {
    const undecided = {
      ...answers,
      "http://10.0.0.3:2380/version": '{"etcdserver":"3.5.16","etcdcluster":"not_decided"}',
    };
    await expect(identity({ config: existing, answers: undecided })).rejects.toThrow(
      "incompatible",
    );
    const downgrading = { ...answers, "http://10.0.0.2:2380/downgrade/enabled": "true" };
    await expect(identity({ config: existing, answers: downgrading })).rejects.toThrow(
      "incompatible",
    );
  });

  test.each([["no JSON"], ["{}"], ['[{"id":1.5}]'], ["[]"]])(
    "refuses an answer that is %s",
    async (text) => {
      const odd = { ...answers, "http://10.0.0.3:2380/members": text };
      await expect(identity({ config: existing, answers: odd })).rejects.toThrow(
        "cannot fetch cluster info from peer urls: ",
      );
    },
  );
});
