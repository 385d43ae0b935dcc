/**
 * The plain HTTP endpoints of the client port: /version, /health and /metrics, with the headers that etcd sends.
 *
 * Source: etcd server/etcdserver/api/etcdhttp (version.go, health.go), embed/serve.go (accessController).
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { TEXT_CONTENT_TYPE } from "../stdx/metrics/exposition.ts";
import { AlarmType } from "../wire/gen/rpc.ts";
import type { ServiceContext } from "./context.ts";
import { metricsPage } from "./metrics-page.ts";

export interface EndpointRequest {
  readonly method: string;
  readonly path: string;
  /** All values of a query parameter, in order. */
  query(name: string): readonly string[];
}

export interface EndpointResponse {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  readonly body: string;
}

type Respond = (response: EndpointResponse) => void;

/** Sent with every answer: any origin may read. */
const ACCESS_HEADERS = {
  "Access-Control-Allow-Headers": "accept, content-type, authorization",
  "Access-Control-Allow-Methods": "POST, GET, OPTIONS, PUT, DELETE",
  "Access-Control-Allow-Origin": "*",
} as const;

const TEXT = "text/plain; charset=utf-8";

/**
 * Answers one request, at once or when reading is possible. `residentBytes` is asked for the memory that the
 * process takes.
 */
export function serveEndpoint(
  context: ServiceContext,
  request: EndpointRequest,
  respond: Respond,
  residentBytes: () => number,
): void {
  if (request.method === "OPTIONS") {
    respond({ status: 200, headers: ACCESS_HEADERS, body: "" });
    return;
  }
  switch (request.path) {
    case "/version":
      serveGet(request, respond, () => respond(version(context)));
      return;
    case "/health":
      serveGet(request, respond, () => serveHealth(context, request, respond));
      return;
    case "/metrics": {
      const headers = { ...ACCESS_HEADERS, "Content-Type": TEXT_CONTENT_TYPE };
      respond({ status: 200, headers, body: metricsPage(residentBytes()) });
      return;
    }
    default:
      respond(goError(404, "404 page not found"));
  }
}

function serveGet(request: EndpointRequest, respond: Respond, serve: () => void): void {
  if (request.method === "GET") {
    serve();
    return;
  }
  const refusal = goError(405, "Method Not Allowed");
  respond({ ...refusal, headers: { ...refusal.headers, Allow: "GET" } });
}

function version(context: ServiceContext): EndpointResponse {
  const cluster = context.member.applier.cluster.version ?? "not_decided";
  const body = JSON.stringify({ etcdserver: context.serverVersion, etcdcluster: cluster });
  return { status: 200, headers: { ...ACCESS_HEADERS, "Content-Type": "application/json" }, body };
}

/** Healthy: no alarm (but for excluded ones), a leader, and a read that comes through. */
function serveHealth(context: ServiceContext, request: EndpointRequest, respond: Respond): void {
  const { member } = context;
  const alarm = raisedAlarm(context, request.query("exclude"));
  if (alarm !== undefined) {
    respond(unhealthy(`ALARM ${alarm}`));
    return;
  }
  if (request.query("serializable").at(0) === "true") {
    respond(healthy());
    return;
  }
  if (member.leader === 0n) {
    respond(unhealthy("RAFT NO LEADER"));
    return;
  }
  member.whenReadable({
    onReadable: () => respond(healthy()),
    onFailed: (error: EtcdError) => respond(unhealthy(`RANGE ERROR:${readFailure(error)}`)),
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

function healthy(): EndpointResponse {
  return health(200, '{"health":"true","reason":""}');
}

function unhealthy(reason: string): EndpointResponse {
  return health(503, `${JSON.stringify({ health: "false", reason })}\n`);
}

function health(status: number, body: string): EndpointResponse {
  return { status, headers: { ...ACCESS_HEADERS, "Content-Type": TEXT }, body };
}

/** What Go's http.Error writes. */
function goError(status: number, text: string): EndpointResponse {
  const headers = { ...ACCESS_HEADERS, "Content-Type": TEXT, "X-Content-Type-Options": "nosniff" };
  return { status, headers, body: `${text}\n` };
}
