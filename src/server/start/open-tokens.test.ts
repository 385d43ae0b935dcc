import { generateKeyPairSync } from "node:crypto";
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ManualClock } from "../../../sim/manual-clock.ts";
import { MemoryLog } from "../../../sim/memory-log.ts";
import { Prng } from "../../stdx/prng.ts";
import { openTokens } from "./open-tokens.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-token-flag-"));
afterAll(() => fs.rmSync(folder, { recursive: true }));

const file = (name: string, content: string | Buffer): string => {
  const full = path.join(folder, name);
  fs.writeFileSync(full, content);
  return full;
};
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const RSA_KEY = file("rsa", rsa.privateKey.export({ type: "pkcs1", format: "pem" }));
const RSA_PUBLIC = file("rsa.pub", rsa.publicKey.export({ type: "spki", format: "pem" }));
const EC_KEY = file("ec", ec.privateKey.export({ type: "sec1", format: "pem" }));
const EC_PUBLIC = file("ec.pub", ec.publicKey.export({ type: "spki", format: "pem" }));
const TEXT = file("text", "hello\n");
const EMPTY = file("empty", "");

/** What a flag comes to: the refusal, or nothing; and what the log says of it. */
function opened(token: string): { readonly refusal: string; readonly said: string } {
  const clock = new ManualClock();
  const log = new MemoryLog();
  let refusal = "";
  try {
    openTokens({ token, bcryptCost: 10, tokenTtlSeconds: 0 }, { clock, random: new Prng(1), log });
  } catch (error) {
    refusal = (error as Error).message;
  }
  return { refusal, said: JSON.stringify(log.lines) };
}

const OPTIONS = "auth: invalid auth options";
const NO_PEM = "invalid key: Key must be a PEM encoded PKCS1 or PKCS8 key";

describe("openTokens", () => {
  // The texts are those of the real etcd 3.5.16, but for EdDSA and keys that do not match.
  test.each([
    ["simple", ""],
    ["simple,any=thing", ""],
    ["", ""],
    [`jwt,sign-method=RS256,priv-key=${RSA_KEY}`, ""],
    [`jwt,sign-method=PS512,pub-key=${RSA_PUBLIC}`, ""],
    [`jwt,sign-method=ES256,pub-key=${EC_PUBLIC},priv-key=${EC_KEY},ttl=1h`, ""],
    [`jwt,sign-method=HS256,priv-key=${TEXT},foo=bar`, ""],
    ["foo", OPTIONS],
    ["jwt", OPTIONS],
    ["jwt,x", OPTIONS],
    ["simple,x", OPTIONS],
    ["jwt,sign-method=XX", OPTIONS],
    ["jwt,sign-method=HS256,sign-method=HS256", OPTIONS],
    [`jwt,sign-method=HS256,priv-key=${TEXT},ttl=x`, OPTIONS],
    ["jwt,sign-method=RS256,priv-key=/nowhere", OPTIONS],
    ["jwt,sign-method=none", "unsupported signing method: *jwt.signingMethodNone"],
    ["jwt,sign-method=RS256", "auth: missing key data"],
    [`jwt,sign-method=HS256,priv-key=${EMPTY}`, "auth: missing key data"],
    [
      `jwt,sign-method=RS256,priv-key=${EC_KEY}`,
      "x509: failed to parse private key (use ParseECPrivateKey instead for this key format)",
    ],
    [`jwt,sign-method=RS256,priv-key=${TEXT}`, NO_PEM],
    [`jwt,sign-method=ES256,pub-key=${TEXT}`, NO_PEM],
    [`jwt,sign-method=RS256,pub-key=${EC_PUBLIC}`, "key is not a valid RSA public key"],
    [`jwt,sign-method=ES256,priv-key=${RSA_KEY}`, "key is not a valid ECDSA private key"],
    [`jwt,sign-method=ES256,pub-key=${RSA_PUBLIC}`, "key is not a valid ECDSA public key"],
  ])("--auth-token=%s", (flag, refusal) => {
    const outcome = opened(flag);
    expect(outcome.refusal).toBe(refusal);
    if (refusal !== "") expect(outcome.said).toContain("failed to create token provider");
  });

  test.each([
    ["jwt,sign-method=HS256,priv-key=/nowhere", "open /nowhere: no such file or directory"],
    [`jwt,sign-method=HS256,priv-key=${TEXT},ttl=x`, 'time: invalid duration \\"x\\"'],
    ["jwt", "auth: invalid auth signature method"],
    ["jwt,a=1,a=2", '"duplicate-parameter":"a"'],
    [`jwt,sign-method=HS256,priv-key=${TEXT},foo=bar`, '"keys":["foo"]'],
    ["foo", '"type":"foo"'],
  ])("--auth-token=%s is explained in the log", (flag, said) => {
    expect(opened(flag).said).toContain(said);
  });
});
