/**
 * Who makes a call: by the token in its metadata, or else by the certificate of its connection. Whether that
 * one may do what the call asks for is not known here.
 *
 * Source: etcd server/auth/store.go (AuthInfoFromCtx, AuthInfoFromTLS), server/etcdserver/v3_server.go (3.5).
 */
import type { AuthInfo } from "../auth/auth-info.ts";
import type { AuthStore } from "../auth/auth-store.ts";
import { TOKEN_FINGERPRINT_DIGITS } from "../auth/limits.ts";
import type { Tokens } from "../auth/tokens.ts";
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { ClientPeer } from "../ports/client-peer.ts";
import type { Digest } from "../ports/digest.ts";
import type { Log } from "../ports/log.ts";
import { bytesFromUtf8, hexFromBytes } from "../stdx/bytes.ts";
import type { Callers, Identifiable } from "./context.ts";

export interface AuthenticationParts {
  readonly tokens: Tokens;
  /** The auth store of now: a snapshot of a leader replaces it. */
  readonly auth: () => AuthStore;
  /** The last entry that was applied here. */
  readonly appliedIndex: () => number;
  /** Whether certificates of clients are verified, so that their names count. */
  readonly clientCertAuth: boolean;
  readonly sha256: () => Digest;
  readonly log: Log;
}

/** Sent by the JSON gateway with what it forwards: the certificate of that connection is its own. */
const GATEWAY_MARK = "grpcgateway-accept";

/** In front of a token in an "authorization" of HTTP; releases of etcd after 3.5.30 take it, too. */
const BEARER = "Bearer ";

export class Authentication implements Callers {
  readonly #parts: AuthenticationParts;
  /** Who connections with certificates belong to, as of some revision. */
  readonly #named = new WeakMap<ClientPeer, AuthInfo>();

  constructor(parts: AuthenticationParts) {
    this.#parts = parts;
  }

  identityOf(call: Identifiable): AuthInfo | undefined | EtcdError {
    const { enabled, revision } = this.#parts.auth();
    if (!enabled) return undefined;
    const token = tokenOf(call);
    if (token === undefined) return this.#byCertificate(call, revision);
    const known = this.#parts.tokens.use(token, revision);
    if (known !== undefined) return known;
    this.#parts.log.warn("invalid auth token", { "token-fingerprint": this.#fingerprint(token) });
    return Errors.InvalidAuthToken;
  }

  mustWait(call: Identifiable): boolean {
    if (!this.#parts.auth().enabled) return false;
    const token = tokenOf(call);
    if (token === undefined) return false;
    return this.#parts.tokens.awaitedIndex(token) > this.#parts.appliedIndex();
  }

  #byCertificate(call: Identifiable, revision: number): AuthInfo | undefined {
    const { commonName } = call.peer;
    if (!this.#parts.clientCertAuth || commonName === undefined) return undefined;
    if (call.get(GATEWAY_MARK) !== undefined) {
      this.#parts.log.warn("ignoring common name in gRPC-gateway proxy request", {
        "common-name": commonName,
        "user-name": commonName,
        revision,
      });
      return undefined;
    }
    const known = this.#named.get(call.peer);
    if (known?.revision === revision) return known;
    const info = { username: commonName, revision };
    this.#named.set(call.peer, info);
    return info;
  }

  /** Tells tokens apart in the log without telling what they are. */
  #fingerprint(token: string): string {
    const digest = this.#parts.sha256();
    digest.update(bytesFromUtf8(token));
    return hexFromBytes(digest.finish()).slice(0, TOKEN_FINGERPRINT_DIGITS);
  }
}

function tokenOf(call: Identifiable): string | undefined {
  const token = call.get("token") ?? call.get("authorization");
  return token?.startsWith(BEARER) === true ? token.slice(BEARER.length) : token;
}
