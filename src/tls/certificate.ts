/**
 * What the rules of TLS ask of a certificate: its number, its names and its time. Keys and signatures are the
 * platform's, which verified the chain before anybody looks here.
 *
 * Source: RFC 5280, 4.1; Go crypto/x509 (parser.go), crypto/x509/pkix (FillFromRDNSequence).
 */
import { hexFromBytes, latin1FromBytes } from "../stdx/bytes.ts";
import { caughtDer, DerError, DerReader, DerTag, objectIdOf, textOf } from "./der-reader.ts";
import { timeOf } from "./der-time.ts";
import { formatIp } from "./ip-address.ts";
import { ObjectId } from "./object-ids.ts";

export interface Certificate {
  /** Hex digits of the bytes of the serial number, without leading zero bytes. */
  readonly serial: string;
  /** Hex digits of the issuer's name as it stands there: equal for equal names. */
  readonly issuer: string;
  readonly subject: string;
  /** The last CN of the subject, as Go takes it; "" when there is none. */
  readonly commonName: string;
  readonly dnsNames: readonly string[];
  /** As Go prints them. */
  readonly ipAddresses: readonly string[];
  /** Whether it has the extension of which the names come. */
  readonly hasAltNames: boolean;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Reads a certificate in DER. */
export function parseCertificate(bytes: Uint8Array): Certificate | DerError {
  return caughtDer(() => readCertificate(bytes));
}

function readCertificate(bytes: Uint8Array): Certificate {
  const body = new DerReader(bytes).enter(DerTag.SEQUENCE).enter(DerTag.SEQUENCE);
  body.optional(EXPLICIT_VERSION);
  const serial = serialOf(body.expect(DerTag.INTEGER).content);
  body.expect(DerTag.SEQUENCE);
  const issuer = hexFromBytes(body.expect(DerTag.SEQUENCE).whole);
  const validity = body.enter(DerTag.SEQUENCE);
  const notBeforeMs = timeOf(validity.next());
  const notAfterMs = timeOf(validity.next());
  const subject = body.expect(DerTag.SEQUENCE);
  body.expect(DerTag.SEQUENCE);
  const names = altNamesOf(body);
  return {
    serial,
    issuer,
    subject: hexFromBytes(subject.whole),
    commonName: commonNameOf(new DerReader(subject.content)),
    dnsNames: names?.dnsNames ?? [],
    ipAddresses: names?.ipAddresses ?? [],
    hasAltNames: names !== undefined,
    notBeforeMs,
    notAfterMs,
  };
}

const EXPLICIT_VERSION = 0xa0;
const EXPLICIT_EXTENSIONS = 0xa3;

/** Hex digits of a serial number, which Go prints byte by byte. */
export function serialOf(content: Uint8Array): string {
  let start = 0;
  while (start < content.length && content[start] === 0) start++;
  return hexFromBytes(content.subarray(start));
}

function commonNameOf(name: DerReader): string {
  let commonName = "";
  while (!name.isAtEnd) {
    const set = name.enter(DerTag.SET);
    while (!set.isAtEnd) {
      const attribute = set.enter(DerTag.SEQUENCE);
      const id = objectIdOf(attribute.expect(DerTag.OBJECT_ID));
      const text = textOf(attribute.next());
      if (id === ObjectId.COMMON_NAME && text !== undefined) commonName = text;
    }
  }
  return commonName;
}

interface AltNames {
  readonly dnsNames: string[];
  readonly ipAddresses: string[];
}

/** Names of the extension, which comes behind other parts that nobody needs. */
function altNamesOf(body: DerReader): AltNames | undefined {
  while (!body.isAtEnd) {
    const part = body.next();
    if (part.tag !== EXPLICIT_EXTENSIONS) continue;
    const extensions = new DerReader(part.content).enter(DerTag.SEQUENCE);
    while (!extensions.isAtEnd) {
      const extension = extensions.enter(DerTag.SEQUENCE);
      const id = objectIdOf(extension.expect(DerTag.OBJECT_ID));
      extension.optional(DerTag.BOOLEAN);
      const { content } = extension.expect(DerTag.OCTET_STRING);
      if (id === ObjectId.SUBJECT_ALT_NAME) return readAltNames(content);
    }
  }
  return undefined;
}

/** Context tags of the names that are looked at. Source: RFC 5280, 4.2.1.6. */
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

function readAltNames(content: Uint8Array): AltNames {
  const found: AltNames = { dnsNames: [], ipAddresses: [] };
  const names = new DerReader(content).enter(DerTag.SEQUENCE);
  while (!names.isAtEnd) {
    const { tag, content: name } = names.next();
    if (tag === DNS_NAME) found.dnsNames.push(latin1FromBytes(name));
    else if (tag === IP_ADDRESS) {
      if (name.length !== 4 && name.length !== 16) {
        throw new DerError(`cannot parse IP address of length ${name.length}`);
      }
      found.ipAddresses.push(formatIp(name));
    }
  }
  return found;
}
