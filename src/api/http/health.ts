/**
 * `/health`: no alarm (but for excluded ones), a leader, and a read that comes through.
 *
 * Source: etcd server/etcdserver/api/etcdhttp (health.go).
 */
import type { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import type { HttpServerRequest } from "../../ports/http.ts";
import { queryValues } from "../../stdx/go-query.ts";
import { AlarmType } from "../../wire/gen/rpc.ts";
import type { ServiceContext } from "../context.ts";
import { answerText, hasMethod, TEXT_TYPE } from "./answers.ts";

/** Answers when it is known, which may take until reading is possible. */
export function serveHealth(context: ServiceContext, request: HttpServerRequest): void {
  if (!hasMethod(request, "GET")) return;
  const { member } = context;
  const alarm = raisedAlarm(context, queryValues(request.query, "exclude"));
  if (alarm !== undefined) {
    unhealthy(request, `ALARM ${alarm}`);
    return;
  }
  if (queryValues(request.query, "serializable").at(0) === "true") {
    healthy(request);
    return;
  }
  if (member.leader === 0n) {
    unhealthy(request, "RAFT NO LEADER");
    return;
  }
  member.whenReadable({
    onReadable: () => healthy(request),
    onFailed: (error) => unhealthy(request, `RANGE ERROR:${readFailure(error)}`),
  });
}

/** Etcd's own time limit for the read is over first, with the text of Go's context. */
function readFailure(error: EtcdError): string {
  return (error === Errors.Timeout ? Errors.DeadlineExceeded : error).message;
}

function raisedAlarm(context: ServiceContext, excluded: readonly string[]): string | undefined {
  for (const { alarm } of context.member.applier.alarms.list(AlarmType.NONE)) {
    const name = ALARMS.get(alarm) ?? "UNKNOWN";
    if (!excluded.includes(name)) return name;
  }
  return undefined;
}

const ALARMS = new Map<number, string>([
  [AlarmType.NOSPACE, "NOSPACE"],
  [AlarmType.CORRUPT, "CORRUPT"],
]);

function healthy(request: HttpServerRequest): void {
  answer(request, 200, '{"health":"true","reason":""}');
}

function unhealthy(request: HttpServerRequest, reason: string): void {
  answer(request, 503, `${JSON.stringify({ health: "false", reason })}\n`);
}

function answer(request: HttpServerRequest, status: number, body: string): void {
  answerText(request, status, { "Content-Type": TEXT_TYPE }, body);
}
