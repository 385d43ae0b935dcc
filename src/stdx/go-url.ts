/**
 * URLs as Go's net/url reads and prints them, with the same refusals word for word, because users see those
 * texts behind flags and member changes. Text is ordinary text here, not a byte string.
 *
 *   [scheme:][//[user@]host][path][?query][#fragment]      or      scheme:opaque[?query][#fragment]
 *
 * Source: Go net/url (Parse, URL.String), net (SplitHostPort).
 */
import { bytesFromLatin1, bytesFromUtf8, latin1FromBytes, utf8FromBytes } from "./bytes.ts";
import { goQuote } from "./go-quote.ts";

export interface GoUrl {
  /** Lower case; empty when there is none. */
  readonly scheme: string;
  /** Host and port as written, with the brackets of an IPv6 address. */
  readonly host: string;
  /** As written, with its escapes. */
  readonly path: string;
  /** The URL as Go prints it. */
  readonly text: string;
}

/** A refused URL, in Go's words. */
export class GoUrlError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "GoUrlError";
  }
}

/** `text` as a Go string literal. */
export function goQuoteText(text: string): string {
  return utf8FromBytes(bytesFromLatin1(goQuote(latin1FromBytes(bytesFromUtf8(text)))));
}

/** Reads a URL. Returns the refusal instead of throwing it. O(length). */
export function parseGoUrl(text: string): GoUrl | GoUrlError {
  const [main, fragment] = cut(text, "#");
  const refused = (reason: string): GoUrlError =>
    new GoUrlError(`parse ${goQuoteText(main)}: ${reason}`);

  if (/[\0-\x1f\x7f]/.test(main)) return refused("net/url: invalid control character in URL");
  if (main.startsWith(":")) return refused("missing protocol scheme");
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(main)?.[1] ?? "";
  const [beforeQuery, query] = cut(scheme === "" ? main : main.slice(scheme.length + 1), "?");

  const isHierarchical = beforeQuery.startsWith("/");
  if (!isHierarchical && scheme === "" && cut(beforeQuery, "/")[0].includes(":")) {
    return refused("first path segment in URL cannot contain colon");
  }
  const hasAuthority =
    beforeQuery.startsWith("//") && (scheme !== "" || !beforeQuery.startsWith("///"));
  const afterSlashes = hasAuthority ? beforeQuery.slice(2) : "";
  const slash = afterSlashes.indexOf("/");
  const authority = slash < 0 ? afterSlashes : afterSlashes.slice(0, slash);
  const path = hasAuthority ? afterSlashes.slice(authority.length) : beforeQuery;
  const at = authority.lastIndexOf("@");
  const host = authority.slice(at + 1);

  const problem =
    hostProblem(host) ?? userProblem(authority.slice(0, Math.max(at, 0))) ?? escapeProblem(path);
  if (problem !== undefined) return refused(problem);
  const fragmentProblem = escapeProblem(fragment.slice(1));
  if (fragmentProblem !== undefined) {
    return new GoUrlError(`parse ${goQuoteText(text)}: ${fragmentProblem}`);
  }

  const lowerScheme = scheme.toLowerCase();
  const prefix = lowerScheme === "" ? "" : `${lowerScheme}:`;
  const emptyFragment = fragment === "#" ? "" : fragment;
  const slashes = hasAuthority && (authority !== "" || path !== "") ? "//" : "";
  const printed = `${prefix}${slashes}${authority}${path}${query}${emptyFragment}`;
  // Without a leading slash after the scheme the rest is opaque: it is no path.
  const isOpaque = scheme !== "" && !isHierarchical;
  return { scheme: lowerScheme, host, path: isOpaque ? "" : path, text: printed };
}

/** Splits at the first `separator`, which stays with the second part. */
function cut(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at)];
}

function hostProblem(host: string): string | undefined {
  let port = /:[^:]*$/.exec(host)?.[0] ?? "";
  if (host.startsWith("[")) {
    const close = host.lastIndexOf("]");
    if (close < 0) return "missing ']' in host";
    port = host.slice(close + 1);
  }
  if (port !== "" && !/^:[0-9]*$/.test(port)) return `invalid port ${goQuoteText(port)} after host`;
  const escape = escapeProblem(host);
  if (escape !== undefined) return escape;
  // In a host only bytes beyond ASCII may be escaped, and "%25" in front of a zone.
  const asciiEscape = /%(?!25)[0-7][0-9a-fA-F]/.exec(host)?.[0];
  if (asciiEscape !== undefined) return `invalid URL escape ${goQuoteText(asciiEscape)}`;
  const odd = /[ ^|\\`{}]/.exec(host)?.[0];
  return odd === undefined ? undefined : `invalid character ${goQuoteText(odd)} in host name`;
}

function userProblem(user: string): string | undefined {
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user)) return "net/url: invalid userinfo";
  return escapeProblem(user);
}

/** A percent sign without two hex digits. */
function escapeProblem(text: string): string | undefined {
  const bad = /%(?![0-9a-fA-F]{2}).{0,2}/s.exec(text)?.[0];
  return bad === undefined ? undefined : `invalid URL escape ${goQuoteText(bad)}`;
}

export interface HostPort {
  /** Without brackets. */
  readonly host: string;
  readonly port: string;
}

/** Splits "host:port" or "[host]:port". Returns Go's refusal instead of throwing it. */
export function splitHostPort(text: string): HostPort | GoUrlError {
  const refused = (reason: string): GoUrlError =>
    new GoUrlError(text === "" ? reason : `address ${text}: ${reason}`);
  const colon = text.lastIndexOf(":");
  if (colon < 0) return refused("missing port in address");
  const port = text.slice(colon + 1);
  if (!text.startsWith("[")) {
    const host = text.slice(0, colon);
    if (host.includes(":")) return refused("too many colons in address");
    return bracketProblem(host + port, refused) ?? { host, port };
  }
  const close = text.indexOf("]");
  if (close < 0) return refused("missing ']' in address");
  if (close + 1 === text.length) return refused("missing port in address");
  if (close + 1 !== colon) {
    const isColon = text[close + 1] === ":";
    return refused(isColon ? "too many colons in address" : "missing port in address");
  }
  const host = text.slice(1, close);
  return bracketProblem(host + port, refused) ?? { host, port };
}

function bracketProblem(
  text: string,
  refused: (reason: string) => GoUrlError,
): GoUrlError | undefined {
  if (text.includes("[")) return refused("unexpected '[' in address");
  return text.includes("]") ? refused("unexpected ']' in address") : undefined;
}
