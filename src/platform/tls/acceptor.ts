/**
 * The server's side of TLS handshakes: takes sockets that were accepted, and hands on those whose handshake
 * succeeded and whose certificate is wanted. The others are closed, with a line in the log.
 *
 * Handshakes take no more than a time limit, and only so many are under way: with one more the oldest is given
 * up, so that a crowd which goes no further keeps nobody out.
 *
 * Differs from etcd: a certificate that is not wanted closes the connection without the alert that tells the
 * client why; node:tls has no way to send one. That there is none is told by an alert.
 *
 * Source: etcd client/pkg/transport/listener_tls.go, server/embed/config_logging.go (3.5).
 */
import { Socket } from "node:net";
import tls, { type SecureContext, type TlsOptions, TLSSocket } from "node:tls";
import type { ClientPeer } from "../../ports/client-peer.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log, LogFields } from "../../ports/log.ts";
import type { Certificate } from "../../tls/certificate.ts";
import { isFitForHttp2 } from "../../tls/cipher-suites.ts";
import { DerError } from "../../tls/der-reader.ts";
import {
  type AllowedNames,
  checkAddress,
  type NameLookups,
  nameProblem,
  revocationProblem,
} from "../../tls/peer-rules.ts";
import type { RevocationList } from "../../tls/revocation-list.ts";
import {
  TLS_HANDSHAKE_TIMEOUT_MS,
  TLS_HANDSHAKES_MAX,
  TLS_LINGER_MS,
  TLS_OVERLOAD_LOG_MS,
} from "../limits.ts";
import { SocketStream } from "../tcp.ts";
import { readChain } from "./chain.ts";
import { describeTlsFailure } from "./failure.ts";
import type { TlsFiles, TlsMaterial } from "./files.ts";
import { contextOptions, serverRestrictions, type TlsStrength } from "./secure-context.ts";

export interface TlsServerRules {
  /** Who connects must show a certificate that one of the authorities vouches for. */
  readonly requiresCertificate: boolean;
  /** The CN of that certificate says who calls. */
  readonly namesCaller: boolean;
  readonly allowed: AllowedNames;
  /** Where it must come from what its certificate says: how names are looked up. */
  readonly addressLookups: NameLookups | undefined;
}

export interface TlsAcceptorParts {
  readonly files: TlsFiles;
  readonly strength: TlsStrength;
  readonly rules: TlsServerRules;
  readonly clock: Clock;
  readonly log: Log;
  /** What the log says of a connection that is closed. */
  readonly rejectedMessage: string;
  /** How long a handshake may take; as `limits.ts` has it when absent. */
  readonly handshakeTimeoutMs?: number;
}

/** What is spoken behind the handshake. The first one that the client offers, too. */
const PROTOCOLS = ["h2", "http/1.1"];

/** A handshake from its begin to its outcome. */
interface Handshake {
  readonly socket: Socket;
  readonly address: string;
  readonly accept: (stream: SocketStream) => void;
  /** Its outcome is known and was told. */
  isOver: boolean;
}

export class TlsAcceptor {
  readonly #parts: TlsAcceptorParts;
  readonly #server: tls.Server;
  /** The oldest first; those whose socket is closed are no longer here. */
  readonly #underWay = new Set<Handshake>();
  readonly #handshakes = new WeakMap<Socket, Handshake>();
  #material: TlsMaterial;
  #givenUp = 0;
  #toldOverloadMs = Number.NEGATIVE_INFINITY;

  /** Throws what node:tls throws about material that OpenSSL does not take, and where Node.js is unfit. */
  constructor(parts: TlsAcceptorParts) {
    checkFitness(new TLSSocket(new Socket()));
    this.#parts = parts;
    this.#material = parts.files.current(parts.clock.nowMs());
    this.#server = tls.createServer(this.#options());
    this.#trustLikeGo();
    this.#server.on("secureConnection", (secure) => this.#established(secure));
    this.#server.on("tlsClientError", (error, secure) => this.#failed(error, secure));
  }

  /** Handshakes under way. */
  get waiting(): number {
    return this.#underWay.size;
  }

  /** Begins a handshake on a socket of which nothing was read, or what was read was put back. */
  accept(stream: SocketStream, accept: (stream: SocketStream) => void): void {
    this.#renew();
    const socket = stream.release();
    const handshake = { socket, address: stream.remoteAddress, accept, isOver: false };
    this.#handshakes.set(socket, handshake);
    this.#underWay.add(handshake);
    socket.once("close", () => this.#underWay.delete(handshake));
    socket.on("error", () => undefined);
    if (this.#underWay.size > TLS_HANDSHAKES_MAX) this.#giveUpOldest();
    this.#server.emit("connection", socket);
  }

  /** Closes what is still in its handshake. */
  close(): void {
    for (const { socket } of this.#underWay) socket.destroy();
  }

  /** Takes over files that have changed. */
  #renew(): void {
    const { files, clock } = this.#parts;
    const material = files.current(clock.nowMs());
    if (material === this.#material) return;
    this.#material = material;
    this.#server.setSecureContext(this.#options());
    this.#trustLikeGo();
  }

  /** Servers of node:tls forget the option that whoever is in a file is trusted, root or not. */
  #trustLikeGo(): void {
    const server = this.#server as unknown as { _sharedCreds?: SecureContext };
    if (server._sharedCreds === undefined) return;
    server._sharedCreds = tls.createSecureContext(this.#options());
  }

  #options(): TlsOptions {
    const { strength, rules, handshakeTimeoutMs = TLS_HANDSHAKE_TIMEOUT_MS } = this.#parts;
    return {
      ...contextOptions(this.#material, strength, rules.requiresCertificate),
      ...serverRestrictions(rules.requiresCertificate),
      requestCert: rules.requiresCertificate,
      rejectUnauthorized: rules.requiresCertificate,
      handshakeTimeout: handshakeTimeoutMs,
      ALPNProtocols: PROTOCOLS,
      pauseOnConnect: true,
    };
  }

  #giveUpOldest(): void {
    const [oldest] = this.#underWay;
    this.#end(oldest);
    oldest.socket.destroy();
    this.#givenUp++;
    const { clock, log } = this.#parts;
    const nowMs = clock.nowMs();
    if (nowMs - this.#toldOverloadMs < TLS_OVERLOAD_LOG_MS) return;
    this.#toldOverloadMs = nowMs;
    log.warn("too many TLS handshakes are under way; gave up the oldest ones", {
      "handshakes-limit": TLS_HANDSHAKES_MAX,
      "given-up": this.#givenUp,
    });
  }

  #established(secure: TLSSocket): void {
    // Whatever happens until somebody owns it: an error that nobody listens for would end the process.
    secure.on("error", () => undefined);
    const handshake = this.#handshakeOf(secure);
    if (handshake === undefined) {
      secure.destroy();
      return;
    }
    const { revoked } = this.#material;
    const chain = this.#chainOf(secure, revoked !== undefined);
    if (chain instanceof DerError) {
      this.#reject(secure, handshake, undefined, `x509: malformed certificate: ${chain.message}`);
      return;
    }
    this.#check(chain, revoked, handshake.address, (problem) => {
      if (secure.destroyed) return;
      if (problem === undefined) this.#handOver(secure, handshake, chain.at(0));
      else this.#reject(secure, handshake, chain.at(0), problem);
    });
  }

  #handOver(secure: TLSSocket, handshake: Handshake, leaf: Certificate | undefined): void {
    const { address, accept } = handshake;
    this.#end(handshake);
    const commonName = this.#parts.rules.namesCaller ? leaf?.commonName : undefined;
    const peer: ClientPeer = { address, commonName };
    const isOld = secure.alpnProtocol === "h2" && !isFitForHttp2(secure.getCipher().name);
    accept(new SocketStream(secure, peer, isOld));
  }

  /** What the client showed: its own certificate, or, for more work, also those that vouch for it. */
  #chainOf(secure: TLSSocket, isWhole: boolean): readonly Certificate[] | DerError {
    if (!this.#parts.rules.requiresCertificate) return [];
    if (isWhole) return readChain(secure.getPeerCertificate(true));
    const leaf = secure.getPeerX509Certificate();
    return readChain(leaf === undefined ? leaf : { raw: leaf.raw });
  }

  #check(
    chain: readonly Certificate[],
    revoked: RevocationList | undefined,
    address: string,
    done: (problem: string | undefined) => void,
  ): void {
    const { allowed, addressLookups } = this.#parts.rules;
    const leaf = chain.at(0);
    if (leaf === undefined) {
      const isMissing = this.#parts.rules.requiresCertificate;
      done(isMissing ? "tls: client didn't provide a certificate" : undefined);
      return;
    }
    const problem = nameProblem(allowed, leaf);
    const checkRevoked = (): string | undefined =>
      revoked === undefined ? undefined : revocationProblem(revoked, chain);
    if (problem !== undefined || addressLookups === undefined) {
      done(problem ?? checkRevoked());
      return;
    }
    const host = /^(.*):\d+$/.exec(address)?.[1].replace(/^\[|\]$/g, "");
    if (host === undefined) done(`address ${address}: missing port in address`);
    else {
      checkAddress(leaf, host, addressLookups, (elsewhere) => done(elsewhere ?? checkRevoked()));
    }
  }

  #failed(error: NodeJS.ErrnoException, secure: TLSSocket): void {
    const handshake = this.#handshakeOf(secure);
    secure.destroy();
    if (handshake === undefined) return;
    this.#end(handshake);
    const { authorizationError } = secure;
    const reason =
      error.code === "ERR_TLS_HANDSHAKE_TIMEOUT"
        ? `read tcp ${handshake.address}: i/o timeout`
        : describeTlsFailure(unauthorized(authorizationError) ?? error);
    this.#tell(handshake.address, secure, undefined, reason);
  }

  #reject(
    secure: TLSSocket,
    handshake: Handshake,
    leaf: Certificate | undefined,
    problem: string,
  ): void {
    this.#end(handshake);
    // Not cut: what the client sends meanwhile would come back as a reset before it reads the end.
    secure.resume();
    secure.end();
    this.#parts.clock.after(TLS_LINGER_MS, () => secure.destroy());
    this.#tell(handshake.address, secure, leaf, problem);
  }

  /** The handshake of a socket, unless it is over. */
  #handshakeOf(secure: TLSSocket): Handshake | undefined {
    const socket = plainSocketOf(secure);
    const handshake = socket === undefined ? undefined : this.#handshakes.get(socket);
    return handshake?.isOver === false ? handshake : undefined;
  }

  #end(handshake: Handshake): void {
    handshake.isOver = true;
    this.#underWay.delete(handshake);
  }

  #tell(address: string, secure: TLSSocket, leaf: Certificate | undefined, error: string): void {
    const { log, rejectedMessage } = this.#parts;
    const serverName = (secure as { servername?: string | false | null }).servername;
    const fields: LogFields = {
      "remote-addr": address,
      "server-name": serverName || "",
      ...(leaf === undefined
        ? {}
        : { "ip-addresses": leaf.ipAddresses, "dns-names": leaf.dnsNames }),
      error,
    };
    // Whoever only looks whether the port is open would fill the log.
    if (error === "EOF") log.debug(rejectedMessage, fields);
    else log.warn(rejectedMessage, fields);
  }
}

/**
 * Throws where the socket below another cannot be found; `sample` has one. Every connection would be closed
 * then, for no reason that anybody could see.
 */
export function checkFitness(sample: TLSSocket): void {
  if (plainSocketOf(sample) !== undefined) return;
  throw new Error(
    `TLS is not possible with Node.js ${process.version}: its TLSSocket has no _parent; use another version`,
  );
}

/** The socket that was given to node:tls; nothing else leads back to it when the handshake has failed. */
function plainSocketOf(secure: TLSSocket): Socket | undefined {
  return (secure as unknown as { readonly _parent?: Socket })._parent;
}

/** Why node:tls did not take a certificate, which it says by the name of the reason. */
function unauthorized(reason: unknown): NodeJS.ErrnoException | undefined {
  return typeof reason === "string"
    ? Object.assign(new Error(reason), { code: reason })
    : undefined;
}
