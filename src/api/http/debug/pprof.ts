/**
 * `/debug/pprof/`: profiles for the program pprof, by the names that Go gives them. CPU and heap are those of
 * the engine; goroutines are what the process waits for; what has no counterpart is an empty profile that says
 * so.
 *
 * Source: Go net/http/pprof; etcd pkg/debugutil.
 */
import type { Clock } from "../../../ports/clock.ts";
import type { HttpServerRequest } from "../../../ports/http.ts";
import type { ProcessFacts } from "../../../ports/process-facts.ts";
import {
  CPU_SAMPLE_INTERVAL_US,
  HEAP_SAMPLE_INTERVAL_BYTES,
  type Profiler,
  type StackProfile,
} from "../../../ports/profiler.ts";
import { queryValues } from "../../../stdx/go-query.ts";
import { PROFILE_SECONDS_MAX } from "../../limits.ts";
import { answerText, TEXT_TYPE } from "../answers.ts";
import { encodeProfile, type ProfileTerms } from "./encode-profile.ts";
import { profileText } from "./profile-text.ts";

export interface PprofParts {
  readonly profiler: Profiler;
  readonly facts: ProcessFacts;
  readonly clock: Clock;
}

const PREFIX = "/debug/pprof/";
const NOSNIFF = { "X-Content-Type-Options": "nosniff" };
const DEFAULT_SECONDS = 30;

const PROFILES: ReadonlyMap<string, string> = new Map([
  ["allocs", "What is allocated during ?seconds=N, held or not (30 seconds by default)."],
  ["block", "Empty: nothing blocks on locks in one event loop."],
  ["cmdline", "The program and its arguments."],
  ["goroutine", "What the process waits for, by kind."],
  ["heap", "What the heap holds, by who allocated it; ?gc=1 collects garbage first."],
  ["mutex", "Empty: there are no locks in one event loop."],
  ["profile", "Where CPU time goes during ?seconds=N (30 seconds by default)."],
  ["symbol", "Nothing to look up: functions have their names in every profile."],
  ["threadcreate", "Threads of the process."],
  ["trace", "Nothing: execution traces are those of Go's scheduler."],
]);

/** Answers a request for `path`, which begins with "/debug/pprof/". */
export function servePprof(parts: PprofParts, request: HttpServerRequest, path: string): void {
  const name = path.slice(PREFIX.length);
  const { profiler } = parts;
  switch (name) {
    case "":
      return serveIndex(request);
    case "cmdline":
      return answerPlain(request, 200, parts.facts.commandLine.join("\0"));
    case "symbol":
      return answerPlain(request, 200, "num_symbols: 0\n");
    case "trace":
      return refuse(request, 501, "execution traces are those of Go's scheduler; use profile");
    case "profile":
      return new ProfileRun(parts, request, "profile", CPU).serve((durationMs, done) =>
        profiler.cpu(durationMs, done),
      );
    case "allocs":
      return new ProfileRun(parts, request, "allocs", ALLOCATED).serve((durationMs, done) =>
        profiler.allocations(durationMs, done),
      );
    case "heap":
      return profiler.heap(numberOf(request, "gc") > 0, (result) =>
        answerProfile(parts, request, name, result, { ...HELD, ...now(parts) }),
      );
    case "goroutine":
    case "threadcreate":
    case "block":
    case "mutex":
      return answerProfile(parts, request, name, counted(name, profiler), {
        ...COUNTS[name],
        ...now(parts),
      });
    default:
      return refuse(request, 404, "Unknown profile");
  }
}

type Kinds = Omit<ProfileTerms, "startMs" | "durationMs">;

const CPU: Kinds = {
  kinds: [
    ["samples", "count"],
    ["cpu", "nanoseconds"],
  ],
  periodKind: ["cpu", "nanoseconds"],
  period: CPU_SAMPLE_INTERVAL_US * 1000,
};

const HELD: Kinds = {
  kinds: [["inuse_space", "bytes"]],
  periodKind: ["space", "bytes"],
  period: HEAP_SAMPLE_INTERVAL_BYTES,
};

const ALLOCATED: Kinds = { ...HELD, kinds: [["alloc_space", "bytes"]] };

const CONTENTION: Kinds = {
  kinds: [
    ["contentions", "count"],
    ["delay", "nanoseconds"],
  ],
  periodKind: ["contentions", "count"],
  period: 1,
  comment: "one event loop has no locks to wait for",
};

const COUNTS = {
  goroutine: { kinds: [["goroutine", "count"]], periodKind: ["goroutine", "count"], period: 1 },
  threadcreate: {
    kinds: [["threadcreate", "count"]],
    periodKind: ["threadcreate", "count"],
    period: 1,
  },
  block: CONTENTION,
  mutex: CONTENTION,
} as const satisfies Record<string, Kinds>;

/** Counts as stacks of one function each. */
function counted(name: keyof typeof COUNTS, profiler: Profiler): StackProfile {
  const counts = new Map<string, number>();
  if (name === "threadcreate") counts.set("thread", profiler.threads());
  else if (name === "goroutine") for (const each of profiler.waiting()) counts.set(...each);
  const names = [...counts];
  return {
    nodes: names.map(([kind]) => ({ name: kind, file: "", line: 0, parent: -1 })),
    samples: names.map(([, count], node) => ({ node, line: 0, values: [count] })),
  };
}

function now({ clock }: PprofParts): { startMs: number; durationMs: number } {
  return { startMs: clock.wallMs(), durationMs: 0 };
}

/** A profile that takes its time, and ends early when nobody waits for it any more. */
class ProfileRun {
  readonly #parts: PprofParts;
  readonly #request: HttpServerRequest;
  readonly #name: string;
  readonly #kinds: Kinds;

  constructor(parts: PprofParts, request: HttpServerRequest, name: string, kinds: Kinds) {
    this.#parts = parts;
    this.#request = request;
    this.#name = name;
    this.#kinds = kinds;
  }

  serve(
    run: (durationMs: number, done: (result: StackProfile | Error) => void) => () => void,
  ): void {
    const request = this.#request;
    const given = numberOf(request, "seconds");
    const seconds = given > 0 ? Math.min(given, PROFILE_SECONDS_MAX) : DEFAULT_SECONDS;
    const startMs = this.#parts.clock.wallMs();
    request.onGone = run(seconds * 1000, (result) => {
      const durationMs = this.#parts.clock.wallMs() - startMs;
      const terms = { ...this.#kinds, startMs, durationMs };
      answerProfile(this.#parts, request, this.#name, result, terms);
    });
  }
}

function answerProfile(
  { profiler }: PprofParts,
  request: HttpServerRequest,
  name: string,
  result: StackProfile | Error,
  terms: ProfileTerms,
): void {
  if (result instanceof Error) {
    refuse(request, 500, `Could not enable profiling: ${result.message}`);
    return;
  }
  if (numberOf(request, "debug") > 0) {
    answerPlain(request, 200, profileText(name, result, terms));
    return;
  }
  const headers = {
    ...NOSNIFF,
    "Content-Type": "application/octet-stream",
    "Content-Disposition": `attachment; filename="${name}"`,
  };
  request.respond(200, headers, profiler.gzip(encodeProfile(result, terms)));
}

function numberOf(request: HttpServerRequest, name: string): number {
  const [text = ""] = queryValues(request.query, name);
  return /^\d{1,9}$/.test(text) ? Number(text) : 0;
}

function serveIndex(request: HttpServerRequest): void {
  const rows = [...PROFILES].map(
    ([name, text]) => `<tr><td><a href='${name}?debug=1'>${name}</a></td><td>${text}</td></tr>`,
  );
  const page =
    "<html>\n<head>\n<title>/debug/pprof/</title>\n</head>\n<body>\n/debug/pprof/\n<br>\n" +
    `<p>Set debug=1 as a query parameter to export in text format</p>\n<table>\n${rows.join("\n")}\n` +
    "</table>\n</body>\n</html>\n";
  answerText(request, 200, { ...NOSNIFF, "Content-Type": "text/html; charset=utf-8" }, page);
}

function answerPlain(request: HttpServerRequest, status: number, text: string): void {
  answerText(request, status, { ...NOSNIFF, "Content-Type": TEXT_TYPE }, text);
}

function refuse(request: HttpServerRequest, status: number, text: string): void {
  const headers = { ...NOSNIFF, "Content-Type": TEXT_TYPE, "X-Go-Pprof": "1" };
  answerText(request, status, headers, `${text}\n`);
}
