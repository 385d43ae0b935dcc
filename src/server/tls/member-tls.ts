/**
 * TLS of a member: what its flags say becomes something that listeners and connections to peers use. Looks at
 * the files before anything listens, so that a mistake ends the start.
 *
 * Source: etcd server/embed/etcd.go (configurePeerListeners, configureClientListeners), config.go
 * (PeerSelfCert, ClientSelfCert), client/pkg/transport/listener.go (baseConfig; 3.5).
 */
import path from "node:path";
import { TlsAcceptor } from "../../platform/tls/acceptor.ts";
import { TlsDialer } from "../../platform/tls/dialer.ts";
import { TlsFiles } from "../../platform/tls/files.ts";
import { nameLookups } from "../../platform/tls/name-lookups.ts";
import type { TlsStrength } from "../../platform/tls/secure-context.ts";
import { selfSignedCertificate } from "../../platform/tls/self-signed.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log, NamedLog } from "../../ports/log.ts";
import { assert } from "../../stdx/assert.ts";
import { cipherSuitesProblem, http2CiphersProblem } from "../../tls/cipher-suites.ts";
import { type AllowedNames, allowedNamesProblem } from "../../tls/peer-rules.ts";
import { versionRange } from "../../tls/versions.ts";
import type { ServerConfig } from "../config/config.ts";
import type { TlsSettings } from "../config/config-groups.ts";
import type { ServerUrl } from "../config/server-url.ts";
import { StartError } from "../start/start-error.ts";
import { asStartError, clientPairProblem, isEmpty, pairProblem, textOfTls } from "./settings.ts";

const CALLER = "server/tls/member-tls.ts";

/** For whom a side of the member is. */
type Side = "peer" | "client";

export class MemberTls {
  readonly #config: ServerConfig;
  readonly #clock: Clock;
  readonly #log: NamedLog;
  readonly #strength: TlsStrength;
  #dialer: TlsDialer | undefined;

  constructor(config: ServerConfig, clock: Clock, log: NamedLog) {
    this.#config = config;
    this.#clock = clock;
    this.#log = log;
    const versions = versionRange(config.tlsVersions.min, config.tlsVersions.max);
    assert(typeof versions !== "string", "The versions of TLS were found valid before");
    this.#strength = { versions, cipherSuites: config.cipherSuites };
  }

  /** How peers are reached over https. */
  get dialer(): TlsDialer {
    return (this.#dialer ??= this.#createDialer(this.#config.peerTls, false));
  }

  /** What listeners for peers do with those who come over TLS; `undefined` when nobody does. */
  openPeers(): TlsAcceptor | undefined {
    const { listenPeerUrls: urls } = this.#config;
    const log = this.#log.named(CALLER);
    const { settings, isSelfSigned } = this.#settingsOf("peer", urls, log);
    if (!isEmpty(settings)) {
      log.info("starting with peer TLS", {
        "tls-info": textOfTls(settings),
        "cipher-suites": this.#config.cipherSuites,
      });
    }
    for (const { scheme, text } of urls) if (scheme === "http") warnPeers(text, settings, log);
    const encrypted = urls.find(isEncrypted);
    if (encrypted !== undefined && isEmpty(settings)) {
      throw new StartError(
        `cannot listen on TLS for ${encrypted.host}: KeyFile and CertFile are not presented`,
      );
    }
    this.#verify("peer", settings);
    this.#dialer = this.#createDialer(settings, isSelfSigned);
    return encrypted === undefined ? undefined : this.#createAcceptor("peer", settings);
  }

  /** The same for clients. */
  openClients(): TlsAcceptor | undefined {
    const { listenClientUrls, http } = this.#config;
    const log = this.#log.named(CALLER);
    const hosts = [...listenClientUrls, ...http.clientHttpUrls];
    const { settings } = this.#settingsOf("client", hosts, log);
    for (const { scheme, text } of hosts) {
      if (scheme === "http" || scheme === "unix") warnClients(text, settings, log);
    }
    const encrypted = hosts.find(isEncrypted);
    if (encrypted !== undefined && isEmpty(settings)) {
      throw new StartError(
        `TLS key/cert (--cert-file, --key-file) must be provided for client url ${encrypted.text} with HTTPS scheme`,
      );
    }
    const forMetrics = http.metricsUrls.find(isEncrypted);
    if (forMetrics !== undefined && isEmpty(settings)) {
      throw new StartError(
        "client TLS key/cert (--cert-file, --key-file) must be provided for metrics secure url",
      );
    }
    if (encrypted === undefined && forMetrics === undefined) return undefined;
    this.#verify("client", settings);
    const problem = http2CiphersProblem(this.#config.cipherSuites);
    if (problem !== undefined) throw new StartError(problem);
    log.info("starting with client TLS", {
      "tls-info": textOfTls(settings),
      "cipher-suites": this.#config.cipherSuites,
    });
    return this.#createAcceptor("client", settings);
  }

  /** The flags of one side, or a certificate of its own where they ask for that. */
  #settingsOf(
    side: Side,
    urls: readonly ServerUrl[],
    log: Log,
  ): { readonly settings: TlsSettings; readonly isSelfSigned: boolean } {
    const problem = cipherSuitesProblem(this.#config.cipherSuites);
    if (problem !== undefined) throw new StartError(problem);
    const settings = side === "peer" ? this.#config.peerTls : this.#config.clientTls;
    if (!settings.autoTls) return { settings, isSelfSigned: false };
    if (!isEmpty(settings)) {
      log.warn(`ignoring ${side} auto TLS since certs given`);
      return { settings, isSelfSigned: false };
    }
    return { settings: this.#selfSigned(side, urls), isSelfSigned: true };
  }

  #selfSigned(side: Side, urls: readonly ServerUrl[]): TlsSettings {
    const { dataDir, selfSignedCertYears } = this.#config;
    const log = this.#log.named("platform/tls/self-signed.ts");
    if (selfSignedCertYears === 0) {
      const error = "selfSignedCertValidity is invalid,it should be greater than 0";
      log.warn("cannot generate cert", { error });
      throw new StartError(`failed to get ${side} self-signed certs: ${error}`);
    }
    const directory = path.join(dataDir, "fixtures", side);
    try {
      const hosts = urls.map(({ host }) => host);
      const nowMs = this.#clock.wallMs();
      const place = selfSignedCertificate(directory, hosts, selfSignedCertYears, nowMs, log);
      const { certFile, keyFile } = place;
      return {
        certFile,
        keyFile,
        clientCertFile: certFile,
        clientKeyFile: keyFile,
        trustedCaFile: "",
        crlFile: "",
        clientCertAuth: false,
        allowedCns: [],
        allowedHostnames: [],
        autoTls: true,
        skipClientSanVerification: false,
      };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new StartError(
        `failed to get ${side} self-signed certs: ${reason}; make "${directory}" writable for this user`,
        error,
      );
    }
  }

  /** Throws `StartError` for what cannot be used together, in etcd's order. */
  #verify(side: Side, settings: TlsSettings): void {
    if (isEmpty(settings)) return;
    const problem =
      pairProblem(settings) ??
      clientPairProblem(settings) ??
      allowedNamesProblem(allowedOf(settings));
    if (problem !== undefined) throw new StartError(problem);
    if (side === "client" && settings.clientCertFile !== "") {
      // Nobody is reached with it; a mistake is told all the same.
      const { clientCertFile: certFile, clientKeyFile: keyFile } = settings;
      this.#openFiles(side, settings, { certFile, keyFile, caFile: "", crlFile: "" });
    }
  }

  #createAcceptor(side: Side, settings: TlsSettings): TlsAcceptor {
    const { certFile, keyFile, trustedCaFile: caFile, crlFile } = settings;
    const requiresCertificate = caFile !== "" || settings.clientCertAuth;
    const checksAddress = side === "peer" && !settings.skipClientSanVerification;
    return new TlsAcceptor({
      files: this.#openFiles(side, settings, { certFile, keyFile, caFile, crlFile }),
      strength: this.#strength,
      rules: {
        requiresCertificate,
        namesCaller: side === "client" && settings.clientCertAuth,
        allowed: allowedOf(settings),
        addressLookups: checksAddress ? nameLookups : undefined,
      },
      clock: this.#clock,
      log: this.#log.named("platform/tls/acceptor.ts"),
      rejectedMessage: `rejected connection on ${side} endpoint`,
    });
  }

  #createDialer(settings: TlsSettings, trustsAnybody: boolean): TlsDialer {
    const { certFile, keyFile, clientCertFile, clientKeyFile, trustedCaFile, crlFile } = settings;
    const { srv } = this.#config.discovery;
    const own =
      clientCertFile === ""
        ? { certFile, keyFile }
        : { certFile: clientCertFile, keyFile: clientKeyFile };
    return new TlsDialer({
      files: this.#openFiles("peer", settings, { ...own, caFile: trustedCaFile, crlFile }),
      strength: this.#strength,
      allowed: isEmpty(settings) ? { commonNames: [], hostNames: [] } : allowedOf(settings),
      trustsAnybody,
      // Members that DNS has named have certificates for their domain.
      serverName: trustedCaFile === "" ? srv : "",
      clock: this.#clock,
    });
  }

  #openFiles(
    side: Side,
    settings: TlsSettings,
    names: Parameters<typeof TlsFiles.open>[0],
  ): TlsFiles {
    const prefix = side === "peer" ? "--peer-" : "--";
    try {
      return TlsFiles.open(names, this.#log.named("platform/tls/files.ts"));
    } catch (error) {
      throw asStartError(error, settings, prefix);
    }
  }
}

function isEncrypted({ scheme }: ServerUrl): boolean {
  return scheme === "https" || scheme === "unixs";
}

function allowedOf({ allowedCns, allowedHostnames }: TlsSettings): AllowedNames {
  return { commonNames: allowedCns, hostNames: allowedHostnames };
}

function warnPeers(text: string, settings: TlsSettings, log: Log): void {
  if (!isEmpty(settings)) {
    log.warn("scheme is HTTP while key and cert files are present; ignoring key and cert files", {
      "peer-url": text,
    });
  }
  if (settings.clientCertAuth) {
    log.warn(
      "scheme is HTTP while --peer-client-cert-auth is enabled; ignoring client cert auth for this URL",
      { "peer-url": text },
    );
  }
}

function warnClients(text: string, settings: TlsSettings, log: Log): void {
  if (!isEmpty(settings)) {
    log.warn(
      "scheme is http or unix while key and cert files are present; ignoring key and cert files",
      { "client-url": text },
    );
  }
  if (settings.clientCertAuth) {
    log.warn(
      "scheme is http or unix while --client-cert-auth is enabled; ignoring client cert auth for this URL",
      { "client-url": text },
    );
  }
}
