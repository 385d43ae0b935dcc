/**
 * The tokens of a member, as `--auth-token` and `--auth-token-ttl` want them.
 *
 * Source: etcd server/auth/store.go (NewTokenProvider, decomposeOpts), options.go, jwt.go (3.5).
 */
import { SignedTokens } from "../../auth/signed-tokens.ts";
import { SimpleTokens } from "../../auth/simple-tokens.ts";
import { NO_TOKENS_ISSUED, simpleTokens, type Tokens } from "../../auth/tokens.ts";
import {
  createTokenKey,
  isTokenAlgorithm,
  readTokenKeyFile,
  TokenKeyError,
} from "../../platform/token-keys.ts";
import type { Log } from "../../ports/log.ts";
import { GoDurationError, parseGoDuration } from "../../stdx/go-duration.ts";
import type { Environment } from "./bootstrap.ts";
import type { AuthSettings } from "../config/config-groups.ts";
import { StartError } from "./start-error.ts";

/** Etcd's defaults, where no time to live is given. */
const SIMPLE_TTL_SECONDS = 300;
const SIGNED_TTL_MS = 300_000;

const INVALID_OPTIONS = "auth: invalid auth options";

/** Source: golang-jwt; the last one is the one that does not sign. */
const FOREIGN_METHODS: ReadonlyMap<string, string> = new Map([["none", "*jwt.signingMethodNone"]]);

/** Throws `StartError` for options that are none, and for keys that cannot be used. */
export function openTokens(
  { token, tokenTtlSeconds }: AuthSettings,
  { clock, random, log: anyLog }: Pick<Environment, "clock" | "random" | "log">,
): Tokens {
  const log = anyLog.named("auth/store.ts");
  try {
    const [kind, options] = partsOf(token, log);
    switch (kind) {
      case "simple": {
        const ttlSeconds = tokenTtlSeconds === 0 ? SIMPLE_TTL_SECONDS : tokenTtlSeconds;
        const table = new SimpleTokens(ttlSeconds * 1000, () => clock.nowMs());
        return simpleTokens(table, random);
      }
      case "jwt":
        return signedTokens(options, () => clock.wallMs(), anyLog.named("auth/jwt.ts"));
      case "":
        return NO_TOKENS_ISSUED;
      default:
        log.warn("unknown token type", { type: kind, error: INVALID_OPTIONS });
        throw new StartError(INVALID_OPTIONS);
    }
  } catch (error) {
    const { message } = error as Error;
    anyLog.named("server/server.ts").warn("failed to create token provider", { error: message });
    throw error;
  }
}

type Options = ReadonlyMap<string, string>;

/** "kind,name=value,…" taken apart. */
function partsOf(text: string, log: Log): readonly [kind: string, options: Options] {
  const [kind, ...pairs] = text.split(",");
  const options = new Map<string, string>();
  for (const pair of pairs) {
    const [name, value, more] = pair.split("=");
    if (value === undefined || more !== undefined) {
      log.error("invalid token option", { option: text });
      throw new StartError(INVALID_OPTIONS);
    }
    if (options.has(name)) {
      log.error("invalid token option", { option: text, "duplicate-parameter": name });
      throw new StartError(INVALID_OPTIONS);
    }
    options.set(name, value);
  }
  return [kind, options];
}

const KNOWN_OPTIONS: ReadonlySet<string> = new Set(["sign-method", "pub-key", "priv-key", "ttl"]);

function signedTokens(options: Options, wallMs: () => number, log: Log): Tokens {
  const { ttlMs, publicKey, privateKey, algorithm } = readOptions(options, log);
  const unknown = [...options.keys()].filter((name) => !KNOWN_OPTIONS.has(name));
  if (unknown.length > 0) log.warn("unknown JWT options", { keys: unknown });
  const foreign = FOREIGN_METHODS.get(algorithm);
  if (foreign !== undefined) throw new StartError(`unsupported signing method: ${foreign}`);
  try {
    const key = createTokenKey(algorithm, { publicKey, privateKey });
    return new SignedTokens({ key, ttlMs, wallMs, log });
  } catch (error) {
    if (error instanceof TokenKeyError) throw new StartError(error.message);
    throw error;
  }
}

/** Values of the options; a mistake in them is told in the log, in one way to the user. */
function readOptions(options: Options, log: Log) {
  try {
    const ttl = options.get("ttl") ?? "";
    const ttlNs = ttl === "" ? undefined : parseGoDuration(ttl);
    if (ttlNs instanceof GoDurationError) throw new TokenKeyError(ttlNs.message);
    const file = (name: string): Uint8Array | undefined => {
      const path = options.get(name) ?? "";
      return path === "" ? undefined : readTokenKeyFile(path);
    };
    const publicKey = file("pub-key");
    const privateKey = file("priv-key");
    const algorithm = options.get("sign-method") ?? "";
    if (!isTokenAlgorithm(algorithm) && !FOREIGN_METHODS.has(algorithm)) {
      throw new TokenKeyError("auth: invalid auth signature method");
    }
    const ttlMs = ttlNs === undefined ? SIGNED_TTL_MS : Number(ttlNs) / 1e6;
    return { ttlMs, publicKey, privateKey, algorithm };
  } catch (error) {
    if (!(error instanceof TokenKeyError)) throw error;
    log.error("problem loading JWT options", { error: error.message });
    throw new StartError(INVALID_OPTIONS);
  }
}
