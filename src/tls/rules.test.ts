/** Names of ciphers and versions; what lets a certificate in. */
import tls from "node:tls";
import { describe, expect, test } from "vitest";
import type { Certificate } from "./certificate.ts";
import {
  cipherChoice,
  cipherSuitesProblem,
  http2CiphersProblem,
  isFitForHttp2,
} from "./cipher-suites.ts";
import { allowedNamesProblem, checkAddress, nameProblem, revocationProblem } from "./peer-rules.ts";
import { versionRange } from "./versions.ts";

const GCM = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";

describe("cipher suites", () => {
  test("only names of Go are taken, also those of suites that are gone", () => {
    expect(cipherSuitesProblem([])).toBeUndefined();
    expect(
      cipherSuitesProblem([GCM, "TLS_RSA_WITH_RC4_128_SHA", "TLS_AES_128_GCM_SHA256"]),
    ).toBeUndefined();
    expect(cipherSuitesProblem(["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305"])).toBeUndefined();
    for (const name of ["", "ECDHE-RSA-AES128-GCM-SHA256", GCM.toLowerCase(), 'a"b']) {
      expect(cipherSuitesProblem([GCM, name])).toBe(
        `unexpected TLS cipher suite ${JSON.stringify(name)}`,
      );
    }
  });

  test("those of TLS 1.3 always stand first; OpenSSL knows all that it is told", () => {
    const known = new Set(tls.getCiphers().map((name) => name.toLowerCase()));
    for (const names of [[], [GCM], ["TLS_RSA_WITH_AES_256_CBC_SHA", GCM]]) {
      const list = cipherChoice(names).list.split(":");
      expect(list.slice(0, 3).every((name) => name.startsWith("TLS_"))).toBe(true);
      for (const name of list) expect(known, name).toContain(name.toLowerCase());
    }
    expect(cipherChoice([]).list.split(":")).toHaveLength(3 + 10);
  });

  test("the order is that of Go's preference, not that of the flag", () => {
    expect(cipherChoice(["TLS_RSA_WITH_AES_128_CBC_SHA", GCM]).list).toMatch(
      /:ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA$/,
    );
    expect(cipherChoice(["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305"]).list).toMatch(
      /:ECDHE-RSA-CHACHA20-POLY1305$/,
    );
  });

  test("without one for TLS 1.2 there is TLS 1.3 alone", () => {
    expect(cipherChoice(["TLS_RSA_WITH_RC4_128_SHA"]).hasTls12).toBe(false);
    expect(cipherChoice(["TLS_AES_128_GCM_SHA256"]).hasTls12).toBe(false);
    expect(cipherChoice([GCM]).hasTls12).toBe(true);
  });

  test("HTTP/2 demands one of two, and prohibits what has no forward secrecy or no AEAD", () => {
    expect(http2CiphersProblem([])).toBeUndefined();
    expect(http2CiphersProblem([GCM])).toBeUndefined();
    expect(http2CiphersProblem(["TLS_AES_128_GCM_SHA256"])).toMatch(
      /^http2: TLSConfig\.CipherSuites/,
    );
    expect(
      [
        "TLS_AES_128_GCM_SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
      ].every(isFitForHttp2),
    ).toBe(true);
    expect(
      ["AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES128-SHA256"].some(isFitForHttp2),
    ).toBe(false);
  });
});

describe("versionRange", () => {
  test.each([
    ["", "", { min: "TLSv1.2", max: "TLSv1.3" }],
    ["TLS1.2", "TLS1.2", { min: "TLSv1.2", max: "TLSv1.2" }],
    ["TLS1.3", "", { min: "TLSv1.3", max: "TLSv1.3" }],
    ["TLS1.3", "TLS1.2", "min version (TLS1.3) is greater than max version (TLS1.2)"],
    ["tls1.2", "", 'unexpected TLS version "tls1.2" (must be one of: TLS1.2, TLS1.3)'],
    ["", "TLS1.1", 'unexpected TLS version "TLS1.1" (must be one of: TLS1.2, TLS1.3)'],
    ["toString", "", 'unexpected TLS version "toString" (must be one of: TLS1.2, TLS1.3)'],
  ])("%j to %j", (min, max, expected) => expect(versionRange(min, max)).toEqual(expected));
});

function certificate(parts: Partial<Certificate>): Certificate {
  const { dnsNames = [], ipAddresses = [] } = parts;
  return {
    serial: "01",
    issuer: "",
    subject: "",
    commonName: "",
    dnsNames,
    ipAddresses,
    hasAltNames: dnsNames.length + ipAddresses.length > 0,
    notBeforeMs: 0,
    notAfterMs: 0,
    ...parts,
  };
}

describe("names on a list", () => {
  test("one kind of list at a time", () => {
    expect(allowedNamesProblem({ commonNames: ["a"], hostNames: [] })).toBeUndefined();
    expect(allowedNamesProblem({ commonNames: ["a", "b"], hostNames: ["c"] })).toBe(
      'AllowedCNs and AllowedHostnames are mutually exclusive (cns=["a" "b"], hostnames=["c"])',
    );
  });

  test("common names are equal, host names match as those of servers", () => {
    const wild = certificate({
      commonName: "m",
      dnsNames: ["*.example"],
      ipAddresses: ["10.0.0.1"],
    });
    const by = (commonNames: string[], hostNames: string[]) =>
      nameProblem({ commonNames, hostNames }, wild) === undefined;
    expect(by([], [])).toBe(true);
    expect(by(["x", "m"], [])).toBe(true);
    expect(by(["M"], [])).toBe(false);
    expect(by([""], [])).toBe(false);
    expect(by([], ["a.example"])).toBe(true);
    expect(by([], ["*.example"])).toBe(true);
    expect(by([], ["m"])).toBe(false);
    expect(by([], ["10.0.0.1"])).toBe(true);
    expect(by([], ["10.0.0.2", "example"])).toBe(false);
  });
});

test("a number that is revoked is so anywhere in the chain", () => {
  const list = { serials: new Set(["02"]), nextUpdateMs: undefined };
  const chain = [certificate({}), certificate({ serial: "02" })];
  expect(revocationProblem(list, chain)).toBe("transport: certificate serial 02 revoked");
  expect(revocationProblem(list, chain.slice(0, 1))).toBeUndefined();
});

test("where a certificate with names comes from is looked up by its address, then by its names", () => {
  const asked: string[] = [];
  const problem = (parts: Partial<Certificate>, address = "10.0.0.1"): string | undefined => {
    let said: string | undefined = "never";
    const lookups = {
      namesOf(of: string, done: (names: readonly string[] | Error) => void) {
        asked.push(of);
        done(of === "10.0.0.1" ? ["m1.lan."] : new Error(`lookup ${of}: no such host`));
      },
      addressesOf(of: string, done: (addresses: readonly string[] | Error) => void) {
        asked.push(of);
        done(["10.0.0.9"]);
      },
    };
    checkAddress(certificate(parts), address, lookups, (problem) => (said = problem));
    return said;
  };
  expect(problem({})).toBeUndefined();
  expect(problem({ ipAddresses: ["10.0.0.1"] })).toBeUndefined();
  expect(asked).toEqual([]);
  expect(problem({ dnsNames: ["m1.lan"] })).toBeUndefined();
  expect(problem({ dnsNames: ["*.lan"] })).toBeUndefined();
  expect(asked).toEqual(["10.0.0.1", "10.0.0.1"]);
  expect(problem({ dnsNames: ["other"], ipAddresses: ["10.0.0.2"] })).toBe(
    'tls: "10.0.0.1" does not match any of DNSNames ["other"]',
  );
  expect(problem({ dnsNames: ["other"] }, "10.0.0.9")).toBeUndefined();
  expect(problem({ dnsNames: ["*.x", "y"] }, "10.0.0.8")).toBe(
    'tls: "10.0.0.8" does not match any of DNSNames ["*.x" "y"] (lookup 10.0.0.8: no such host)',
  );
});
