/** A certificate and its key, looked at as Go's crypto/tls looks at them when it reads them. */
import type { KeyObject, X509Certificate } from "node:crypto";
import { keyPairBlocks } from "../../tls/key-pair.ts";
import { pemText } from "../../tls/pem.ts";

/** PEM without anything that is not of the chain or the key. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** The certificate with its chain and the key from the texts of two files, or why they do not go together. */
export function readKeyPair(certText: string, keyText: string): KeyPair | string {
  const blocks = keyPairBlocks(certText, keyText);
  if (typeof blocks === "string") return blocks;
  const { chain, key } = blocks;
  // Tools that do not need it start without it.
  const crypto = process.getBuiltinModule("node:crypto");
  let leaf: X509Certificate;
  try {
    leaf = new crypto.X509Certificate(chain[0].bytes);
  } catch {
    return "x509: malformed certificate";
  }
  const keyPem = pemText(key.label, key.bytes);
  let parsed: KeyObject;
  try {
    parsed = crypto.createPrivateKey(keyPem);
  } catch {
    return "tls: failed to parse private key";
  }
  if (leaf.publicKey.asymmetricKeyType !== parsed.asymmetricKeyType) {
    return "tls: private key type does not match public key type";
  }
  if (!leaf.checkPrivateKey(parsed)) return "tls: private key does not match public key";
  return { cert: chain.map(({ label, bytes }) => pemText(label, bytes)).join(""), key: keyPem };
}
