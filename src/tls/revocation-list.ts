/**
 * Lists of certificates that their authority has taken back.
 *
 * Like etcd, a list is believed as it stands in its file: neither its signature nor its time is looked at, and
 * a number on it is revoked whoever issued the certificate. So a list never revokes less than it says, also when
 * it is out of date.
 *
 * Source: RFC 5280, 5.1; etcd client/pkg/transport/listener_tls.go (checkCRL); Go crypto/x509 (ParseCRL).
 */
import { caughtDer, DerError, DerReader, DerTag } from "./der-reader.ts";
import { serialOf } from "./certificate.ts";
import { timeOf } from "./der-time.ts";
import { pemBlocks } from "./pem.ts";
import { latin1FromBytes } from "../stdx/bytes.ts";

export interface RevocationList {
  /** Numbers as `Certificate.serial` has them. */
  readonly serials: ReadonlySet<string>;
  /** When the next one should be there; `undefined` where it does not say. */
  readonly nextUpdateMs: number | undefined;
}

/** A list from a file: DER, or PEM with one list or several, whose numbers count together. */
export function parseRevocationLists(file: Uint8Array): RevocationList | DerError {
  const text = latin1FromBytes(file);
  if (!text.includes("-----BEGIN ")) return caughtDer(() => readList(file));
  const blocks = pemBlocks(text).filter(({ label }) => label === "X509 CRL");
  if (blocks.length === 0) return new DerError("no block with the label X509 CRL");
  const begun = text.split("-----BEGIN X509 CRL-----").length - 1;
  if (blocks.length !== begun) return new DerError("damaged block with the label X509 CRL");
  const serials = new Set<string>();
  let nextUpdateMs: number | undefined;
  for (const { bytes } of blocks) {
    const list = caughtDer(() => readList(bytes));
    if (list instanceof DerError) return list;
    for (const serial of list.serials) serials.add(serial);
    nextUpdateMs = earlier(nextUpdateMs, list.nextUpdateMs);
  }
  return { serials, nextUpdateMs };
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

function readList(bytes: Uint8Array): RevocationList {
  const file = new DerReader(bytes);
  const outer = file.enter(DerTag.SEQUENCE);
  if (!file.isAtEnd) throw new DerError("trailing data");
  const body = outer.enter(DerTag.SEQUENCE);
  outer.expect(DerTag.SEQUENCE);
  outer.expect(DerTag.BIT_STRING);
  body.optional(DerTag.INTEGER);
  body.expect(DerTag.SEQUENCE);
  body.expect(DerTag.SEQUENCE);
  timeOf(body.next());
  const hasNext = body.isNext(DerTag.UTC_TIME) || body.isNext(DerTag.GENERALIZED_TIME);
  const nextUpdateMs = hasNext ? timeOf(body.next()) : undefined;
  const serials = new Set<string>();
  if (body.isNext(DerTag.SEQUENCE)) {
    const revoked = body.enter(DerTag.SEQUENCE);
    while (!revoked.isAtEnd) {
      const entry = revoked.enter(DerTag.SEQUENCE);
      serials.add(serialOf(entry.expect(DerTag.INTEGER).content));
    }
  }
  return { serials, nextUpdateMs };
}
