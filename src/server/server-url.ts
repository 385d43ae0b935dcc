/**
 * Lists of URLs to listen on or to advertise: how they are read, which forms they may have, and etcd's
 * texts for those that it refuses.
 *
 * Source: etcd client/pkg/types/urls.go, pkg/flags/unique_urls.go, server/embed/config.go (3.5).
 */
import { isIP } from "node:net";
import { GoUrlError, parseGoUrl, splitHostPort } from "../stdx/go-url.ts";
import { FlagRefusal } from "./flag-refusal.ts";

const SCHEMES = ["http", "https", "unix", "unixs"] as const;

export interface ServerUrl {
  readonly scheme: (typeof SCHEMES)[number];
  /** Host and port as written; may be empty for unix sockets. */
  readonly host: string;
  /** Empty for http and https. The socket's path for unix sockets is `host` + `path`. */
  readonly path: string;
  /** The URL as etcd prints it. */
  readonly text: string;
}

/** Reads one URL of a listener or an advertised address. Surrounding white space is ignored. */
export function parseServerUrl(given: string): ServerUrl | FlagRefusal {
  const trimmed = given.trim();
  const url = parseGoUrl(trimmed);
  if (url instanceof GoUrlError) return new FlagRefusal(url.message);
  const scheme = SCHEMES.find((known) => known === url.scheme);
  if (scheme === undefined) {
    return new FlagRefusal(`URL scheme must be http, https, unix, or unixs: ${trimmed}`);
  }
  if (scheme === "http" || scheme === "https") {
    if (splitHostPort(url.host) instanceof GoUrlError) {
      return new FlagRefusal(`URL address does not have the form "host:port": ${trimmed}`);
    }
    if (url.path !== "") return new FlagRefusal(`URL must not contain a path: ${trimmed}`);
  }
  return { scheme, host: url.host, path: url.path, text: url.text };
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
