import { describe, expect, test } from "vitest";
import {
  AlarmType,
  createAlarmMember,
  createAlarmResponse,
  createHashKVResponse,
  createMember,
  createMemberListResponse,
  createResponseHeader,
  createStatusResponse,
  type Member,
  type StatusResponse,
} from "../../../wire/gen/rpc.ts";
import { assess } from "./assessment.ts";
import { ClusterView } from "./cluster-view.ts";
import type { EndpointView } from "./endpoint-view.ts";
import { MetricsPage } from "./metrics-page.ts";

const NOW_MS = Date.parse("2026-01-01T00:00:00Z");
const DAY_MS = 86_400_000;

const MEMBERS = [1n, 2n, 3n].map((id) => member(id));

function member(id: bigint, more: Partial<Member> = {}): Member {
  return createMember({ id, name: `m${id}`, clientUrls: [`http://h${id}:2379`], ...more });
}

/** Member `id` as it is when all is well. */
function well(id: bigint, status: Partial<StatusResponse> = {}, members = MEMBERS): EndpointView {
  return {
    endpoint: `h${id}:2379`,
    isGiven: true,
    isSecure: false,
    statusMs: 1,
    readMs: 2,
    status: createStatusResponse({
      header: createResponseHeader({ clusterId: 7n, memberId: id, revision: 99 }),
      version: "3.5.16",
      leader: 1n,
      raftTerm: 4,
      raftIndex: 5000,
      raftAppliedIndex: 5000,
      ...status,
    }),
    members: createMemberListResponse({ members }),
    failures: new Map(),
  };
}

function gone(id: bigint): EndpointView {
  return {
    endpoint: `h${id}:2379`,
    isGiven: true,
    isSecure: false,
    connectionFailure: { code: "ECONNREFUSED", text: "connection refused" },
    failures: new Map(),
  };
}

/** The verdict, and each problem as `severity about: text`. */
function seen(...endpoints: EndpointView[]): [string, ...string[]] {
  const { verdict, problems } = assess(new ClusterView(endpoints, NOW_MS));
  return [verdict, ...problems.map(({ severity, about, text }) => `${severity} ${about}: ${text}`)];
}

const ALL = [well(1n), well(2n), well(3n)] as const;

describe("assess", () => {
  test("finds nothing where all is well", () => {
    expect(seen(...ALL)).toEqual(["healthy"]);
  });

  test("tells a member that is missing from a quorum that is", () => {
    expect(seen(well(1n), well(2n), gone(3n))).toEqual([
      "degraded",
      "warning cluster: no member may fail any more: 2 of 3 voting members answer, 2 are needed",
      "warning m3 (h3:2379): cannot be connected to: connection refused",
    ]);
    const alone = { ...well(1n, { leader: 0n }), failures: new Map([["read", "late"]]) };
    delete alone.readMs;
    const [verdict, first, ...rest] = seen(alone, gone(2n), gone(3n));
    expect([verdict, first]).toEqual([
      "critical",
      "critical cluster: there is no quorum: 1 of 3 voting members answer, 2 are needed. Nothing can be written, and reads fail unless they are serializable",
    ]);
    expect(rest).toHaveLength(2);
    const { problems } = assess(new ClusterView([alone, gone(2n), gone(3n)], NOW_MS));
    expect(problems[0].todo).toMatch(/^bring back 1 of m2, m3: then it goes on/);
  });

  test("says what to do for each way in which nobody answers", () => {
    const failing = (code: string, text: string): EndpointView => ({
      ...gone(1n),
      connectionFailure: { code, text },
    });
    const todo = (view: EndpointView): string =>
      assess(new ClusterView([view], NOW_MS)).problems[0].todo;
    expect(seen(gone(1n))[0]).toBe("no answer");
    expect(todo(failing("ECONNREFUSED", ""))).toContain("nothing listens on the port");
    expect(todo(failing("ETIMEDOUT", ""))).toContain("firewall");
    expect(todo(failing("ENOTFOUND", ""))).toContain("DNS does not know the name");
    expect(todo(failing("EPROTO", "SSL routines:wrong version number"))).toContain("http://");
    expect(todo(failing("EPROTO", "tlsv13 alert certificate required"))).toContain("--cert");
    const silent = { ...gone(1n), failures: new Map([["status", "EOF"]]) };
    delete silent.connectionFailure;
    expect(todo({ ...silent, wantsTls: true })).toContain("https://");
    expect(todo(silent)).toContain("read its log");
    const refused = new Map([["status", "etcdserver: user name is empty"]]);
    expect(todo({ ...silent, failures: refused })).toContain("--user root");
  });

  test("finds leaders that are none, or two", () => {
    expect(seen(well(1n), well(2n), well(3n, { leader: 0n }))).toEqual([
      "degraded",
      "warning m3 (h3:2379): knows no leader, while others do",
    ]);
    expect(seen(...[1n, 2n, 3n].map((id) => well(id, { leader: 0n })))[1]).toBe(
      "critical cluster: there is no leader",
    );
    expect(seen(well(1n), well(2n), well(3n, { leader: 3n }))[1]).toBe(
      "warning cluster: members take different ones for the leader: m1 (1) and m3 (3)",
    );
  });

  test("tells alarms once, and the way out with the revision that is meant", () => {
    const alarms = createAlarmResponse({
      alarms: [
        createAlarmMember({ memberId: 2n, alarm: AlarmType.NOSPACE }),
        createAlarmMember({ memberId: 3n, alarm: AlarmType.CORRUPT }),
      ],
    });
    const cluster = ALL.map((view) => ({ ...view, alarms }));
    const { verdict, problems } = assess(new ClusterView(cluster, NOW_MS));
    expect([verdict, problems.length]).toEqual(["critical", 2]);
    expect(problems[0].about).toBe("m2 (2)");
    expect(problems[0].todo).toContain("etcdctl compaction 99; etcdctl defrag --cluster");
    expect(problems[1].text).toContain("CORRUPT");
  });

  test("compares clusters, versions and hashes", () => {
    const header = createResponseHeader({ clusterId: 8n, memberId: 9n });
    expect(seen(well(1n), well(2n), well(3n), well(9n, { header }))[1]).toMatch(
      /^critical cluster: the endpoints belong to different clusters: m1 .* 7, .* 8$/,
    );
    expect(seen(well(1n), well(2n), well(3n, { version: "3.5.17" }))).toEqual([
      "healthy",
      expect.stringMatching(/^note cluster: members run different versions/),
    ]);
    expect(seen(well(1n), well(2n), well(3n, { version: "3.6.1" }))[0]).toBe("degraded");
    const hashed = (id: bigint, hash: number): EndpointView => ({
      ...well(id),
      hashKv: createHashKVResponse({ hash, compactRevision: 1 }),
    });
    expect(seen(hashed(1n, 5), hashed(2n, 5), hashed(3n, 5))).toEqual(["healthy"]);
    expect(seen(hashed(1n, 5), hashed(2n, 5), hashed(3n, 6))[0]).toBe("critical");
  });

  test("looks at members that have not started, do not vote, or are one too many", () => {
    const members = [...MEMBERS, member(4n, { name: "", clientUrls: [] })];
    const learner = member(5n, { isLearner: true });
    expect(seen(...[1n, 2n, 3n].map((id) => well(id, {}, members)))).toEqual([
      "degraded",
      "warning cluster: no member may fail any more: 3 of 4 voting members answer, 3 are needed",
      "warning 4: was added, and has never started",
      "note cluster: 4 members vote: no more of them may fail than of 3",
    ]);
    const withLearner = [...MEMBERS, learner];
    const [verdict, ...problems] = seen(...[1n, 2n, 3n].map((id) => well(id, {}, withLearner)));
    expect(verdict).toBe("healthy");
    expect(problems).toEqual([
      "note m5 (5): is a member, and was not asked",
      "note m5 (5): is a learner: it has no vote, and answers no client",
    ]);
  });

  test("finds members that are behind, full or slow", () => {
    expect(seen(well(1n), well(2n), well(3n, { raftIndex: 10, raftTerm: 3 }))).toEqual([
      "degraded",
      "warning m3 (h3:2379): is 4990 entries behind the newest member",
      "warning m3 (h3:2379): is at term 3, the others are at 4",
    ]);
    expect(seen(well(1n, { raftAppliedIndex: 1 }), well(2n), well(3n))[1]).toBe(
      "warning m1 (h1:2379): has 4999 entries still to apply",
    );
    const metrics = new MetricsPage("etcd_server_quota_backend_bytes 1e+06\n", 0);
    const full = { ...well(1n, { dbSize: 960_000, dbSizeInUse: 960_000 }), metrics };
    expect(seen(full, well(2n), well(3n))).toEqual([
      "critical",
      "critical m1 (h1:2379): its database has 960 kB of the 1.0 MB that the quota allows; at 100 % nothing can be written",
    ]);
    expect(seen({ ...well(1n), statusMs: 700 }, well(2n), well(3n))[1]).toBe(
      "warning m1 (h1:2379): took 700 ms to tell its state",
    );
    expect(seen({ ...well(1n), clockAheadMs: -61_000 }, well(2n), well(3n))[1]).toBe(
      "warning m1 (h1:2379): its clock is about 61 s behind the one here",
    );
  });

  test("looks at the ends of certificates", () => {
    const until = (days: number, problem?: string): EndpointView => ({
      ...well(1n),
      certificate: {
        subject: "server",
        validFromMs: NOW_MS - DAY_MS,
        validToMs: NOW_MS + days * DAY_MS,
        ...(problem === undefined ? {} : { problem }),
      },
    });
    expect(seen(until(90), well(2n), well(3n))).toEqual(["healthy"]);
    expect(seen(until(20), well(2n), well(3n))[0]).toBe("degraded");
    expect(seen(until(1), well(2n), well(3n))[1]).toBe(
      "critical m1 (h1:2379): its certificate (server) expires in 1 days, at 2026-01-02T00:00:00.000Z",
    );
    expect(seen(until(-1, "CERT_HAS_EXPIRED"), well(2n), well(3n))).toHaveLength(2);
    expect(seen(until(90, "SELF_SIGNED"), well(2n), well(3n))[1]).toContain("is not believed");
  });
});
