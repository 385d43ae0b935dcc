import { expect, test } from "vitest";
import { QUIET_LOG } from "../../../test/harness/quiet-log.ts";
import { Errors } from "../../errors/table.ts";
import type { HttpHeaders, HttpServerRequest } from "../../ports/http.ts";
import { utf8FromBytes } from "../../stdx/bytes.ts";
import { textExposition } from "../../stdx/metrics/exposition.ts";
import { MetricsRegistry } from "../../stdx/metrics/registry.ts";
import { AlarmType } from "../../wire/gen/rpc.ts";
import type { ServiceContext } from "../context.ts";
import { routeHealthChecks } from "./health-checks.ts";
import { HealthMetrics } from "./health-metrics.ts";
import { healthHandler } from "./health.ts";
import { HttpRouter } from "./router.ts";

/** What a member is like, as far as its health goes. */
interface Condition {
  readonly alarm?: AlarmType;
  readonly leader?: bigint;
  readonly isLearner?: boolean;
  readonly readFails?: boolean;
}

/** A member in this condition, and a way to ask for its pages. */
function member({ alarm, leader = 1n, isLearner = false, readFails = false }: Condition) {
  const alarms = alarm === undefined ? [] : [{ memberId: 0x1fn, alarm }];
  const context = {
    clusterId: 0xcn,
    serverVersion: "3.5.0",
    clock: { nowMs: () => 0 },
    log: { ...QUIET_LOG, named: () => QUIET_LOG },
    storage: { databaseBytes: () => 20, databaseBytesInUse: () => 10 },
    member: {
      leader,
      isLearner,
      applier: {
        store: { revision: 7, metrics: { ranges: { inc: () => {} } } },
        alarms: {
          list: (type: number) => alarms.filter((each) => type === 0 || each.alarm === type),
        },
      },
      status: () => ({ id: 1n, leader, term: 2, committedIndex: 4, appliedIndex: 3, isLearner }),
      whenReadable(waiter: { onReadable(): void; onFailed(error: unknown): void }) {
        if (readFails) waiter.onFailed(Errors.Timeout);
        else waiter.onReadable();
      },
    },
  } as unknown as ServiceContext;
  const registry = new MetricsRegistry();
  const metrics = new HealthMetrics(registry);
  const router = new HttpRouter().handle("/health", healthHandler(context, metrics));
  routeHealthChecks(router, context, metrics);
  const get = (target: string): string => {
    const [path, query = ""] = target.split("?");
    let answer = "";
    const request = {
      method: "GET",
      path,
      query,
      respond(status: number, _headers: HttpHeaders, body: Uint8Array) {
        answer = `${status} ${utf8FromBytes(body)}`;
      },
    } as unknown as HttpServerRequest;
    router.serve(request);
    return answer;
  };
  return { get, metrics: () => textExposition(registry.collect()) };
}

test("a voter that can read is ready", () => {
  const { get, metrics } = member({});
  expect(get("/readyz?verbose")).toBe(
    "200 [+]data_corruption ok\n[+]serializable_read ok\n[+]linearizable_read ok\n[+]non_learner ok\nok\n",
  );
  expect(get("/livez")).toBe("200 ok\n");
  expect(metrics()).toContain('etcd_server_healthcheck{name="non_learner",type="readyz"} 1\n');
});

test("a learner lives, and is not ready", () => {
  const { get, metrics } = member({ isLearner: true });
  expect(get("/livez")).toBe("200 ok\n");
  expect(get("/readyz/non_learner")).toBe(
    "503 [-]non_learner failed: not supported for learner\n\n",
  );
  expect(get("/readyz?exclude=non_learner")).toBe("200 ok\n");
  expect(metrics()).toContain('etcd_server_healthcheck{name="non_learner",type="readyz"} 0\n');
  expect(metrics()).toContain(
    'etcd_server_healthchecks_total{name="non_learner",status="error",type="readyz"} 1\n',
  );
});

test("corrupt data and a read that fails are told with everything else", () => {
  const { get } = member({ alarm: AlarmType.CORRUPT, readFails: true });
  expect(get("/readyz")).toBe(
    "503 [-]data_corruption failed: alarm activated: CORRUPT\n[+]serializable_read ok\n" +
      "[-]linearizable_read failed: etcdserver: request timed out\n[+]non_learner ok\n\n",
  );
  expect(get("/livez")).toBe("200 ok\n");
});

test("/health tells the first thing that is wrong, and counts", () => {
  const { get, metrics } = member({ alarm: AlarmType.NOSPACE, leader: 0n });
  expect(get("/health")).toBe('503 {"health":"false","reason":"ALARM NOSPACE"}\n');
  expect(get("/health?exclude=NOSPACE")).toBe('503 {"health":"false","reason":"RAFT NO LEADER"}\n');
  expect(get("/health?exclude=NOSPACE&serializable=true")).toBe(
    '200 {"health":"true","reason":""}',
  );
  expect(member({ readFails: true }).get("/health")).toBe(
    '503 {"health":"false","reason":"RANGE ERROR:context deadline exceeded"}\n',
  );
  expect(metrics()).toContain("etcd_server_health_failures 2\n");
  expect(metrics()).toContain("etcd_server_health_success 1\n");
});

test("/health in detail tells what it stands on", () => {
  const answer = member({ alarm: AlarmType.NOSPACE }).get("/health?detailed");
  expect(answer.slice(0, 4)).toBe("503 ");
  expect(JSON.parse(answer.slice(4))).toEqual({
    health: "false",
    reason: "ALARM NOSPACE",
    alarms: [{ member_id: "1f", alarm: "NOSPACE" }],
    member: {
      cluster_id: "c",
      member_id: "1",
      leader_id: "1",
      is_learner: false,
      version: "3.5.0",
      raft_term: 2,
      raft_committed_index: 4,
      raft_applied_index: 3,
      revision: 7,
    },
    database: { size_bytes: 20, in_use_bytes: 10 },
  });
  const healthy = JSON.parse(member({}).get("/health?detailed&x").slice(4)) as object;
  expect(healthy).toMatchObject({ health: "true", alarms: [], linearizable_read_seconds: 0 });
});
