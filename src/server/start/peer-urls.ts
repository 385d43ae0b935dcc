/**
 * Whether two lists of peer URLs mean the same: they are compared as they are written, and when that differs
 * with their host names looked up.
 *
 * Source: etcd pkg/netutil/netutil.go (URLStringsEqual, 3.5).
 */
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { HostLookup } from "../../ports/network.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import { GoUrlError, goQuoteText, parseGoUrl, splitHostPort } from "../../stdx/go-url.ts";
import { LOOKUP_RETRY_MS, LOOKUP_TIMEOUT_MS } from "../limits.ts";

/** What names are looked up with. */
export interface UrlComparison {
  /** Names stay what they are when absent. */
  readonly lookUpHost: HostLookup | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** When to give up, on the monotonic clock. */
  readonly deadlineMs: number;
}

/** A comparison that may take as long as etcd's. */
export function urlComparison(
  clock: Clock,
  log: Log,
  lookUpHost: HostLookup | undefined,
): UrlComparison {
  return { lookUpHost, clock, log, deadlineMs: clock.nowMs() + LOOKUP_TIMEOUT_MS };
}

/** How the lists differ, in etcd's words; `undefined` when they mean the same. */
export async function urlDifference(
  comparison: UrlComparison,
  a: readonly string[],
  b: readonly string[],
): Promise<string | undefined> {
  if (a.length !== b.length) return `len(${quotedList(a)}) != len(${quotedList(b)})`;
  const sortedA = a.toSorted();
  const sortedB = b.toSorted();
  if (sortedA.every((url, at) => url === sortedB[at])) return undefined;
  const resolvedA = await resolveAll(comparison, sortedA);
  if (resolvedA instanceof Error) return resolvedA.message;
  const resolvedB = await resolveAll(comparison, sortedB);
  if (resolvedB instanceof Error) return resolvedB.message;
  const at = resolvedA.findIndex((url, index) => url !== resolvedB[index]);
  if (at < 0) return undefined;
  return `resolved urls: ${goQuoteText(resolvedA[at])} != ${goQuoteText(resolvedB[at])}`;
}

/** The URLs with addresses in place of names, sorted. */
async function resolveAll(
  comparison: UrlComparison,
  urls: readonly string[],
): Promise<string[] | Error> {
  const resolved: string[] = [];
  for (const url of urls) {
    const answer = await resolveUrl(comparison, url);
    if (answer instanceof Error) {
      return new Error(`failed to resolve ${goQuoteText(url)} (${answer.message})`);
    }
    resolved.push(answer);
  }
  return resolved.sort();
}

async function resolveUrl(
  { lookUpHost, clock, log, deadlineMs }: UrlComparison,
  text: string,
): Promise<string | Error> {
  const url = parseGoUrl(text);
  if (url instanceof GoUrlError) return url;
  if (url.scheme === "unix" || url.scheme === "unixs" || lookUpHost === undefined) return text;
  const address = splitHostPort(url.host);
  if (address instanceof GoUrlError) return address;
  const { host, port } = address;
  if (host === "localhost") return text;
  const fields = { url: text, host: url.host };
  for (;;) {
    const found = await new Promise<string | Error>((resolve) => lookUpHost(host, resolve));
    if (typeof found === "string") {
      const resolved = `${found.includes(":") ? `[${found}]` : found}:${port}`;
      log.info("resolved URL Host", { ...fields, "resolved-addr": resolved });
      return text.replace(`//${url.host}`, `//${resolved}`);
    }
    const failure = {
      ...fields,
      "retry-interval": goDurationOfMs(LOOKUP_RETRY_MS),
      error: found.message,
    };
    log.warn("failed to resolve URL Host", failure);
    if (clock.nowMs() + LOOKUP_RETRY_MS > deadlineMs) {
      log.warn("failed to resolve URL Host; returning", failure);
      return found;
    }
    await new Promise<void>((resolve) => clock.after(LOOKUP_RETRY_MS, resolve));
  }
}

function quotedList(urls: readonly string[]): string {
  return `[${urls.map(goQuoteText).join(" ")}]`;
}
