/**
 * Lists of URLs to listen on or to advertise: how they are read, which forms they may have, and etcd's
 * texts for those that it refuses.
 *
 * Source: etcd client/pkg/types/urls.go, pkg/flags/unique_urls.go, server/embed/config.go (3.5).
 */
import { isIP } from "node:net";
import { type MemberUrl, parseMemberUrl } from "../../membership/member-url.ts";
import { GoUrlError, splitHostPort } from "../../stdx/go-url.ts";
import { FlagRefusal } from "../flags/refusal.ts";

/** A URL to listen on or to advertise. */
export type ServerUrl = MemberUrl;

/** Reads one URL of a listener or an advertised address. Surrounding white space is ignored. */
export function parseServerUrl(given: string): ServerUrl | FlagRefusal {
  const url = parseMemberUrl(given);
  return url instanceof GoUrlError ? new FlagRefusal(url.message) : url;
}

/** Reads URLs separated by commas; sorted by text, each one once. */
export function parseServerUrls(list: string): readonly ServerUrl[] | FlagRefusal {
  const byText = new Map<string, ServerUrl>();
  for (const part of list.split(",")) {
    const url = parseServerUrl(part);
    if (url instanceof FlagRefusal) return url;
    byText.set(url.text, url);
  }
  return [...byText.values()].sort((a, b) => (a.text < b.text ? -1 : 1));
}

/** `urls` separated by commas. */
export function joinUrls(urls: readonly ServerUrl[]): string {
  return urls.map(({ text }) => text).join(",");
}

/** Why one of `urls` cannot be listened on: names are refused, because a name may mean any interface. */
export function bindProblem(urls: readonly ServerUrl[]): string | undefined {
  for (const { scheme, host, text } of urls) {
    if (scheme === "unix" || scheme === "unixs") continue;
    const address = splitHostPort(host);
    if (address instanceof GoUrlError) return address.message;
    const isAddress = isIP(address.host) !== 0 && !address.host.includes("%");
    if (!isAddress && address.host !== "localhost") {
      return `expected IP in URL for binding (${text})`;
    }
  }
  return undefined;
}

/** Why one of `urls` cannot be advertised. */
export function advertiseProblem(urls: readonly ServerUrl[]): string | undefined {
  for (const { host, text } of urls) {
    const address = splitHostPort(host);
    if (address instanceof GoUrlError) return address.message;
    if (address.host === "") return `unexpected empty host (${text})`;
  }
  return undefined;
}
