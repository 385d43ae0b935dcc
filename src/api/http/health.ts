/**
 * `/health`: no alarm (but for excluded ones), a leader, and a read that comes through.
 *
 * With the query `detailed` the same answer is JSON with what it stands on, of which etcd has nothing: the
 * alarms, the part of the member in its cluster, and how long the read took.
 *
 * Source: etcd server/etcdserver/api/etcdhttp (health.go).
 */
import type { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import { formatId } from "../../membership/member-info.ts";
import type { HttpServerRequest } from "../../ports/http.ts";
import type { Log } from "../../ports/log.ts";
import { queryHas, queryValues } from "../../stdx/go-query.ts";
import { goJsonString } from "../../stdx/json.ts";
import { AlarmType } from "../../wire/gen/rpc.ts";
import type { ServiceContext } from "../context.ts";
import { describeAlarm } from "../maintenance-status.ts";
import { answerFailure, answerText, hasMethod, TEXT_TYPE } from "./answers.ts";
import type { HealthMetrics } from "./health-metrics.ts";
import type { HttpHandler } from "./router.ts";

/** Answers when it is known, which may take until reading is possible. */
export function healthHandler(context: ServiceContext, metrics: HealthMetrics): HttpHandler {
  const endpoint = new HealthEndpoint(context, metrics);
  return (request) => endpoint.serve(request);
}

class HealthEndpoint {
  readonly #context: ServiceContext;
  readonly #metrics: HealthMetrics;
  readonly #log: Log;

  constructor(context: ServiceContext, metrics: HealthMetrics) {
    this.#context = context;
    this.#metrics = metrics;
    this.#log = context.log.named("etcdhttp/health.go");
  }

  serve(request: HttpServerRequest): void {
    if (!hasMethod(request, "GET")) {
      this.#log.warn("/health error", { "status-code": 405 });
      return;
    }
    const { member, clock } = this.#context;
    const alarm = this.#raisedAlarm(queryValues(request.query, "exclude"));
    if (alarm !== undefined) {
      this.#answer(request, `ALARM ${alarm}`);
      return;
    }
    if (queryValues(request.query, "serializable").at(0) === "true") {
      this.#countRead();
      this.#answer(request, "");
      return;
    }
    if (member.leader === 0n) {
      this.#log.warn("serving /health false; no leader");
      this.#answer(request, "RAFT NO LEADER");
      return;
    }
    const startMs = clock.nowMs();
    const answer = (reason: string): void => this.#answer(request, reason, clock.nowMs() - startMs);
    member.whenReadable({
      onReadable: () => {
        this.#countRead();
        answer("");
      },
      onFailed: (error) => {
        const failure = readFailure(error);
        this.#log.warn("serving /health false; Range fails", { error: failure });
        answer(`RANGE ERROR:${failure}`);
      },
    });
  }

  /** In etcd the read is a range like those of clients, and counts as one. */
  #countRead(): void {
    this.#context.member.applier.store.metrics.ranges.inc();
  }

  #raisedAlarm(excluded: readonly string[]): string | undefined {
    for (const raised of this.#context.member.applier.alarms.list(AlarmType.NONE)) {
      const name = ALARMS.get(raised.alarm) ?? "UNKNOWN";
      if (excluded.includes(name)) {
        this.#log.debug("/health excluded alarm", { alarm: describeAlarm(raised) });
        continue;
      }
      this.#log.warn("serving /health false due to an alarm", { alarm: describeAlarm(raised) });
      return name;
    }
    return undefined;
  }

  /** Healthy when there is no reason against it. */
  #answer(request: HttpServerRequest, reason: string, readMs?: number): void {
    const isHealthy = reason === "";
    const output = `{"health":"${String(isHealthy)}","reason":${goJsonString(reason)}}`;
    if (isHealthy) {
      this.#metrics.successes.inc();
      this.#log.debug("/health OK", { "status-code": 200 });
    } else {
      this.#metrics.failures.inc();
      this.#log.warn("/health error", { output, "status-code": 503 });
    }
    if (queryHas(request.query, "detailed")) {
      const text = `${JSON.stringify(this.#details(isHealthy, reason, readMs))}\n`;
      const headers = { "Content-Type": "application/json" };
      answerText(request, isHealthy ? 200 : 503, headers, text);
    } else if (isHealthy) {
      answerText(request, 200, { "Content-Type": TEXT_TYPE }, output);
    } else {
      answerFailure(request, 503, output);
    }
  }

  #details(isHealthy: boolean, reason: string, readMs: number | undefined): object {
    const { member, storage, clusterId, serverVersion } = this.#context;
    const { id, leader, term, committedIndex, appliedIndex, isLearner } = member.status();
    const alarms = member.applier.alarms.list(AlarmType.NONE).map(({ memberId, alarm }) => ({
      member_id: formatId(memberId),
      alarm: ALARMS.get(alarm) ?? "UNKNOWN",
    }));
    return {
      health: String(isHealthy),
      reason,
      alarms,
      member: {
        cluster_id: formatId(clusterId),
        member_id: formatId(id),
        leader_id: formatId(leader),
        is_learner: isLearner,
        version: serverVersion,
        raft_term: term,
        raft_committed_index: committedIndex,
        raft_applied_index: appliedIndex,
        revision: member.applier.store.revision,
      },
      database: {
        size_bytes: storage.databaseBytes(),
        in_use_bytes: storage.databaseBytesInUse(),
      },
      ...(readMs === undefined ? {} : { linearizable_read_seconds: readMs / 1000 }),
    };
  }
}

const ALARMS = new Map<number, string>([
  [AlarmType.NOSPACE, "NOSPACE"],
  [AlarmType.CORRUPT, "CORRUPT"],
]);

/** Etcd's own time limit for the read is over first, with the text of Go's context. */
function readFailure(error: EtcdError): string {
  return (error === Errors.Timeout ? Errors.DeadlineExceeded : error).message;
}
