import * as fs from "node:fs";
import path from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { CertificateFolder } from "../../../test/harness/certificates.ts";
import { MemoryLog } from "../../../sim/memory-log.ts";
import { TLS_FILES_CHECK_MS } from "../limits.ts";
import { TlsFileError } from "./file-error.ts";
import { type TlsFileNames, TlsFiles } from "./files.ts";

const made = new CertificateFolder();
const { authority, server, client } = made;
afterAll(() => made.remove());

const names: TlsFileNames = {
  certFile: path.join(made.folder, "used.crt"),
  keyFile: path.join(made.folder, "used.key"),
  caFile: path.join(made.folder, "used-ca.crt"),
  crlFile: path.join(made.folder, "used.crl"),
};

beforeEach(() => {
  fs.copyFileSync(server.certFile, names.certFile);
  fs.copyFileSync(server.keyFile, names.keyFile);
  fs.copyFileSync(authority.caFile, names.caFile);
  fs.copyFileSync(authority.revoke([]), names.crlFile);
});

/** Files with a clock that goes on far enough for each look. */
class Watched {
  readonly log = new MemoryLog();
  readonly files = TlsFiles.open(names, this.log);
  #nowMs = 0;

  look() {
    this.#nowMs += TLS_FILES_CHECK_MS;
    return this.files.current(this.#nowMs);
  }
}

function failure(changed: Partial<TlsFileNames>): string {
  try {
    TlsFiles.open({ ...names, ...changed }, new MemoryLog());
  } catch (error) {
    if (error instanceof TlsFileError) return error.message;
    throw error;
  }
  return "";
}

function write(name: keyof TlsFileNames, content: string | Uint8Array): string {
  fs.writeFileSync(names[name], content);
  return names[name];
}

describe("TlsFiles.open", () => {
  test("takes only what can be used", () => {
    expect(failure({})).toBe("");
    const missing = path.join(made.folder, "missing");
    for (const name of ["certFile", "keyFile", "caFile", "crlFile"] as const) {
      expect(failure({ [name]: missing })).toBe(`open ${missing}: no such file or directory`);
    }
    expect(failure({ caFile: made.folder })).toBe(`read ${made.folder}: is a directory`);
  });

  test.each<[string, () => string, string]>([
    [
      "no PEM",
      () => write("certFile", "x"),
      "tls: failed to find any PEM data in certificate input",
    ],
    [
      "switched files",
      () => write("certFile", server.keyPem),
      "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched",
    ],
    [
      "a certificate as key",
      () => write("keyFile", server.certPem),
      "tls: found a certificate rather than a key in the PEM for the private key",
    ],
    ["no key", () => write("keyFile", ""), "tls: failed to find any PEM data in key input"],
    [
      "the key of another",
      () => write("keyFile", client.keyPem),
      "tls: private key does not match public key",
    ],
    [
      "a key of another kind",
      () => write("keyFile", authority.issue({ keyKind: "rsa" }).keyPem),
      "tls: private key type does not match public key type",
    ],
    [
      "a certificate in pieces",
      () => write("certFile", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
      "x509: malformed certificate",
    ],
  ])("says of %s what Go says", (_, prepare, message) => {
    prepare();
    expect(failure({})).toBe(message);
  });

  test("a list of revoked certificates that is none ends it: never is nothing revoked by mistake", () => {
    const whole = authority.revocationList([client]);
    for (const content of ["", "no list", server.certPem, whole.subarray(0, whole.length - 1)]) {
      expect(failure({ crlFile: write("crlFile", content) })).toMatch(
        /used\.crl: x509: malformed CRL: /,
      );
    }
  });

  test("a list that is out of date is told of, and counts", () => {
    write("crlFile", authority.revocationList([client], true));
    const log = new MemoryLog();
    const { revoked } = TlsFiles.open(names, log).current(0);
    expect(revoked?.serials.size).toBe(1);
    expect(log.lines).toMatchObject([
      { level: "warn", message: "the list of revoked certificates is out of date" },
    ]);
  });

  test("authorities that are none end it", () => {
    expect(failure({ caFile: write("caFile", "junk") })).toMatch(
      /used-ca\.crt: failed to find any PEM/,
    );
  });
});

describe("TlsFiles.current", () => {
  test("is the same object until a file changes, and looks once in a while only", () => {
    const watched = new Watched();
    const first = watched.look();
    expect(watched.look()).toBe(first);
    write("crlFile", authority.revocationList([client]));
    expect(watched.files.current(TLS_FILES_CHECK_MS * 2)).toBe(first);
    const second = watched.look();
    expect(second).not.toBe(first);
    expect(second.revoked?.serials.size).toBe(1);
    expect(watched.look()).toBe(second);
    expect(watched.log.lines.map(({ message }) => message)).toEqual([
      "read changed TLS files again",
    ]);
  });

  test("every file counts, also one that is replaced by another of equal size and time", () => {
    const watched = new Watched();
    let before = watched.look();
    for (const [name, content] of [
      ["caFile", made.otherAuthority("another").own.certPem],
      ["crlFile", authority.revocationList([server])],
    ] as const) {
      write(name, content);
      const after = watched.look();
      expect(after, name).not.toBe(before);
      before = after;
    }
    const { atime, mtime } = fs.statSync(names.keyFile);
    const copy = `${names.keyFile}.new`;
    fs.copyFileSync(server.keyFile, copy);
    fs.utimesSync(copy, atime, mtime);
    fs.renameSync(copy, names.keyFile);
    expect(watched.look()).not.toBe(before);
  });

  test("a broken file leaves the old content in use, is told once, and is mended by the next change", () => {
    const watched = new Watched();
    const old = watched.look();
    for (const [name, content] of [
      ["certFile", client.certPem],
      ["keyFile", "junk"],
      ["caFile", ""],
      ["crlFile", "junk"],
    ] as const) {
      const good = fs.readFileSync(names[name]);
      watched.log.lines.length = 0;
      write(name, content);
      const told = () => watched.log.lines.filter(({ level }) => level === "error");
      expect(watched.look().pair).toEqual(old.pair);
      expect(watched.look().revoked?.serials).toEqual(old.revoked?.serials);
      expect(told()).toHaveLength(1);
      expect(told()[0].fields["files"]).toContain(names[name]);
      write(name, good);
      expect(watched.look().pair).toEqual(old.pair);
      expect(told()).toHaveLength(1);
    }
    fs.rmSync(names.crlFile);
    watched.log.lines.length = 0;
    expect(watched.look().revoked?.serials).toEqual(old.revoked?.serials);
    expect(watched.log.lines[0].fields["error"]).toMatch(/no such file or directory$/);
  });
});
