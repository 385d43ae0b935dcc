/** The PEM files of a client, read once. */
import fs from "node:fs/promises";
import type { DialTls } from "../socket-dial.ts";
import { readKeyPair } from "./key-pair.ts";

/** What a client proves and believes: each a PEM text, or the file that has it. */
export interface ClientTlsSources {
  /** Authorities to trust instead of the system's. */
  readonly ca?: string | undefined;
  /** The same, as the path of a file. */
  readonly caFile?: string | undefined;
  /** The certificate of the client, with its chain; with a key or not at all. */
  readonly cert?: string | undefined;
  /** The same, as the path of a file. */
  readonly certFile?: string | undefined;
  /** The key of that certificate. */
  readonly key?: string | undefined;
  /** The same, as the path of a file. */
  readonly keyFile?: string | undefined;
  /** The name that the server's certificate must have, instead of that of the endpoint. */
  readonly serverName?: string | undefined;
  /** Accepts any certificate: protects from nobody who can come between. */
  readonly insecureSkipVerify?: boolean | undefined;
}

/**
 * Reads the files. Throws the error of the file system, and `TypeError` where certificate and key do not go
 * together.
 */
export async function readClientTls(sources: ClientTlsSources): Promise<DialTls> {
  const [ca, certText, keyText] = await Promise.all([
    textOf(sources.ca, sources.caFile),
    textOf(sources.cert, sources.certFile),
    textOf(sources.key, sources.keyFile),
  ]);
  if ((certText === undefined) !== (keyText === undefined)) {
    throw new TypeError(
      "Cannot use a certificate without its key, or a key without its certificate",
    );
  }
  const pair =
    certText === undefined || keyText === undefined ? undefined : readKeyPair(certText, keyText);
  if (typeof pair === "string")
    throw new TypeError(`Cannot use the certificate and its key: ${pair}`);
  const { serverName = "", insecureSkipVerify = false } = sources;
  return { serverName, insecureSkipVerify, ca, cert: pair?.cert, key: pair?.key };
}

function textOf(text: string | undefined, file: string | undefined): Promise<string | undefined> {
  if (text !== undefined || file === undefined) return Promise.resolve(text);
  return fs.readFile(file, "latin1");
}
