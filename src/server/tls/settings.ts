/** What is wrong with the flags of TLS, and how they are named in the log. */
import { TlsFileError } from "../../platform/tls/file-error.ts";
import type { TlsSettings } from "../config/config-groups.ts";
import { StartError } from "../start/start-error.ts";

/** Whether there is no certificate of the member's own. */
export function isEmpty({ certFile, keyFile }: TlsSettings): boolean {
  return certFile === "" && keyFile === "";
}

/** How etcd prints the settings. */
export function textOfTls(settings: TlsSettings): string {
  const { certFile, keyFile, clientCertFile, clientKeyFile } = settings;
  const { trustedCaFile, clientCertAuth, crlFile } = settings;
  return `cert = ${certFile}, key = ${keyFile}, client-cert=${clientCertFile}, client-key=${clientKeyFile}, trusted-ca = ${trustedCaFile}, client-cert-auth = ${clientCertAuth}, crl-file = ${crlFile}`;
}

export function pairProblem({ certFile, keyFile }: TlsSettings): string | undefined {
  if (certFile !== "" && keyFile !== "") return undefined;
  return `KeyFile and CertFile must both be present[key: ${keyFile}, cert: ${certFile}]`;
}

export function clientPairProblem(settings: TlsSettings): string | undefined {
  const { clientCertFile, clientKeyFile } = settings;
  if ((clientCertFile === "") === (clientKeyFile === "")) return undefined;
  return `ClientKeyFile and ClientCertFile must both be present or both absent: key: ${clientKeyFile}, cert: ${clientCertFile}]`;
}

/** A file that cannot be used as the reason why a member does not start; `prefix` is that of its flags. */
export function asStartError(error: unknown, settings: TlsSettings, prefix: string): unknown {
  if (!(error instanceof TlsFileError)) return error;
  const crl = prefix === "--" ? "--client-crl-file" : `${prefix}crl-file`;
  const flags = [
    [settings.certFile, `${prefix}cert-file`],
    [settings.keyFile, `${prefix}key-file`],
    [settings.clientCertFile, `${prefix}client-cert-file`],
    [settings.clientKeyFile, `${prefix}client-key-file`],
    [settings.trustedCaFile, `${prefix}trusted-ca-file`],
    [settings.crlFile, crl],
  ];
  const named = flags
    .filter(([file]) => file !== "" && error.files.includes(file))
    .map(([, flag]) => flag);
  return new StartError(`${error.message}; look at ${named.join(" and ")}`, error);
}
