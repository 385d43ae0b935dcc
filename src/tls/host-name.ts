/**
 * Whether a certificate is for a host, as Go decides it and says why not.
 *
 * Source: Go crypto/x509 verify.go (VerifyHostname, HostnameError, matchHostnames; Go 1.24).
 */
import type { Certificate } from "./certificate.ts";
import { formatIp, parseIp } from "./ip-address.ts";

type Names = Pick<Certificate, "commonName" | "dnsNames" | "hasAltNames" | "ipAddresses">;

/** Why `certificate` is not for `host`, a name or an address, maybe in brackets; `undefined` when it is. */
export function hostNameProblem(certificate: Names, host: string): string | undefined {
  const bare = /^\[(.+)\]$/.exec(host)?.[1] ?? host;
  const ip = parseIp(bare);
  if (ip !== undefined) {
    const isFound = certificate.ipAddresses.includes(formatIp(ip));
    return isFound ? undefined : describe(certificate, bare);
  }
  const name = lowerCase(host);
  const isValid = isHostName(name, false);
  const matches = certificate.dnsNames.some((pattern) =>
    isValid && isHostName(pattern, true)
      ? matchesPattern(pattern, name)
      : isSameText(pattern, name),
  );
  return matches ? undefined : describe(certificate, host);
}

function describe(certificate: Names, host: string): string {
  const { commonName, dnsNames, hasAltNames, ipAddresses } = certificate;
  if (!hasAltNames && matchesPattern(commonName, lowerCase(host))) {
    return "x509: certificate relies on legacy Common Name field, use SANs instead";
  }
  const isAddress = parseIp(host) !== undefined;
  if (isAddress && ipAddresses.length === 0) {
    return `x509: cannot validate certificate for ${host} because it doesn't contain any IP SANs`;
  }
  const valid = (isAddress ? ipAddresses : dnsNames).join(", ");
  return valid === ""
    ? `x509: certificate is not valid for any names, but wanted to match ${host}`
    : `x509: certificate is valid for ${valid}, not ${host}`;
}

/** Whether `text` can be the name of a host, or a pattern of such names: "*" as its first label. */
function isHostName(text: string, isPattern: boolean): boolean {
  const name = isPattern ? text : text.replace(/\.$/, "");
  if (name === "" || name === "*") return false;
  return name
    .split(".")
    .every(
      (label, at) => (isPattern && at === 0 && label === "*") || /^[a-zA-Z0-9_][\w-]*$/.test(label),
    );
}

/** A "*" stands for exactly one label. */
function matchesPattern(pattern: string, host: string): boolean {
  const name = host.replace(/\.$/, "");
  const wanted = lowerCase(pattern).replace(/\.$/, "");
  if (wanted === "" || name === "") return false;
  const labels = name.split(".");
  const patterns = wanted.split(".");
  return (
    labels.length === patterns.length &&
    patterns.every((label, at) => (at === 0 && label === "*") || label === labels[at])
  );
}

function isSameText(a: string, b: string): boolean {
  if (a === "" || a === "." || b === "" || b === ".") return false;
  return lowerCase(a) === lowerCase(b);
}

/** Only letters of ASCII have two cases in names of hosts. */
function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
