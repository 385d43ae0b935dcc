/**
 * Writes certificates. Who has the keys signs: here are only the bytes that are signed, and around what.
 *
 * Source: RFC 5280, 4.1 and 4.2.
 */
import { concatBytes } from "../stdx/bytes.ts";
import {
  der,
  derBitString,
  derInteger,
  derObjectId,
  derOctetString,
  derSequence,
  derSet,
  derTagged,
  derTime,
  derTrue,
  derUtf8String,
} from "./der-writer.ts";
import { parseIp } from "./ip-address.ts";
import { ObjectId } from "./object-ids.ts";

/** A name: what is empty is left out. */
export interface DistinguishedName {
  readonly organization?: string;
  readonly commonName?: string;
}

/** Bits of a key usage, the first as the highest of a byte. Source: RFC 5280, 4.2.1.3. */
export const KeyUsage = {
  DIGITAL_SIGNATURE: 0x80,
  KEY_ENCIPHERMENT: 0x20,
  CERT_SIGN: 0x04,
  CRL_SIGN: 0x02,
} as const;

export interface CertificateContent {
  /** Bytes of the serial number, the highest first. */
  readonly serial: Uint8Array;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** The public key with its algorithm, in DER (SubjectPublicKeyInfo). */
  readonly publicKey: Uint8Array;
  readonly isAuthority: boolean;
  /** Bits of `KeyUsage`. */
  readonly keyUsage: number;
  /** Object identifiers; none for any use. */
  readonly extendedKeyUsage: readonly string[];
  readonly dnsNames: readonly string[];
  /** Texts that `parseIp` reads. */
  readonly ipAddresses: readonly string[];
}

/** How the bytes are signed: the algorithm, and who does it. */
export interface CertificateSigner {
  /** Object identifier of the algorithm. */
  readonly algorithm: string;
  sign(bytes: Uint8Array): Uint8Array;
}

/** A certificate in DER. */
export function encodeCertificate(
  content: CertificateContent,
  signer: CertificateSigner,
): Uint8Array {
  const body = derSequence(
    derTagged(0, derInteger(Uint8Array.of(2))),
    derInteger(content.serial),
    algorithmOf(signer),
    encodeName(content.issuer),
    derSequence(derTime(content.notBeforeMs), derTime(content.notAfterMs)),
    encodeName(content.subject),
    content.publicKey,
    derTagged(3, derSequence(...extensionsOf(content))),
  );
  return signed(body, signer);
}

/** `body` with its signature: the outer form of certificates and revocation lists. */
export function signed(body: Uint8Array, signer: CertificateSigner): Uint8Array {
  return derSequence(body, algorithmOf(signer), derBitString(signer.sign(body)));
}

/** The algorithm of a signature. Those of RSA have a parameter, which is nothing. */
export function algorithmOf({ algorithm }: CertificateSigner): Uint8Array {
  const id = derObjectId(algorithm);
  return algorithm === ObjectId.RSA_WITH_SHA256
    ? derSequence(id, Uint8Array.of(0x05, 0))
    : derSequence(id);
}

/** A name in DER. */
export function encodeName({ organization, commonName }: DistinguishedName): Uint8Array {
  const attribute = (id: string, text: string | undefined): Uint8Array[] =>
    text === undefined ? [] : [derSet(derSequence(derObjectId(id), derUtf8String(text)))];
  return derSequence(
    ...attribute(ObjectId.ORGANIZATION, organization),
    ...attribute(ObjectId.COMMON_NAME, commonName),
  );
}

function extensionsOf(content: CertificateContent): Uint8Array[] {
  const { keyUsage, extendedKeyUsage, isAuthority, dnsNames, ipAddresses } = content;
  const extensions = [
    extension(
      ObjectId.KEY_USAGE,
      true,
      derBitString(Uint8Array.of(keyUsage), unusedBits(keyUsage)),
    ),
  ];
  if (extendedKeyUsage.length > 0) {
    const uses = derSequence(...extendedKeyUsage.map(derObjectId));
    extensions.push(extension(ObjectId.EXTENDED_KEY_USAGE, false, uses));
  }
  const constraints = isAuthority ? derSequence(derTrue()) : derSequence();
  extensions.push(extension(ObjectId.BASIC_CONSTRAINTS, true, constraints));
  const names = [
    ...dnsNames.map((name) => der(0x82, ascii(name))),
    ...ipAddresses.map((address) => der(0x87, parseIp(address) ?? new Uint8Array(0))),
  ];
  if (names.length > 0) {
    extensions.push(extension(ObjectId.SUBJECT_ALT_NAME, false, derSequence(...names)));
  }
  return extensions;
}

function extension(id: string, isCritical: boolean, value: Uint8Array): Uint8Array {
  const critical = isCritical ? derTrue() : new Uint8Array(0);
  return derSequence(concatBytes([derObjectId(id), critical]), derOctetString(value));
}

/** Bits of a byte below its lowest one. */
function unusedBits(byte: number): number {
  let unused = 0;
  while (unused < 7 && (byte >> unused) % 2 === 0) unused++;
  return unused;
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
