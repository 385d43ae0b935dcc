/**
 * `/debug/requests` and `/debug/events` as pages: a table of families with what is active and how long calls
 * took, and the calls of the family and bucket that `?fam=…&b=…` name.
 *
 * Source: golang.org/x/net/trace for the paths, queries and columns.
 */
import type { HttpServerRequest } from "../../../ports/http.ts";
import { queryValues } from "../../../stdx/go-query.ts";
import { answerText } from "../answers.ts";
import {
  BUCKET_SECONDS,
  type CallFamily,
  type RequestLog,
  type TracedCall,
} from "./request-log.ts";

const EVENT_FAMILY = "grpc.Server";

/** Ages of errors that the events page counts, in seconds. */
const EVENT_AGES = [
  [10, "10s"],
  [60, "1m"],
  [600, "10m"],
  [3600, "1h"],
  [36_000, "10h"],
] as const;

export function serveRequests(log: RequestLog, request: HttpServerRequest): void {
  const { family, bucket } = chosen(request);
  const families = [...log.families.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const rows = families.map((each) => familyRow(each));
  const shown = family === undefined ? undefined : log.families.get(family);
  const calls = shown === undefined ? [] : callsOf(shown, bucket);
  const title =
    shown === undefined ? "" : `<h3>Family: ${escape(shown.name)} (${calls.length} shown)</h3>`;
  answerPage(request, "/debug/requests", rows, title + callTable(calls, log));
}

export function serveEvents(log: RequestLog, request: HttpServerRequest): void {
  const { family, bucket } = chosen(request);
  const nowMs = log.clock.nowMs();
  const within = (seconds: number): readonly TracedCall[] =>
    log.failures.filter(({ startMs }) => nowMs - startMs < seconds * 1000);
  const cells = EVENT_AGES.map(([seconds, label], index) =>
    cell(EVENT_FAMILY, index + 1, `[${within(seconds).length} errs&lt;${label}]`),
  );
  const total = cell(EVENT_FAMILY, 0, `[${log.calls} total]`);
  const rows = [`<tr><td class="family">${EVENT_FAMILY}</td>${total}${cells.join("")}</tr>`];
  const age = EVENT_AGES[bucket - 1]?.[0] ?? Number.POSITIVE_INFINITY;
  const calls = family === EVENT_FAMILY ? within(age).toReversed() : [];
  answerPage(request, "/debug/events", rows, callTable(calls, log));
}

function chosen(request: HttpServerRequest): { family: string | undefined; bucket: number } {
  const [family] = queryValues(request.query, "fam");
  const bucket = Number(queryValues(request.query, "b").at(0) ?? "-1");
  return { family, bucket: Number.isInteger(bucket) ? bucket : -1 };
}

/** Bucket -1 is what goes on; the last one is what failed. */
function callsOf(family: CallFamily, bucket: number): readonly TracedCall[] {
  if (bucket < 0) return [...family.active].toReversed();
  return (family.buckets[bucket] ?? []).toReversed();
}

function familyRow(family: CallFamily): string {
  const { name, buckets, active } = family;
  const cells = BUCKET_SECONDS.map((seconds, index) =>
    cell(
      name,
      index,
      `[≥${seconds}s${buckets[index].length === 0 ? "" : ` ${buckets[index].length}`}]`,
    ),
  );
  const failed = cell(name, BUCKET_SECONDS.length, `[errors ${family.failed.length}]`);
  const going = cell(name, -1, `[${active.size} active]`);
  return `<tr><td class="family">${escape(name)}</td>${going}${cells.join("")}${failed}</tr>`;
}

function cell(family: string, bucket: number, text: string): string {
  return `<td><a href="?fam=${escape(family)}&amp;b=${bucket}">${text}</a></td>`;
}

function callTable(calls: readonly TracedCall[], { clock }: RequestLog): string {
  if (calls.length === 0) return "";
  const rows = calls.map((call) => {
    const seconds = call.seconds < 0 ? (clock.nowMs() - call.startMs) / 1000 : call.seconds;
    const when = new Date(call.startWallMs).toISOString().replace("T", " ").replace("Z", "");
    const state = call.seconds < 0 ? "active" : `code ${call.code}: ${call.message}`;
    const moved =
      `recv: ${call.requests} messages, ${call.requestBytes} bytes; ` +
      `sent: ${call.responses} messages, ${call.responseBytes} bytes`;
    return (
      `<tr class="first"><td class="when">${when}</td>` +
      `<td class="elapsed">${seconds.toFixed(6)}</td><td>${escape(call.path)}</td></tr>` +
      `<tr><td></td><td></td><td>RPC: from ${escape(call.peer)}; ${moved}</td></tr>` +
      `<tr><td></td><td></td><td>${escape(state)}</td></tr>`
    );
  });
  const head = "<tr><th>When</th><th>Elapsed (s)</th><th></th></tr>";
  return `<table id="reqs">\n${head}\n${rows.join("\n")}\n</table>`;
}

function answerPage(
  request: HttpServerRequest,
  title: string,
  rows: readonly string[],
  below: string,
): void {
  const page =
    `<html>\n<head>\n<title>${title}</title>\n<style type="text/css">\n` +
    "body { font-family: sans-serif; } td { padding-right: 1em; } #reqs td { font-family: monospace; }\n" +
    `</style>\n</head>\n<body>\n<h1>${title}</h1>\n` +
    `<table id="tr-status">\n${rows.join("\n")}\n</table>\n${below}\n</body>\n</html>\n`;
  answerText(request, 200, { "Content-Type": "text/html; charset=utf-8" }, page);
}

const ESCAPES: { readonly [character: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
};

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character]);
}
