/**
 * The TLS flags: which files are read, and when TLS is used at all.
 *
 * Source: etcd etcdctl/ctlv3/command/global.go (newClientCfg), client/pkg/transport/listener.go,
 * client/pkg/tlsutil/tlsutil.go.
 */
import { Buffer } from "node:buffer";
import fs from "node:fs";
import { FILE_REASONS } from "../platform/file-reasons.ts";
import type { DialTls } from "../platform/socket-dial.ts";
import { readKeyPair } from "../platform/tls/key-pair.ts";
import { byteString } from "./byte-text.ts";
import { ExitCode, ToolExit } from "./tool-exit.ts";

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
  const read = pair === undefined ? undefined : readKeyPair(pair.cert, pair.key);
  if (typeof read === "string") throw new ToolExit(ExitCode.BAD_ARGUMENTS, read);
  return {
    serverName,
    insecureSkipVerify,
    cert: pair?.cert,
    key: pair?.key,
    ca: cacert === "" ? undefined : readText(cacert),
  };
}

function readText(file: string): string {
  try {
    return fs.readFileSync(Buffer.from(file, "latin1"), "latin1");
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    const operation = code === "EISDIR" ? "read" : "open";
    const reason = FILE_REASONS[code] ?? byteString(message);
    throw new ToolExit(ExitCode.BAD_ARGUMENTS, `${operation} ${file}: ${reason}`);
  }
}
