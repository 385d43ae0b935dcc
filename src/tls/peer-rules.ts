/**
 * What a certificate must fulfil beyond a chain of signatures: names on a list, an address that is its own, a
 * number that was not revoked. Texts are etcd's and Go's.
 *
 * Source: etcd client/pkg/transport/listener.go (baseConfig), listener_tls.go (checkSAN, checkCRL).
 */
import { goQuoteText } from "../stdx/go-url.ts";
import type { Certificate } from "./certificate.ts";
import { hostNameProblem } from "./host-name.ts";
import type { RevocationList } from "./revocation-list.ts";

/** Names of which a certificate must have one; at most one of the lists is in use. */
export interface AllowedNames {
  readonly commonNames: readonly string[];
  readonly hostNames: readonly string[];
}

/** Why the two lists cannot be used. */
export function allowedNamesProblem({ commonNames, hostNames }: AllowedNames): string | undefined {
  if (commonNames.length === 0 || hostNames.length === 0) return undefined;
  const texts = [commonNames, hostNames].map((names) => `[${names.map(goQuoteText).join(" ")}]`);
  return `AllowedCNs and AllowedHostnames are mutually exclusive (cns=${texts[0]}, hostnames=${texts[1]})`;
}

/** Why a verified certificate is not wanted. Without lists every one is. */
export function nameProblem(allowed: AllowedNames, leaf: Certificate): string | undefined {
  const { commonNames, hostNames } = allowed;
  if (commonNames.length === 0 && hostNames.length === 0) return undefined;
  const isAllowed =
    hostNames.length === 0
      ? commonNames.includes(leaf.commonName)
      : hostNames.some((name) => hostNameProblem(leaf, name) === undefined);
  return isAllowed ? undefined : "client certificate authentication failed";
}

/** Why one of the certificates of a chain is not valid any more. */
export function revocationProblem(
  { serials }: RevocationList,
  chain: readonly Certificate[],
): string | undefined {
  const revoked = chain.find(({ serial }) => serials.has(serial));
  return revoked === undefined
    ? undefined
    : `transport: certificate serial ${revoked.serial} revoked`;
}

/** Questions to DNS. `done` is called once, also later. */
export interface NameLookups {
  /** Names of an address. */
  namesOf(address: string, done: (names: readonly string[] | Error) => void): void;
  /** Addresses of a name. */
  addressesOf(name: string, done: (addresses: readonly string[] | Error) => void): void;
}

/**
 * Calls `done` with why whoever calls from `address` is not the one that its certificate names; maybe before
 * it returns. A certificate without names says nothing about where it is used.
 */
export function checkAddress(
  leaf: Certificate,
  address: string,
  lookups: NameLookups,
  done: (problem: string | undefined) => void,
): void {
  const { dnsNames, ipAddresses } = leaf;
  if (ipAddresses.length > 0) {
    const problem = hostNameProblem(leaf, address);
    if (problem === undefined || dnsNames.length === 0) {
      done(problem);
      return;
    }
  }
  if (dnsNames.length === 0) done(undefined);
  else new NameSearch(leaf, address, lookups, done).start();
}

/** Looks for an address among the names of a certificate: first by its own names, then by their addresses. */
class NameSearch {
  readonly #dnsNames: readonly string[];
  readonly #address: string;
  readonly #lookups: NameLookups;
  readonly #done: (problem: string | undefined) => void;
  /** Names without a pattern, whose addresses can be asked for. */
  readonly #left: string[];
  #failure: Error | undefined;

  constructor(
    { dnsNames }: Certificate,
    address: string,
    lookups: NameLookups,
    done: (problem: string | undefined) => void,
  ) {
    this.#dnsNames = dnsNames;
    this.#address = address;
    this.#lookups = lookups;
    this.#done = done;
    this.#left = dnsNames.filter((name) => !name.startsWith("*."));
  }

  start(): void {
    this.#lookups.namesOf(this.#address, (names) => {
      if (names instanceof Error) this.#failure = names;
      else if (names.some((name) => this.#isListed(name.replace(/\.$/, "")))) {
        this.#done(undefined);
        return;
      }
      this.#next();
    });
  }

  #isListed(name: string): boolean {
    return this.#dnsNames.some((listed) =>
      listed.startsWith("*.") ? name.endsWith(listed.slice(1)) : name === listed,
    );
  }

  #next(): void {
    const name = this.#left.shift();
    if (name === undefined) {
      this.#fail();
      return;
    }
    this.#lookups.addressesOf(name, (addresses) => {
      if (!(addresses instanceof Error) && addresses.includes(this.#address)) {
        this.#done(undefined);
        return;
      }
      if (addresses instanceof Error) this.#failure = addresses;
      this.#next();
    });
  }

  #fail(): void {
    const names = this.#dnsNames.map(goQuoteText).join(" ");
    const why = this.#failure === undefined ? "" : ` (${this.#failure.message})`;
    this.#done(
      `tls: ${goQuoteText(this.#address)} does not match any of DNSNames [${names}]${why}`,
    );
  }
}
