/**
 * Certificates for tests, made in this process: authorities, the certificates that they issue, and lists of
 * those that they have taken back, as PEM files of a temporary folder.
 */
import crypto from "node:crypto";
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {
  algorithmOf,
  type CertificateSigner,
  encodeCertificate,
  encodeName,
  KeyUsage,
  signed,
} from "../../src/tls/certificate-builder.ts";
import { derInteger, derSequence, derTime } from "../../src/tls/der-writer.ts";
import { ObjectId } from "../../src/tls/object-ids.ts";
import { pemText } from "../../src/tls/pem.ts";

type KeyKind = "ec" | "rsa";

export interface CertificateWish {
  /** Common name; none when absent. */
  readonly cn?: string;
  readonly organization?: string;
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly keyKind?: KeyKind;
  /** What it is for; both sides of a connection when absent. */
  readonly usage?: "server" | "client" | "both";
  /** Days from today at which it begins and ends to be valid: yesterday and in a month when absent. */
  readonly fromDay?: number;
  readonly untilDay?: number;
}

const DAY_MS = 86_400_000;

/** A certificate with its key, in files. */
export class IssuedCertificate {
  /** The certificate, followed by the intermediate authorities up to the root, which is not in it. */
  readonly certFile: string;
  readonly keyFile: string;
  readonly der: Uint8Array;
  readonly serial: Uint8Array;

  constructor(certFile: string, keyFile: string, der: Uint8Array, serial: Uint8Array) {
    this.certFile = certFile;
    this.keyFile = keyFile;
    this.der = der;
    this.serial = serial;
  }

  get certPem(): string {
    return fs.readFileSync(this.certFile, "utf8");
  }

  get keyPem(): string {
    return fs.readFileSync(this.keyFile, "utf8");
  }
}

/** An authority: the root of a chain, or one below another. */
export class TestAuthority {
  /** Its own certificate; for clients of what it issues, when it is a root. */
  readonly caFile: string;
  readonly own: IssuedCertificate;
  readonly #folder: string;
  readonly #name: string;
  readonly #key: crypto.KeyObject;
  readonly #parent: TestAuthority | undefined;
  #issued = 0;

  /** Makes an authority in `folder`, signed by `parent` or by itself. */
  constructor(
    folder: string,
    name: string,
    keyKind: KeyKind = "ec",
    parent?: TestAuthority,
    wish: CertificateWish = {},
  ) {
    this.#folder = folder;
    this.#name = name;
    this.#parent = parent;
    const pair = generateKeys(keyKind);
    this.#key = pair.privateKey;
    const serial = newSerial();
    const { fromDay = -1, untilDay = 30 } = wish;
    const der = encodeCertificate(
      {
        serial,
        issuer: { commonName: parent === undefined ? name : parent.#name },
        subject: { commonName: name },
        notBeforeMs: Date.now() + fromDay * DAY_MS,
        notAfterMs: Date.now() + untilDay * DAY_MS,
        publicKey: publicBytes(pair.publicKey),
        isAuthority: true,
        keyUsage: KeyUsage.CERT_SIGN | KeyUsage.CRL_SIGN | KeyUsage.DIGITAL_SIGNATURE,
        extendedKeyUsage: [],
        dnsNames: [],
        ipAddresses: [],
      },
      signerOf(parent === undefined ? pair.privateKey : parent.#key),
    );
    this.own = this.#save(`ca-${name}`, der, pair.privateKey, serial, parent?.chainPem() ?? "");
    this.caFile = this.own.certFile;
  }

  /** Makes an authority below this one. */
  intermediate(name: string, keyKind: KeyKind = "ec"): TestAuthority {
    return new TestAuthority(this.#folder, name, keyKind, this);
  }

  /** Issues a certificate. */
  issue(wish: CertificateWish = {}): IssuedCertificate {
    const { cn, organization, dnsNames = [], ipAddresses = [], keyKind = "ec" } = wish;
    const { usage = "both", fromDay = -1, untilDay = 30 } = wish;
    const pair = generateKeys(keyKind);
    const serial = newSerial();
    const der = encodeCertificate(
      {
        serial,
        issuer: { commonName: this.#name },
        subject: {
          ...(organization === undefined ? {} : { organization }),
          ...(cn === undefined ? {} : { commonName: cn }),
        },
        notBeforeMs: Date.now() + fromDay * DAY_MS,
        notAfterMs: Date.now() + untilDay * DAY_MS,
        publicKey: publicBytes(pair.publicKey),
        isAuthority: false,
        keyUsage: KeyUsage.DIGITAL_SIGNATURE | KeyUsage.KEY_ENCIPHERMENT,
        extendedKeyUsage: USAGES[usage],
        dnsNames,
        ipAddresses,
      },
      signerOf(this.#key),
    );
    this.#issued++;
    const name = `${this.#name}-${this.#issued}-${cn ?? "nameless"}`.replace(/[^\w.-]/g, "_");
    return this.#save(name, der, pair.privateKey, serial, this.chainPem());
  }

  /**
   * Writes a list of revoked certificates, in PEM or DER, and returns its file. A list that is out of date
   * should have been replaced yesterday.
   */
  revoke(
    revoked: readonly IssuedCertificate[],
    { form = "pem", isOutdated = false, name = "crl" }: RevocationWish = {},
  ): string {
    const file = path.join(this.#folder, `${this.#name}.${name}`);
    const bytes = this.revocationList(revoked, isOutdated);
    fs.writeFileSync(file, form === "pem" ? pemText("X509 CRL", bytes) : bytes);
    return file;
  }

  /** A list of revoked certificates in DER. */
  revocationList(revoked: readonly IssuedCertificate[], isOutdated = false): Uint8Array {
    const signer = signerOf(this.#key);
    const now = Date.now();
    const entries = revoked.map(({ serial }) =>
      derSequence(derInteger(serial), derTime(now - DAY_MS)),
    );
    const body = derSequence(
      derInteger(Uint8Array.of(1)),
      algorithmOf(signer),
      encodeName({ commonName: this.#name }),
      derTime(now - 2 * DAY_MS),
      derTime(now + (isOutdated ? -DAY_MS : DAY_MS)),
      ...(entries.length === 0 ? [] : [derSequence(...entries)]),
    );
    return signed(body, signer);
  }

  /** What stands behind the certificates that it issues: its own, unless it is a root. */
  chainPem(): string {
    return this.#parent === undefined ? "" : this.own.certPem;
  }

  #save(
    name: string,
    der: Uint8Array,
    key: crypto.KeyObject,
    serial: Uint8Array,
    chain: string,
  ): IssuedCertificate {
    const certFile = path.join(this.#folder, `${name}.crt`);
    const keyFile = path.join(this.#folder, `${name}.key`);
    fs.writeFileSync(certFile, pemText("CERTIFICATE", der) + chain);
    fs.writeFileSync(keyFile, key.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
    return new IssuedCertificate(certFile, keyFile, der, serial);
  }
}

interface RevocationWish {
  readonly form?: "pem" | "der";
  readonly isOutdated?: boolean;
  /** Ending of the file. */
  readonly name?: string;
}

const USAGES = {
  server: [ObjectId.SERVER_AUTH],
  client: [ObjectId.CLIENT_AUTH],
  both: [ObjectId.SERVER_AUTH, ObjectId.CLIENT_AUTH],
} as const;

/** A folder with an authority, a certificate for a server on this machine, and one for a client. */
export class CertificateFolder {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-certs-"));
  readonly authority: TestAuthority;
  /** For localhost, 127.0.0.1 and ::1, to be server and client. */
  readonly server: IssuedCertificate;
  /** For clients alone, with the CN "client". */
  readonly client: IssuedCertificate;

  constructor(keyKind: KeyKind = "ec") {
    this.authority = new TestAuthority(this.folder, "ca", keyKind);
    this.server = this.authority.issue({
      cn: "server",
      dnsNames: ["localhost"],
      ipAddresses: ["127.0.0.1", "::1"],
      keyKind,
    });
    this.client = this.authority.issue({ cn: "client", usage: "client", keyKind });
  }

  /** Another authority, which does not know the first one. */
  otherAuthority(name = "other"): TestAuthority {
    return new TestAuthority(this.folder, name);
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

function generateKeys(kind: KeyKind): crypto.KeyPairKeyObjectResult {
  return kind === "ec"
    ? crypto.generateKeyPairSync("ec", { namedCurve: "P-256" })
    : crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
}

function publicBytes(key: crypto.KeyObject): Uint8Array {
  return key.export({ type: "spki", format: "der" });
}

function signerOf(key: crypto.KeyObject): CertificateSigner {
  const isEc = key.asymmetricKeyType === "ec";
  return {
    algorithm: isEc ? ObjectId.ECDSA_WITH_SHA256 : ObjectId.RSA_WITH_SHA256,
    sign: (bytes) => crypto.sign("sha256", bytes, key),
  };
}

/** Positive, and never zero. */
function newSerial(): Uint8Array {
  const serial = crypto.randomBytes(12);
  serial[0] = (serial[0] & 0x7f) | 0x40;
  return serial;
}
