/** What a checker found, for people: the rule that was broken, and the part of the history that shows it. */
import type { Operation, Request, KeyRange, Outcome, KeyValue, Result } from "../history.ts";

export interface Violation {
  readonly rule: string;
  readonly summary: string;
  /** The operations and responses that contradict each other, one a line. */
  readonly lines: readonly string[];
}

export function describeViolation({ rule, summary, lines }: Violation): string {
  return [`${rule}: ${summary}`, ...lines.map((line) => `  ${line}`)].join("\n");
}

/** Such as `c3 12.0-14.5 put a=7 -> revision 9`. */
export function describeOperation(operation: Operation): string {
  const { client, call, return: returned, request, outcome, member } = operation;
  const at = member === undefined ? "" : ` at ${member}`;
  const until = outcome.kind === "unknown" ? "?" : String(returned);
  return `client ${client}${at} ${call}..${until} ${describeRequest(request)} -> ${describeOutcome(outcome)}`;
}

export function describeRequest(request: Request): string {
  switch (request.kind) {
    case "range": {
      const options = [
        request.revision ? ` at revision ${request.revision}` : "",
        request.serializable === true ? " serializable" : "",
        request.limit ? ` limit ${request.limit}` : "",
        request.countOnly === true ? " count only" : "",
      ];
      return `range ${rangeText(request)}${options.join("")}`;
    }
    case "put":
      return `put ${text(request.key)}=${text(request.value)}${leaseText(request.lease)}`;
    case "delete":
      return `delete ${rangeText(request)}`;
    case "txn": {
      const compares = request.compares.map(
        ({ key, target, result, operand }) => `${target}(${text(key)})${result}${operand}`,
      );
      const branches = [request.success, request.failure].map((branch) =>
        branch.map(describeRequest).join(", "),
      );
      return `txn if [${compares.join(", ")}] then [${branches[0]}] else [${branches[1]}]`;
    }
    case "compact":
      return `compact ${request.revision}`;
    case "grant":
      return `grant ${request.lease} for ${request.ttlSeconds} s`;
    case "revoke":
    case "alive":
      return `${request.kind} ${request.lease}`;
  }
}

function describeOutcome(outcome: Outcome): string {
  if (outcome.kind === "ok")
    return `${describeResult(outcome.result)} (revision ${outcome.revision})`;
  return `${outcome.kind}${outcome.error === undefined ? "" : `: ${outcome.error}`}`;
}

export function describeResult(result: Result): string {
  if ("kvs" in result) return `[${result.kvs.map(describeKv).join(", ")}] of ${result.count}`;
  if ("deleted" in result) return `deleted ${result.deleted}`;
  if ("succeeded" in result) {
    return `${result.succeeded ? "then" : "else"} ${result.results.map(describeResult).join("; ")}`;
  }
  if ("ttlSeconds" in result) return `ttl ${result.ttlSeconds}`;
  if ("prev" in result && result.prev !== undefined) return `before ${describeKv(result.prev)}`;
  return "ok";
}

export function describeKv({ key, value, create, mod, version, lease }: KeyValue): string {
  return `${text(key)}=${text(value)}{create ${create} mod ${mod} version ${version}${leaseText(lease)}}`;
}

function rangeText({ key, end }: KeyRange): string {
  return end === undefined || end === "" ? text(key) : `[${text(key)}, ${text(end)})`;
}

function leaseText(lease: string | undefined): string {
  return lease === undefined || lease === "0" ? "" : ` lease ${lease}`;
}

/** Values can be long, and need not be printable. */
function text(value: string): string {
  const shown = value.length > 40 ? `${value.slice(0, 37)}...` : value;
  const isPlain = /^[!-~]*$/.test(shown);
  return isPlain && shown !== "" ? shown : JSON.stringify(shown);
}
