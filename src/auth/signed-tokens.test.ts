import { createHmac, generateKeyPairSync, type KeyPairKeyObjectResult } from "node:crypto";
import { describe, expect, test } from "vitest";
import { QUIET_LOG } from "../../test/harness/quiet-log.ts";
import { Errors } from "../errors/table.ts";
import { createTokenKey } from "../platform/token-keys.ts";
import { VERIFIED_TOKENS_MAX } from "./limits.ts";
import { SignedTokens } from "./signed-tokens.ts";

const SECRET = Buffer.from("a secret of some bytes");
const HS256 = createTokenKey("HS256", { publicKey: undefined, privateKey: SECRET });

function tokensOf(key = HS256) {
  const clock = { wallMs: 1_700_000_000_000 };
  const wallMs = (): number => clock.wallMs;
  return { clock, tokens: new SignedTokens({ key, ttlMs: 60_000, wallMs, log: QUIET_LOG }) };
}

const json = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token with a good signature, whatever it says. */
function forged(claims: unknown, header: unknown = { alg: "HS256", typ: "JWT" }): string {
  const signed = `${json(header)}.${json(claims)}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}

/** A new pair of keys as files have them: of RSA, Ed25519 or a curve. */
const pem = (type: string) => {
  let pair: KeyPairKeyObjectResult;
  if (type === "rsa") pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  else if (type === "ed25519") pair = generateKeyPairSync("ed25519");
  else pair = generateKeyPairSync("ec", { namedCurve: type });
  return {
    publicKey: Buffer.from(pair.publicKey.export({ type: "spki", format: "pem" })),
    privateKey: Buffer.from(pair.privateKey.export({ type: "pkcs8", format: "pem" })),
  };
};

const RSA = pem("rsa");
const PAIRS = new Map([
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].map((name) => [name, RSA] as const),
  ["ES256", pem("prime256v1")],
  ["ES384", pem("secp384r1")],
  ["ES512", pem("secp521r1")],
  ["EdDSA", pem("ed25519")],
]);

describe("SignedTokens", () => {
  test.each([...PAIRS])("%s: a token of the private key is believed by the public one", (...of) => {
    const [algorithm, { publicKey, privateKey }] = of;
    const { tokens } = tokensOf(createTokenKey(algorithm, { publicKey, privateKey }));
    const token = tokens.issue("", "alice", 7) as string;
    const both = [
      tokens,
      tokensOf(createTokenKey(algorithm, { publicKey, privateKey: undefined })).tokens,
    ];
    for (const verifier of both) {
      expect(verifier.use(token)).toEqual({ username: "alice", revision: 7 });
      const at = token.length - 8;
      const bent = `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
      expect(verifier.use(bent)).toBeUndefined();
    }
    expect(both[1].issue("", "alice", 7)).toBe(Errors.TokenVerifyOnly);
  });

  test("a token says what etcd's says, in its order", () => {
    const { tokens } = tokensOf();
    const token = tokens.issue("", 'a"b', 3) as string;
    const [header, claims] = token
      .split(".")
      .map((part) => Buffer.from(part, "base64url").toString());
    expect(header).toBe('{"alg":"HS256","typ":"JWT"}');
    expect(claims).toBe('{"exp":1700000060,"revision":3,"username":"a\\"b"}');
  });

  test("a token ends, remembered or not", () => {
    const { tokens, clock } = tokensOf();
    const token = tokens.issue("", "alice", 7) as string;
    expect(tokens.use(token)).toBeDefined();
    clock.wallMs += 59_000;
    expect(tokens.use(token)).toBeDefined();
    clock.wallMs += 1_000;
    expect(tokens.use(token)).toBeUndefined();
    expect(tokens.use(token)).toBeUndefined();
    expect(tokens.size).toBe(0);
  });

  const good = { username: "alice", revision: 7, exp: 1_700_000_060 };

  test.each([
    ["no algorithm", forged(good, { typ: "JWT" })],
    ["none", `${json({ alg: "none" })}.${json(good)}.`],
    ["none, with a signature", forged(good, { alg: "none" })],
    ["another algorithm", forged(good, { alg: "HS384" })],
    ["a name that is no text", forged({ ...good, username: 5 })],
    ["no name", forged({ ...good, username: undefined })],
    ["no revision", forged({ ...good, revision: undefined })],
    ["a revision that is text", forged({ ...good, revision: "7" })],
    ["a negative revision", forged({ ...good, revision: -1 })],
    ["an end that is text", forged({ ...good, exp: "never" })],
    ["an end that is null", forged({ ...good, exp: null })],
    ["a beginning to come", forged({ ...good, nbf: 1_700_000_001 })],
    ["a birth to come", forged({ ...good, iat: 1_700_000_001 })],
    ["claims that are a list", forged([])],
    ["claims that are nothing", forged(null)],
    ["two parts", forged(good).split(".").slice(0, 2).join(".")],
    ["four parts", `${forged(good)}.x`],
    ["padding", `${forged(good)}=`],
    ["the standard alphabet", forged(good).replace(/\.[^.]{4}/, ".a+/a")],
    ["empty", ""],
    ["dots", ".."],
    ["very much", "x".repeat(100_000)],
  ])("is not believed: %s", (_, token) => {
    const { tokens } = tokensOf();
    expect(tokens.use(forged(good))).toBeDefined();
    expect(tokens.use(token)).toBeUndefined();
    expect(tokens.size).toBe(1);
  });

  test("a token without an end is believed, as by etcd", () => {
    const { tokens } = tokensOf();
    expect(tokens.use(forged({ username: "alice", revision: 2.9 }))).toEqual({
      username: "alice",
      revision: 2,
    });
  });

  test("remembers a limited number of tokens, those that are used", () => {
    const { tokens } = tokensOf();
    const first = forged(good);
    for (let at = 0; at < VERIFIED_TOKENS_MAX + 10; at++) {
      expect(tokens.use(first)).toBeDefined();
      expect(tokens.use(forged({ ...good, revision: at }))).toBeDefined();
    }
    expect(tokens.size).toBe(VERIFIED_TOKENS_MAX);
  });
});

describe("createTokenKey", () => {
  const other = pem("rsa");
  const ec = PAIRS.get("ES256");
  const noPem = Buffer.from("hello\n");
  const shown = (algorithm: string, publicKey?: Uint8Array, privateKey?: Uint8Array): string => {
    try {
      createTokenKey(algorithm, { publicKey, privateKey });
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };

  test.each([
    ["RS256", undefined, undefined, "auth: missing key data"],
    ["HS256", RSA.publicKey, undefined, "auth: missing key data"],
    ["RS256", other.publicKey, RSA.privateKey, "auth: public and private keys don't match"],
    ["RS256", ec?.publicKey, undefined, "key is not a valid RSA public key"],
    ["RS256", RSA.privateKey, undefined, "key is not a valid RSA public key"],
    ["ES256", RSA.publicKey, undefined, "key is not a valid ECDSA public key"],
    ["ES256", undefined, RSA.privateKey, "key is not a valid ECDSA private key"],
    ["EdDSA", undefined, RSA.privateKey, "key is not a valid Ed25519 private key"],
    ["RS256", noPem, undefined, "invalid key: Key must be a PEM encoded PKCS1 or PKCS8 key"],
    ["ES256", undefined, noPem, "invalid key: Key must be a PEM encoded PKCS1 or PKCS8 key"],
    ["none", RSA.publicKey, RSA.privateKey, "auth: invalid auth signature method"],
    ["RS256", RSA.publicKey, RSA.privateKey, ""],
  ])("%s refuses what is no key for it", (algorithm, publicKey, privateKey, message) => {
    expect(shown(algorithm, publicKey, privateKey)).toBe(message);
  });

  test("a key of another curve signs nothing and verifies nothing", () => {
    const key = createTokenKey("ES384", ec ?? RSA);
    const { tokens } = tokensOf(key);
    expect(tokens.issue("", "alice", 1)).toBe(Errors.TokenKeyUnfit);
    expect(key.verify(SECRET, new Uint8Array(96))).toBe(false);
  });
});
