import { describe, expect, test } from "vitest";
import { GoUrlError, parseGoUrl, splitHostPort } from "./go-url.ts";

/** What Go 1.24 answers: scheme, host, path and printed form, or the refusal. */
const URLS: readonly [string, readonly [string, string, string, string] | string][] = [
  ["http://localhost:2379", ["http", "localhost:2379", "", "http://localhost:2379"]],
  ["HTTP://LocalHost:2379", ["http", "LocalHost:2379", "", "http://LocalHost:2379"]],
  ["http://[::1]:2379", ["http", "[::1]:2379", "", "http://[::1]:2379"]],
  ["http://a:1/path", ["http", "a:1", "/path", "http://a:1/path"]],
  ["http://u:p@a:1?q=1#f", ["http", "a:1", "", "http://u:p@a:1?q=1#f"]],
  ["unix:///tmp/s", ["unix", "", "/tmp/s", "unix:///tmp/s"]],
  ["unix:/tmp/s", ["unix", "", "/tmp/s", "unix:/tmp/s"]],
  ["unix://localhost:100/s", ["unix", "localhost:100", "/s", "unix://localhost:100/s"]],
  ["localhost:2379", ["localhost", "", "", "localhost:2379"]],
  ["foo", ["", "", "foo", "foo"]],
  ["", ["", "", "", ""]],
  ["127.0.0.1:2379", 'parse "127.0.0.1:2379": first path segment in URL cannot contain colon'],
  [":2379", 'parse ":2379": missing protocol scheme'],
  ["http://a:b", 'parse "http://a:b": invalid port ":b" after host'],
  ["http://[::1:2379", "parse \"http://[::1:2379\": missing ']' in host"],
  ["http://a b:1", 'parse "http://a b:1": invalid character " " in host name'],
  ["http://a%zz:1", 'parse "http://a%zz:1": invalid URL escape "%zz"'],
  ["http://a%20b:1", 'parse "http://a%20b:1": invalid URL escape "%20"'],
  ["http://a:1/%", 'parse "http://a:1/%": invalid URL escape "%"'],
  ["http://a\n:1", 'parse "http://a\\n:1": net/url: invalid control character in URL'],
];

describe("parseGoUrl", () => {
  test.each(URLS)("reads or refuses %j as Go does", (text, expected) => {
    const url = parseGoUrl(text);
    if (url instanceof GoUrlError) expect(url.message).toBe(expected);
    else expect([url.scheme, url.host, url.path, url.text]).toEqual(expected);
  });
});

describe("splitHostPort", () => {
  test.each([
    ["localhost:2379", "localhost", "2379"],
    ["[::1]:80", "::1", "80"],
    [":80", "", "80"],
    ["a:", "a", ""],
  ])("splits %j", (text, host, port) => {
    expect(splitHostPort(text)).toEqual({ host, port });
  });

  test.each([
    ["", "missing port in address"],
    ["localhost", "address localhost: missing port in address"],
    ["::1:80", "address ::1:80: too many colons in address"],
    ["[::1]", "address [::1]: missing port in address"],
    ["[::1", "address [::1: missing ']' in address"],
    ["[::1]x:80", "address [::1]x:80: missing port in address"],
    ["a]b:1", "address a]b:1: unexpected ']' in address"],
  ])("refuses %j as Go does", (text, message) => {
    expect(splitHostPort(text)).toEqual(new GoUrlError(message));
  });
});
