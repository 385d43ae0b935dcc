/**
 * The files of TLS: certificate, key, trusted authorities, revoked certificates. They are read at the start and
 * again when they change, as seen from their state on disk, which is looked at once a second at most, when
 * somebody connects. What cannot be read or does not go together leaves the old content in use.
 *
 * Differs from etcd: authorities and revoked certificates are read again, too, where it reads the first but
 * once; and a list of revoked certificates that cannot be read ends the start, where it lets the server start
 * and refuses everybody.
 */
import { X509Certificate } from "node:crypto";
import fs from "node:fs";
import type { Log } from "../../ports/log.ts";
import { DerError } from "../../tls/der-reader.ts";
import { goTimeText } from "../../tls/der-time.ts";
import { pemBlocks, pemText } from "../../tls/pem.ts";
import { parseRevocationLists, type RevocationList } from "../../tls/revocation-list.ts";
import { FILE_REASONS } from "../file-reasons.ts";
import { TLS_FILES_CHECK_MS } from "../limits.ts";
import { TlsFileError } from "./file-error.ts";
import { type KeyPair, readKeyPair } from "./key-pair.ts";

/** Names of files; empty for those that are not used. */
export interface TlsFileNames {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  readonly crlFile: string;
}

/** What is in the files, all of the same moment. */
export interface TlsMaterial {
  readonly pair: KeyPair | undefined;
  /** Certificates of trusted authorities; `undefined` for those of the system. */
  readonly authorities: readonly string[] | undefined;
  readonly revoked: RevocationList | undefined;
}

export class TlsFiles {
  readonly #names: TlsFileNames;
  readonly #log: Log;
  #material: TlsMaterial;
  /** The state of all files when they were last read, with success or without. */
  #state: string;
  #checkedMs = Number.NEGATIVE_INFINITY;

  private constructor(names: TlsFileNames, log: Log) {
    this.#names = names;
    this.#log = log;
    this.#state = stateOf(names);
    this.#material = readMaterial(names);
    this.#warn();
  }

  /** Reads the files. Throws `TlsFileError`. */
  static open(names: TlsFileNames, log: Log): TlsFiles {
    return new TlsFiles(names, log);
  }

  /** What is in the files; another object when it has changed. */
  current(nowMs: number): TlsMaterial {
    if (nowMs - this.#checkedMs < TLS_FILES_CHECK_MS) return this.#material;
    this.#checkedMs = nowMs;
    const state = stateOf(this.#names);
    if (state === this.#state) return this.#material;
    this.#state = state;
    try {
      this.#material = readMaterial(this.#names);
      this.#log.info("read changed TLS files again", this.#fields());
      this.#warn();
    } catch (error) {
      if (!(error instanceof TlsFileError)) throw error;
      this.#log.error("failed to read changed TLS files; the old ones stay in use", {
        files: error.files,
        error: error.message,
        hint: "mend the file: it is read again as soon as it changes",
      });
    }
    return this.#material;
  }

  /** A list that is out of date revokes what it says, and not what was revoked since. */
  #warn(): void {
    const { nextUpdateMs = Number.POSITIVE_INFINITY } = this.#material.revoked ?? {};
    if (nextUpdateMs > Date.now()) return;
    this.#log.warn("the list of revoked certificates is out of date", {
      "crl-file": this.#names.crlFile,
      "next-update": goTimeText(nextUpdateMs),
    });
  }

  #fields(): Record<string, string> {
    const { certFile, keyFile, caFile, crlFile } = this.#names;
    return { "cert-file": certFile, "key-file": keyFile, "ca-file": caFile, "crl-file": crlFile };
  }
}

/** What the file system knows of the files: changes whenever one of them is written or replaced. */
function stateOf({ certFile, keyFile, caFile, crlFile }: TlsFileNames): string {
  let state = "";
  for (const file of [certFile, keyFile, caFile, crlFile]) {
    if (file === "") continue;
    const stat = fs.statSync(file, { bigint: true, throwIfNoEntry: false });
    state += stat === undefined ? "-" : `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
    state += "\n";
  }
  return state;
}

function readMaterial({ certFile, keyFile, caFile, crlFile }: TlsFileNames): TlsMaterial {
  return {
    pair: certFile === "" && keyFile === "" ? undefined : readPair(certFile, keyFile),
    authorities: caFile === "" ? undefined : readAuthorities(caFile),
    revoked: crlFile === "" ? undefined : readRevoked(crlFile),
  };
}

function readPair(certFile: string, keyFile: string): KeyPair {
  const pair = readKeyPair(readText(certFile), readText(keyFile));
  if (typeof pair === "string") throw new TlsFileError([certFile, keyFile], pair);
  return pair;
}

/**
 * Differs from etcd: a file of authorities in which there is none is refused; it trusts nobody then, and says
 * so whenever somebody connects.
 */
function readAuthorities(file: string): string[] {
  const blocks = pemBlocks(readText(file));
  if (blocks.length === 0) {
    throw new TlsFileError([file], `${file}: failed to find any PEM data in it`);
  }
  return blocks.map(({ bytes }) => {
    try {
      return pemText("CERTIFICATE", new X509Certificate(bytes).raw);
    } catch (error) {
      throw new TlsFileError([file], `${file}: x509: malformed certificate`, error);
    }
  });
}

function readRevoked(file: string): RevocationList {
  const list = parseRevocationLists(readFile(file));
  if (list instanceof DerError) {
    throw new TlsFileError([file], `${file}: x509: malformed CRL: ${list.message}`, list);
  }
  return list;
}

function readText(file: string): string {
  return readFile(file).toString("latin1");
}

function readFile(file: string): Buffer {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    const operation = code === "EISDIR" ? "read" : "open";
    const reason = FILE_REASONS[code] ?? message;
    throw new TlsFileError([file], `${operation} ${file}: ${reason}`, error);
  }
}
