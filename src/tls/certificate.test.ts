import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { CertificateFolder, TestAuthority } from "../../test/harness/certificates.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import { DerError } from "./der-reader.ts";
import { goTimeText } from "./der-time.ts";

const made = new CertificateFolder();
afterAll(() => made.remove());

function read(bytes: Uint8Array): Certificate {
  const certificate = parseCertificate(bytes);
  if (certificate instanceof DerError) throw certificate;
  return certificate;
}

describe("parseCertificate", () => {
  test("agrees with OpenSSL on number, names and time", () => {
    const rsa = new TestAuthority(made.folder, "rsa", "rsa");
    for (const issued of [
      made.server,
      made.client,
      made.authority.own,
      rsa.issue({ organization: "o", keyKind: "rsa", dnsNames: ["*.a.example", "b"] }),
      made.authority.issue({ cn: "späte Zeit", untilDay: 20_000, ipAddresses: ["2001:db8::1"] }),
    ]) {
      const ours = read(issued.der);
      const theirs = new X509Certificate(issued.der);
      expect(ours.serial).toBe(theirs.serialNumber.toLowerCase());
      expect(goTimeText(ours.notBeforeMs)).toBe(isoSeconds(theirs.validFrom));
      expect(goTimeText(ours.notAfterMs)).toBe(isoSeconds(theirs.validTo));
      expect(theirs.subject ?? "").toContain(ours.commonName);
      for (const name of ours.dnsNames) expect(theirs.subjectAltName).toContain(`DNS:${name}`);
    }
    expect(read(made.server.der)).toMatchObject({
      commonName: "server",
      dnsNames: ["localhost"],
      ipAddresses: ["127.0.0.1", "::1"],
      hasAltNames: true,
    });
    expect(read(made.client.der)).toMatchObject({ dnsNames: [], hasAltNames: false });
    expect(read(made.server.der).issuer).toBe(read(made.authority.own.der).subject);
  });

  test("issued certificates are signed by their authority", () => {
    const below = made.authority.intermediate("below", "rsa");
    const root = new X509Certificate(made.authority.own.der);
    const middle = new X509Certificate(below.own.der);
    const leaf = new X509Certificate(below.issue({ cn: "leaf" }).der);
    expect(middle.verify(root.publicKey) && middle.checkIssued(root)).toBe(true);
    expect(leaf.verify(middle.publicKey) && leaf.checkIssued(middle)).toBe(true);
    expect(leaf.verify(root.publicKey)).toBe(false);
  });

  test("bytes that lack their end, or are none, are an error and nothing else", () => {
    const whole = made.server.der;
    for (let length = 0; length < whole.length; length++) {
      expect(parseCertificate(whole.subarray(0, length))).toBeInstanceOf(DerError);
    }
    const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(changes, (places) => {
        const bent = Uint8Array.from(whole);
        for (const [at, byte] of places) bent[at] = byte;
        const read = parseCertificate(bent);
        expect(read instanceof DerError || typeof read.commonName === "string").toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

function isoSeconds(text: string): string {
  return new Date(text).toISOString().replace(".000Z", "Z");
}
