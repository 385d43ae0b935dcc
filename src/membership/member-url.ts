/**
 * URLs under which members are reached: which forms they may have, and etcd's texts for those that it
 * refuses.
 *
 * Source: etcd client/pkg/types/urls.go (NewURLs) (3.5).
 */
import { GoUrlError, parseGoUrl, splitHostPort } from "../stdx/go-url.ts";

const SCHEMES = ["http", "https", "unix", "unixs"] as const;

export interface MemberUrl {
  readonly scheme: (typeof SCHEMES)[number];
  /** Host and port as written; may be empty for unix sockets. */
  readonly host: string;
  /** Empty for http and https. The socket's path for unix sockets is `host` + `path`. */
  readonly path: string;
  /** The URL as etcd prints it. */
  readonly text: string;
}

/** Reads one URL; surrounding white space is ignored. Returns why it is refused instead of throwing it. */
export function parseMemberUrl(given: string): MemberUrl | GoUrlError {
  const trimmed = given.trim();
  const url = parseGoUrl(trimmed);
  if (url instanceof GoUrlError) return url;
  const scheme = SCHEMES.find((known) => known === url.scheme);
  if (scheme === undefined) {
    return new GoUrlError(`URL scheme must be http, https, unix, or unixs: ${trimmed}`);
  }
  if (scheme === "http" || scheme === "https") {
    if (splitHostPort(url.host) instanceof GoUrlError) {
      return new GoUrlError(`URL address does not have the form "host:port": ${trimmed}`);
    }
    if (url.path !== "") return new GoUrlError(`URL must not contain a path: ${trimmed}`);
  }
  return { scheme, host: url.host, path: url.path, text: url.text };
}

/** The peer URLs of a member as etcd keeps them, sorted; `undefined` for none, or when one is refused. */
export function peerUrlsOf(given: readonly string[]): readonly string[] | undefined {
  const urls = given.map(parseMemberUrl);
  const texts = urls.flatMap((url) => (url instanceof GoUrlError ? [] : [url.text]));
  return texts.length === 0 || texts.length < given.length ? undefined : texts.sort();
}
