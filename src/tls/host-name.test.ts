import { describe, expect, test } from "vitest";
import { hostNameProblem } from "./host-name.ts";
import { formatIp, parseIp } from "./ip-address.ts";

function names(dnsNames: readonly string[], ipAddresses: readonly string[] = [], commonName = "") {
  const hasAltNames = dnsNames.length + ipAddresses.length > 0;
  return { dnsNames, ipAddresses, commonName, hasAltNames };
}

describe("hostNameProblem", () => {
  test.each([
    [["a.example"], "a.example", true],
    [["A.example"], "a.EXAMPLE", true],
    [["a.example"], "a.example.", true],
    [["*.example"], "a.example", true],
    [["*.example"], "b.a.example", false],
    [["*.example"], "example", false],
    [["*"], "example", false],
    [["a*.example"], "ab.example", false],
    [["*.*.example"], "b.a.example", false],
    [["*.example"], "*.example", true],
    [["a_b.example"], "a_b.example", true],
    [["-a.example"], "-a.example", true],
    [["a..example"], "a..example", true],
    [["."], ".", false],
  ])("%j and %s: %s", (dnsNames, host, expected) => {
    expect(hostNameProblem(names(dnsNames), host) === undefined).toBe(expected);
  });

  test("addresses match addresses only, in any form", () => {
    expect(hostNameProblem(names([], ["::1"]), "[0:0:0:0:0:0:0:1]")).toBeUndefined();
    expect(hostNameProblem(names([], ["10.0.0.1"]), "::ffff:10.0.0.1")).toBeUndefined();
    expect(hostNameProblem(names(["10.0.0.1"]), "10.0.0.1")).toBe(
      "x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs",
    );
    expect(hostNameProblem(names([], ["10.0.0.1", "::1"]), "10.0.0.2")).toBe(
      "x509: certificate is valid for 10.0.0.1, ::1, not 10.0.0.2",
    );
  });

  test("says why, in the words of Go", () => {
    expect(hostNameProblem(names([], [], "a.example"), "a.example")).toBe(
      "x509: certificate relies on legacy Common Name field, use SANs instead",
    );
    expect(hostNameProblem(names([], ["10.0.0.1"], "b"), "b")).toBe(
      "x509: certificate is not valid for any names, but wanted to match b",
    );
    expect(hostNameProblem(names(["a", "c"]), "b")).toBe(
      "x509: certificate is valid for a, c, not b",
    );
  });
});

describe("parseIp and formatIp", () => {
  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["::1", "::1"],
    ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7:0"],
    ["::ffff:1.2.3.4", "1.2.3.4"],
    ["fe80::1:2", "fe80::1:2"],
  ])("%s is %s", (text, expected) => {
    expect(formatIp(parseIp(text) ?? new Uint8Array(0))).toBe(expected);
  });

  test.each(["", "1.2.3", "1.2.3.04", "1.2.3.256", "1:2", ":::", "1::2::3", "fe80::1%eth0", "g::"])(
    "%s is no address",
    (text) => expect(parseIp(text)).toBeUndefined(),
  );
});
