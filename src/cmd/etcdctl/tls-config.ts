/**
 * The TLS flags: which files are read, and when TLS is used at all.
 *
 * Source: etcd etcdctl/ctlv3/command/global.go (newClientCfg), client/pkg/transport/listener.go,
 * client/pkg/tlsutil/tlsutil.go.
 */
import { Buffer } from "node:buffer";
import fs from "node:fs";
import type { DialTls } from "../../platform/socket-dial.ts";
import { byteString } from "../byte-text.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";

/** The flags; texts are byte strings, file names among them. */
export interface TlsFlags {
  readonly cert: string;
  readonly key: string;
  readonly cacert: string;
  readonly serverName: string;
  readonly insecureTransport: boolean;
  readonly insecureSkipVerify: boolean;
}

/** What TLS connections need, or `undefined` where none of the flags asks for TLS. */
export function readTls(flags: TlsFlags): DialTls | undefined {
  const { cert, key, cacert, serverName, insecureTransport, insecureSkipVerify } = flags;
  const isAnySet = cert !== "" || key !== "" || cacert !== "" || serverName !== "";
  if (!isAnySet && insecureTransport) return undefined;
  const needsPair = cert !== "" || key !== "";
  if (needsPair && (cert === "" || key === "")) {
    const message = `KeyFile and CertFile must both be present[key: ${key}, cert: ${cert}]`;
    throw new ToolExit(ExitCode.BAD_ARGUMENTS, message);
  }
  const pair = needsPair ? { cert: readText(cert), key: readText(key) } : undefined;
  const problem = pair === undefined ? undefined : pairProblem(pair.cert, pair.key);
  if (problem !== undefined) throw new ToolExit(ExitCode.BAD_ARGUMENTS, `tls: ${problem}`);
  return {
    serverName,
    insecureSkipVerify,
    cert: pair?.cert,
    key: pair?.key,
    ca: cacert === "" ? undefined : readText(cacert),
  };
}

const PEM_BLOCK = /-----BEGIN ([^-]+)-----/;

/** What is wrong with a certificate and its key, as Go's crypto/tls says it. */
function pairProblem(cert: string, key: string): string | undefined {
  const certBlock = PEM_BLOCK.exec(cert)?.[1];
  if (certBlock === undefined) return "failed to find any PEM data in certificate input";
  const keyBlock = PEM_BLOCK.exec(key)?.[1];
  if (keyBlock === undefined) return "failed to find any PEM data in key input";
  if (keyBlock === "CERTIFICATE") {
    return "found a certificate rather than a key in the PEM for the private key";
  }
  const { X509Certificate, createPrivateKey } = process.getBuiltinModule("node:crypto");
  try {
    const isPair = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
    return isPair ? undefined : "private key does not match public key";
  } catch (error) {
    return byteString((error as Error).message);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EISDIR: "is a directory",
  ENOENT: "no such file or directory",
  ENOTDIR: "not a directory",
};

function readText(file: string): string {
  try {
    return fs.readFileSync(Buffer.from(file, "latin1"), "latin1");
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    const operation = code === "EISDIR" ? "read" : "open";
    const reason = REASONS[code] ?? byteString(message);
    throw new ToolExit(ExitCode.BAD_ARGUMENTS, `${operation} ${file}: ${reason}`);
  }
}
