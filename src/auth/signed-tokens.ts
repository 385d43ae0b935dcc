/**
 * Signed tokens (JWT, RFC 7519): who they stand for, and up to when, is written in them. No member remembers
 * them; they cannot be taken back but by a change of users or roles, after which their revision is old.
 *
 * ```
 *   base64url({"alg":"RS256","typ":"JWT"}) . base64url({"exp":…,"revision":…,"username":…}) . base64url(signature)
 * ```
 * The algorithm is that of the flag; a token that names another is refused before anything else is looked at.
 * Tokens that were found good are remembered, because a signature takes long to check.
 *
 * Source: etcd server/auth/jwt.go (3.5).
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { Log } from "../ports/log.ts";
import type { TokenKey } from "../ports/token-key.ts";
import { base64FromBytes, bytesFromBase64 } from "../stdx/base64.ts";
import { bytesFromUtf8, utf8FromBytes } from "../stdx/bytes.ts";
import { goJsonString } from "../stdx/json.ts";
import type { AuthInfo } from "./auth-info.ts";
import { SIGNED_TOKEN_CHARACTERS_MAX, VERIFIED_TOKENS_MAX } from "./limits.ts";
import { NO_TOKENS, type TokenTable } from "./token-table.ts";
import type { Tokens } from "./tokens.ts";

export interface SignedTokenOptions {
  readonly key: TokenKey;
  readonly ttlMs: number;
  /** Unix milliseconds of now. */
  readonly wallMs: () => number;
  readonly log: Log;
}

interface Verified {
  readonly info: AuthInfo;
  /** Unix milliseconds of the end; `Infinity` for none. */
  readonly endMs: number;
}

export class SignedTokens implements Tokens {
  readonly table: TokenTable = NO_TOKENS;
  readonly #options: SignedTokenOptions;
  readonly #header: string;
  /** Good tokens, in the order of their last use. */
  readonly #verified = new Map<string, Verified>();

  constructor(options: SignedTokenOptions) {
    this.#options = options;
    this.#header = segment(`{"alg":${goJsonString(options.key.algorithm)},"typ":"JWT"}`);
  }

  /** How many tokens are remembered. */
  get size(): number {
    return this.#verified.size;
  }

  newLetters(): string {
    return "";
  }

  /** Errors: TokenVerifyOnly, TokenKeyUnfit. */
  issue(_assigned: string, username: string, revision: number): string | EtcdError {
    const { key, ttlMs, wallMs } = this.#options;
    if (!key.canSign) return Errors.TokenVerifyOnly;
    const exp = Math.floor((wallMs() + ttlMs) / 1000);
    const claims = `{"exp":${exp},"revision":${revision},"username":${goJsonString(username)}}`;
    const signed = `${this.#header}.${segment(claims)}`;
    const signature = key.sign(bytesFromUtf8(signed));
    return signature === undefined ? Errors.TokenKeyUnfit : `${signed}.${base64Url(signature)}`;
  }

  awaitedIndex(): number {
    return 0;
  }

  use(token: string): AuthInfo | undefined {
    const nowMs = this.#options.wallMs();
    const known = this.#verified.get(token);
    if (known !== undefined) {
      this.#verified.delete(token);
      if (nowMs >= known.endMs) return this.#refuse("token is expired");
      this.#verified.set(token, known);
      return known.info;
    }
    const verified = this.#verify(token, nowMs);
    if (typeof verified === "string") return this.#refuse(verified);
    if (this.#verified.size >= VERIFIED_TOKENS_MAX) this.#forgetOldest();
    this.#verified.set(token, verified);
    return verified.info;
  }

  #refuse(reason: string): undefined {
    this.#options.log.warn("failed to parse a JWT token", { error: reason });
    return undefined;
  }

  /** What a token says, or why it is not believed. */
  #verify(token: string, nowMs: number): Verified | string {
    if (token.length > SIGNED_TOKEN_CHARACTERS_MAX) return "token is malformed: too long";
    const parts = token.split(".");
    if (parts.length !== 3) return "token contains an invalid number of segments";
    const [header, claims] = parts.slice(0, 2).map(jsonOf);
    const signature = bytesOf(parts[2]);
    if (header === undefined || claims === undefined || signature === undefined) {
      return "token is malformed";
    }
    const { key } = this.#options;
    if (header["alg"] !== key.algorithm) return "invalid signing method";
    if (!key.verify(bytesFromUtf8(`${parts[0]}.${parts[1]}`), signature)) {
      return "signature is invalid";
    }
    return verifiedOf(claims, nowMs);
  }

  #forgetOldest(): void {
    for (const token of this.#verified.keys()) {
      this.#verified.delete(token);
      return;
    }
  }
}

/** What claims with a good signature mean at `nowMs`. */
function verifiedOf(claims: Json, nowMs: number): Verified | string {
  const { exp, iat, nbf, username, revision } = claims;
  const endMs = exp === undefined ? Number.POSITIVE_INFINITY : millisecondsOf(exp);
  if (!(nowMs < endMs)) return "token is expired";
  if (iat !== undefined && !(millisecondsOf(iat) <= nowMs)) return "token used before issued";
  if (nbf !== undefined && !(millisecondsOf(nbf) <= nowMs)) return "token is not valid yet";
  if (typeof username !== "string") return "failed to obtain user claims from jwt token";
  if (typeof revision !== "number" || !(revision >= 0 && revision <= Number.MAX_SAFE_INTEGER)) {
    return "failed to obtain revision claims from jwt token";
  }
  return { info: { username, revision: Math.floor(revision) }, endMs };
}

/** A time of a claim; not a number, which no comparison holds for, where it is none. */
function millisecondsOf(seconds: unknown): number {
  return typeof seconds === "number" ? seconds * 1000 : Number.NaN;
}

type Json = Readonly<Record<string, unknown>>;

function jsonOf(part: string): Json | undefined {
  const bytes = bytesOf(part);
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(utf8FromBytes(bytes));
    return typeof value === "object" && value !== null ? (value as Json) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Bytes of a part in base64url without padding; `undefined` when it is none. */
function bytesOf(part: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(part)) return undefined;
  const padded = part.padEnd(Math.ceil(part.length / 4) * 4, "=");
  const bytes = bytesFromBase64(padded.replaceAll("-", "+").replaceAll("_", "/"));
  return typeof bytes === "number" ? undefined : bytes;
}

function segment(json: string): string {
  return base64Url(bytesFromUtf8(json));
}

function base64Url(bytes: Uint8Array): string {
  return base64FromBytes(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
