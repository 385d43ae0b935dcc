/**
 * Keys that sign tokens and verify them, read from the files of `--auth-token=jwt,…`.
 *
 * Source: etcd server/auth/options.go (3.5); github.com/golang-jwt/jwt (texts).
 */
import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
  timingSafeEqual,
  verify,
} from "node:crypto";
import { readFileSync } from "node:fs";
import type { TokenKey } from "../ports/token-key.ts";

/** A key that cannot be used; the message is etcd's. */
export class TokenKeyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "TokenKeyError";
  }
}

/** Content of the files that the flag names; `undefined` or empty where it names none. */
export interface TokenKeyFiles {
  readonly publicKey: Uint8Array | undefined;
  readonly privateKey: Uint8Array | undefined;
}

interface Family {
  /** As Go names it in messages. */
  readonly name: string;
  readonly type: "rsa" | "ec" | "ed25519";
}

const RSA: Family = { name: "RSA", type: "rsa" };
const ECDSA: Family = { name: "ECDSA", type: "ec" };
const ED25519: Family = { name: "Ed25519", type: "ed25519" };

interface Method {
  readonly family: Family | "HMAC";
  readonly hash: string | undefined;
  readonly isPss?: boolean;
  /** The only curve whose keys fit. */
  readonly curve?: string;
}

const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ["RS256", { family: RSA, hash: "sha256" }],
  ["RS384", { family: RSA, hash: "sha384" }],
  ["RS512", { family: RSA, hash: "sha512" }],
  ["PS256", { family: RSA, hash: "sha256", isPss: true }],
  ["PS384", { family: RSA, hash: "sha384", isPss: true }],
  ["PS512", { family: RSA, hash: "sha512", isPss: true }],
  ["ES256", { family: ECDSA, hash: "sha256", curve: "prime256v1" }],
  ["ES384", { family: ECDSA, hash: "sha384", curve: "secp384r1" }],
  ["ES512", { family: ECDSA, hash: "sha512", curve: "secp521r1" }],
  ["HS256", { family: "HMAC", hash: "sha256" }],
  ["HS384", { family: "HMAC", hash: "sha384" }],
  ["HS512", { family: "HMAC", hash: "sha512" }],
  ["EdDSA", { family: ED25519, hash: undefined }],
]);

/** Whether tokens can be signed by `algorithm`. */
export function isTokenAlgorithm(algorithm: string): boolean {
  return METHODS.has(algorithm);
}

/** Reads a file that the flag names. Throws `TokenKeyError` with Go's words. */
export function readTokenKeyFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new TokenKeyError(`open ${path}: ${GO_REASONS.get(code ?? "") ?? code}`);
  }
}

const GO_REASONS = new Map([
  ["ENOENT", "no such file or directory"],
  ["EACCES", "permission denied"],
  ["EISDIR", "is a directory"],
]);

/**
 * The key for `algorithm`, one of those known. Throws `TokenKeyError`.
 *
 * Differs from etcd: a public and a private key that do not belong together are refused, as 3.6 does; 3.5
 * means to, and goes on with the private one. EdDSA is there as in 3.6.
 */
export function createTokenKey(
  algorithm: string,
  { publicKey = NO_BYTES, privateKey = NO_BYTES }: TokenKeyFiles,
): TokenKey {
  const method = METHODS.get(algorithm);
  if (method === undefined) throw new TokenKeyError("auth: invalid auth signature method");
  if (method.family === "HMAC") return hmacKey(algorithm, method.hash ?? "", privateKey);
  const secret = privateKey.length === 0 ? undefined : readPrivate(privateKey, method.family);
  const open = publicKey.length === 0 ? undefined : readPublic(publicKey, method.family);
  const own = secret === undefined ? undefined : createPublicKey(secret);
  if (open !== undefined && own?.equals(open) === false) {
    throw new TokenKeyError("auth: public and private keys don't match");
  }
  const verifying = own ?? open;
  if (verifying === undefined) throw new TokenKeyError("auth: missing key data");
  return asymmetricKey(algorithm, method, secret, verifying);
}

const NO_BYTES = new Uint8Array(0);

function hmacKey(algorithm: string, hash: string, secret: Uint8Array): TokenKey {
  if (secret.length === 0) throw new TokenKeyError("auth: missing key data");
  const mac = (bytes: Uint8Array): Uint8Array => createHmac(hash, secret).update(bytes).digest();
  return {
    algorithm,
    canSign: true,
    sign: mac,
    verify(bytes, signature) {
      const own = mac(bytes);
      return own.length === signature.length && timingSafeEqual(own, signature);
    },
  };
}

function asymmetricKey(
  algorithm: string,
  { hash, isPss = false, curve }: Method,
  secret: KeyObject | undefined,
  open: KeyObject,
): TokenKey {
  const fits = curve === undefined || open.asymmetricKeyDetails?.namedCurve === curve;
  const options = (key: KeyObject, saltLength: number): KeyObject | SignKeyObjectInput => {
    if (isPss) return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
    return curve === undefined ? key : { key, dsaEncoding: "ieee-p1363" };
  };
  return {
    algorithm,
    canSign: secret !== undefined,
    sign(bytes) {
      if (secret === undefined || !fits) return undefined;
      try {
        return sign(hash, bytes, options(secret, constants.RSA_PSS_SALTLEN_DIGEST));
      } catch {
        // A key that is too short for the digest.
        return undefined;
      }
    },
    verify: (bytes, signature) =>
      fits && verify(hash, bytes, options(open, constants.RSA_PSS_SALTLEN_AUTO), signature),
  };
}

function readPrivate(pem: Uint8Array, { name, type }: Family): KeyObject {
  const text = Buffer.from(pem).toString("latin1");
  if (!text.includes("-----BEGIN ")) throw new TokenKeyError(NO_PEM);
  if (type === "rsa" && text.includes("-----BEGIN EC PRIVATE KEY-----")) {
    throw new TokenKeyError(
      "x509: failed to parse private key (use ParseECPrivateKey instead for this key format)",
    );
  }
  return keyOf(() => createPrivateKey(text), type, `key is not a valid ${name} private key`);
}

function readPublic(pem: Uint8Array, { name, type }: Family): KeyObject {
  const text = Buffer.from(pem).toString("latin1");
  if (!text.includes("-----BEGIN ")) throw new TokenKeyError(NO_PEM);
  const refusal = `key is not a valid ${name} public key`;
  // Node would take the public half of a private key.
  if (text.includes("PRIVATE KEY-----")) throw new TokenKeyError(refusal);
  return keyOf(() => createPublicKey(text), type, refusal);
}

const NO_PEM = "invalid key: Key must be a PEM encoded PKCS1 or PKCS8 key";

function keyOf(read: () => KeyObject, type: string, refusal: string): KeyObject {
  let key: KeyObject;
  try {
    key = read();
  } catch {
    throw new TokenKeyError(refusal);
  }
  if (key.asymmetricKeyType !== type) throw new TokenKeyError(refusal);
  return key;
}
