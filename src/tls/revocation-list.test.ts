import * as fs from "node:fs";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { CertificateFolder } from "../../test/harness/certificates.ts";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import { parseCertificate } from "./certificate.ts";
import { DerError } from "./der-reader.ts";
import { pemText } from "./pem.ts";
import { parseRevocationLists, type RevocationList } from "./revocation-list.ts";

const made = new CertificateFolder();
afterAll(() => made.remove());

function lists(bytes: Uint8Array): RevocationList {
  const parsed = parseRevocationLists(bytes);
  if (parsed instanceof DerError) throw parsed;
  return parsed;
}

function serialOfIssued(der: Uint8Array): string {
  const certificate = parseCertificate(der);
  if (certificate instanceof DerError) throw certificate;
  return certificate.serial;
}

describe("parseRevocationLists", () => {
  const { authority, client, server } = made;

  test("has the numbers of what was revoked, from PEM and from DER", () => {
    for (const form of ["pem", "der"] as const) {
      const file = authority.revoke([client, server], { form });
      expect(lists(fs.readFileSync(file)).serials).toEqual(
        new Set([serialOfIssued(client.der), serialOfIssued(server.der)]),
      );
    }
    expect(lists(authority.revocationList([])).serials.size).toBe(0);
  });

  test("several lists in one file count together", () => {
    const other = made.otherAuthority();
    const both =
      pemText("X509 CRL", authority.revocationList([client])) +
      pemText("X509 CRL", other.revocationList([server]));
    expect(lists(bytesFromLatin1(both)).serials.size).toBe(2);
  });

  test("a list that is out of date revokes as before", () => {
    const list = lists(authority.revocationList([client], true));
    expect(list.serials).toEqual(new Set([serialOfIssued(client.der)]));
    expect(list.nextUpdateMs).toBeLessThan(Date.now());
  });

  test("whatever is in a file, it is read or refused", () => {
    const whole = authority.revocationList([client, server]);
    const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 8 });
    fc.assert(
      fc.property(changes, fc.boolean(), (places, isPem) => {
        const bent = Uint8Array.from(whole);
        for (const [at, byte] of places) bent[at] = byte;
        const file = isPem ? bytesFromLatin1(pemText("X509 CRL", bent)) : bent;
        const read = parseRevocationLists(file);
        expect(read instanceof DerError || read.serials.size <= 3).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test("a file that is damaged, cut or empty is never an empty list", () => {
    const whole = authority.revocationList([client, server]);
    for (let length = 0; length < whole.length; length++) {
      expect(parseRevocationLists(whole.subarray(0, length))).toBeInstanceOf(DerError);
    }
    const first = pemText("X509 CRL", authority.revocationList([client]));
    const second = pemText("X509 CRL", authority.revocationList([server]));
    for (const text of ["", "\n", "no list", made.server.certPem, first.slice(0, -30)]) {
      expect(parseRevocationLists(bytesFromLatin1(text)), text).toBeInstanceOf(DerError);
    }
    const cut = first + second.slice(0, -30);
    expect(parseRevocationLists(bytesFromLatin1(cut))).toBeInstanceOf(DerError);
  });
});
