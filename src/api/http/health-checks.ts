/**
 * `/livez` and `/readyz`: named checks that are run one after the other, all of them or each under its own
 * path. Lines that failed are always told, the others on request.
 *
 * Source: etcd server/etcdserver/api/etcdhttp (health.go).
 */
import type { HttpServerRequest } from "../../ports/http.ts";
import type { Log } from "../../ports/log.ts";
import { goQuote } from "../../stdx/go-quote.ts";
import { queryHas, queryValues } from "../../stdx/go-query.ts";
import { AlarmType } from "../../wire/gen/rpc.ts";
import type { ServiceContext } from "../context.ts";
import { answerFailure, answerText, hasMethod, TEXT_TYPE } from "./answers.ts";
import type { HealthMetrics } from "./health-metrics.ts";
import type { HttpRouter } from "./router.ts";

type CheckDone = (failure: string | undefined) => void;

interface HealthCheck {
  readonly name: string;
  /** Calls `done`, maybe before it returns, with why it failed. */
  run(done: CheckDone): void;
}

/** What a set of checks found: a line for each. */
interface Findings {
  readonly lines: string;
  readonly succeeded: boolean;
}

/** Gives `router` the paths of both. */
export function routeHealthChecks(
  router: HttpRouter,
  context: ServiceContext,
  metrics: HealthMetrics,
): void {
  const { member } = context;
  const log = context.log.named("etcdhttp/health.go");
  // What is applied here can always be read; a database that cannot be read ends the process.
  const { ranges } = member.applier.store.metrics;
  const read = (done: (failure: string | undefined) => void): void => {
    ranges.inc();
    done(undefined);
  };
  const local: HealthCheck = { name: "serializable_read", run: read };
  const readyz: readonly HealthCheck[] = [
    { name: "data_corruption", run: (done) => done(corruption(context)) },
    local,
    {
      name: "linearizable_read",
      run: (done) =>
        member.whenReadable({
          onReadable: () => read(done),
          onFailed: ({ message }) => done(message),
        }),
    },
    {
      name: "non_learner",
      run: (done) => done(member.isLearner ? "not supported for learner" : undefined),
    },
  ];
  new CheckSet("livez", [local], metrics, log).route(router);
  new CheckSet("readyz", readyz, metrics, log).route(router);
}

function corruption({ member }: ServiceContext): string | undefined {
  const raised = member.applier.alarms.list(AlarmType.CORRUPT);
  return raised.length > 0 ? "alarm activated: CORRUPT" : undefined;
}

class CheckSet {
  readonly #type: string;
  readonly #checks: readonly HealthCheck[];
  readonly #metrics: HealthMetrics;
  readonly #log: Log;

  constructor(type: string, checks: readonly HealthCheck[], metrics: HealthMetrics, log: Log) {
    this.#type = type;
    this.#checks = checks;
    this.#metrics = metrics;
    this.#log = log;
  }

  route(router: HttpRouter): void {
    const root = `/${this.#type}`;
    router.handle(root, (request) => this.#serve(request, root, () => this.#wanted(request)));
    for (const check of this.#checks) {
      const path = `${root}/${check.name}`;
      router.handle(path, (request) => this.#serve(request, path, () => [check]));
    }
  }

  #wanted(request: HttpServerRequest): readonly HealthCheck[] {
    const excluded = new Set(queryValues(request.query, "exclude").filter((name) => name !== ""));
    const wanted = this.#checks.filter(({ name }) => !excluded.delete(name));
    if (excluded.size > 0) {
      const missing = [...excluded].map(goQuote).join(",");
      this.#log.warn("some health checks cannot be excluded", { "missing-health-checks": missing });
    }
    return wanted;
  }

  #serve(request: HttpServerRequest, path: string, wanted: () => readonly HealthCheck[]): void {
    if (!hasMethod(request, "GET")) {
      this.#log.warn("Health request error", { path, "status-code": 405 });
      return;
    }
    this.#run(wanted(), 0, { lines: "", succeeded: true }, ({ lines, succeeded }) => {
      if (!succeeded) {
        answerFailure(request, 503, lines);
        this.#log.error("Health check error", { path, reason: lines, "status-code": 503 });
        return;
      }
      const told = queryHas(request.query, "verbose") ? lines : "";
      const headers = { "Content-Type": TEXT_TYPE, "X-Content-Type-Options": "nosniff" };
      answerText(request, 200, headers, `${told}ok\n`);
      this.#log.debug("Health check OK", { path, reason: lines, "status-code": 200 });
    });
  }

  #run(
    checks: readonly HealthCheck[],
    at: number,
    found: Findings,
    done: (findings: Findings) => void,
  ): void {
    if (at === checks.length) {
      done(found);
      return;
    }
    const { name } = checks[at];
    checks[at].run((failure) => {
      const succeeded = failure === undefined;
      this.#metrics.checked(this.#type, name, succeeded);
      const line = succeeded ? `[+]${name} ok\n` : `[-]${name} failed: ${failure}\n`;
      const next = { lines: found.lines + line, succeeded: found.succeeded && succeeded };
      this.#run(checks, at + 1, next, done);
    });
  }
}
