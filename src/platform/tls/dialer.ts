/**
 * The client's side of TLS between members: connects, proves who this member is, and verifies who answers.
 *
 * Differs from etcd: a list of revoked certificates counts for those of servers, too. There it is looked at
 * only when somebody connects, and a member goes on talking to a peer whose certificate was revoked.
 *
 * Source: etcd client/pkg/transport/listener.go (ClientConfig), transport.go (3.5); Go crypto/tls (Client).
 */
import net from "node:net";
import tls, { type PeerCertificate, type SecureContext, type TLSSocket } from "node:tls";
import type { Clock } from "../../ports/clock.ts";
import type { Certificate } from "../../tls/certificate.ts";
import { DerError } from "../../tls/der-reader.ts";
import { hostNameProblem } from "../../tls/host-name.ts";
import { type AllowedNames, nameProblem, revocationProblem } from "../../tls/peer-rules.ts";
import { readChain } from "./chain.ts";
import type { TlsFiles, TlsMaterial } from "./files.ts";
import { contextOptions, type TlsStrength } from "./secure-context.ts";
import { VerificationError } from "./verification-error.ts";

export interface TlsDialerParts {
  readonly files: TlsFiles;
  readonly strength: TlsStrength;
  /** Names of which the certificate of a server must have one, beside that of its host. */
  readonly allowed: AllowedNames;
  /** Takes any certificate: those that members made for themselves vouch for nothing. */
  readonly trustsAnybody: boolean;
  /** The name that the certificate must have instead of that of the host; empty for the latter. */
  readonly serverName: string;
  readonly clock: Clock;
}

export class TlsDialer {
  readonly #parts: TlsDialerParts;
  #material: TlsMaterial | undefined;
  #context: SecureContext | undefined;

  constructor(parts: TlsDialerParts) {
    this.#parts = parts;
  }

  /**
   * Connects to a port of `host`, or to the Unix socket with the name `place`; the socket tells with
   * "secureConnect" when the server is who it should be. Its errors are of node:net, node:tls, or
   * `VerificationError`.
   */
  connect(host: string, place: number | string): TLSSocket {
    const { serverName, trustsAnybody } = this.#parts;
    const name = serverName === "" ? host : serverName;
    const socket = tls.connect({
      ...(typeof place === "string" ? { path: place } : { host, port: place }),
      servername: net.isIP(name) === 0 ? name : "",
      secureContext: this.#currentContext(),
      rejectUnauthorized: !trustsAnybody,
      checkServerIdentity: (_, certificate) => this.#problemOf(name, certificate),
    });
    return socket.setNoDelay(true);
  }

  #currentContext(): SecureContext {
    const { files, strength, clock, trustsAnybody } = this.#parts;
    const material = files.current(clock.nowMs());
    if (material === this.#material && this.#context !== undefined) return this.#context;
    this.#material = material;
    this.#context = tls.createSecureContext(contextOptions(material, strength, !trustsAnybody));
    return this.#context;
  }

  /** Asked about certificates that an authority vouches for. */
  #problemOf(name: string, certificate: PeerCertificate): Error | undefined {
    const chain = readChain(certificate);
    if (chain instanceof DerError || chain.length === 0) {
      return new VerificationError("tls: failed to parse certificate from server");
    }
    const problem = hostNameProblem(chain[0], name);
    if (problem !== undefined) {
      return new VerificationError(`tls: failed to verify certificate: ${problem}`);
    }
    const unwanted = nameProblem(this.#parts.allowed, chain[0]) ?? this.#revoked(chain);
    return unwanted === undefined ? undefined : new VerificationError(unwanted);
  }

  #revoked(chain: readonly Certificate[]): string | undefined {
    const revoked = this.#material?.revoked;
    return revoked === undefined ? undefined : revocationProblem(revoked, chain);
  }
}
