/** Mistakes in the flags of TLS: the real etcd and ours end, and say the same of it; ours also what to do. */
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { MemoryLog } from "../../sim/memory-log.ts";
import { readConfigFile } from "../../src/cmd/config-file/read-config-file.ts";
import { parseServerArgs } from "../../src/cmd/server-args.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { StartError } from "../../src/server/start/start-error.ts";
import { MemberTls } from "../../src/server/tls/member-tls.ts";
import { CertificateFolder } from "../harness/certificates.ts";
import { runProgram } from "../harness/processes.ts";
import { REFERENCE } from "../harness/reference.ts";

const made = new CertificateFolder();
const { server, client, authority } = made;
const junk = path.join(made.folder, "junk.pem");
fs.writeFileSync(junk, "junk\n");
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-tls-flags-"));
afterAll(() => {
  made.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Any free port: who keeps one for long may find it taken. */
const PLAIN = { client: "http://127.0.0.1:0", peer: "http://127.0.0.1:0" };
const SECURE = { client: "https://127.0.0.1:0", peer: "https://127.0.0.1:0" };

type Side = "client" | "peer" | "none";

/** The flags of a member that is secure on one side. */
function flagsOf(side: Side, flags: readonly string[]): string[] {
  const at = {
    client: side === "client" ? SECURE.client : PLAIN.client,
    peer: side === "peer" ? SECURE.peer : PLAIN.peer,
  };
  return [
    `--data-dir=${folder}/data`,
    `--listen-client-urls=${at.client}`,
    `--advertise-client-urls=${at.client}`,
    `--listen-peer-urls=${at.peer}`,
    `--initial-advertise-peer-urls=${at.peer}`,
    `--initial-cluster=default=${at.peer}`,
    ...flags,
  ];
}

async function sayReal(flags: readonly string[]): Promise<string> {
  fs.rmSync(`${folder}/data`, { recursive: true, force: true });
  const program = path.join(REFERENCE ?? "", "etcd");
  const { code, stderr } = await runProgram(program, flags, { timeoutMs: 60_000 });
  expect(code, stderr.toString()).toBe(1);
  const lines = stderr.toString().split("\n");
  // Its other threads may go on to log until it is gone.
  const last =
    lines.findLast((line) => line.startsWith('{"level":"fatal"')) ??
    lines.findLast((line) => line.startsWith("{"));
  return JSON.parse(last ?? "{}").error;
}

/** The real one names the port that it was given in the end. */
function withoutPort(text: string): string {
  return text.replace(/127\.0\.0\.1:\d+/g, "address");
}

interface Answer {
  /** Why the member does not start; empty when it does. */
  readonly problem: string;
  readonly log: MemoryLog;
}

function sayOurs(flags: readonly string[]): Answer {
  const log = new MemoryLog();
  const parsed = parseServerArgs({
    command: ["etcd", ...flags],
    environment: {},
    defaultHost: undefined,
    runtime: { version: "20.0.0", platform: "linux", arch: "x64" },
    readConfigFile,
  });
  if (parsed.kind === "exit") {
    const said = parsed.records.find(({ message }) => message === "failed to verify flags");
    return { problem: String(said?.fields?.["error"]), log };
  }
  try {
    const tls = new MemberTls(parsed.config, systemClock, log);
    tls.openPeers();
    tls.openClients();
    return { problem: "", log };
  } catch (error) {
    if (error instanceof StartError) return { problem: error.message, log };
    throw error;
  }
}

const PAIR = [`--cert-file=${server.certFile}`, `--key-file=${server.keyFile}`];
const PEER_PAIR = PAIR.map((flag) => flag.replace("--", "--peer-"));

const MISTAKES: [side: Side, ...flags: string[]][] = [
  ["client"],
  ["peer"],
  ["none", "--cipher-suites=FOO"],
  ["none", "--cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "--tls-min-version=TLS1.3"],
  ["none", "--tls-min-version=TLS1.3", "--tls-max-version=TLS1.2"],
  ["none", "--tls-min-version=TLS1.1"],
  ["client", "--cert-file=/nope.pem", `--key-file=${server.keyFile}`],
  ["client", `--cert-file=${server.certFile}`, `--key-file=${client.keyFile}`],
  ["client", ...PAIR, "--trusted-ca-file=/nope.pem"],
  ["client", `--cert-file=${junk}`, `--key-file=${server.keyFile}`],
  ["client", `--cert-file=${server.keyFile}`, `--key-file=${server.keyFile}`],
  ["client", `--cert-file=${server.certFile}`, `--key-file=${server.certFile}`],
  ["client", `--key-file=${server.keyFile}`],
  ["client", `--cert-file=${server.certFile}`],
  ["client", ...PAIR, `--client-cert-file=${client.certFile}`],
  ["client", ...PAIR, "--client-cert-file=/nope.pem", "--client-key-file=/nope.pem"],
  ["client", ...PAIR, "--cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"],
  ["peer", ...PEER_PAIR, "--peer-cert-allowed-cn=a,b", "--peer-cert-allowed-hostname=c"],
  ["peer", ...PEER_PAIR, "--peer-trusted-ca-file=/nope.pem"],
  ["none", "--peer-cert-file=/nope.pem", `--peer-key-file=${server.keyFile}`],
];

describe.skipIf(REFERENCE === undefined)(
  "mistakes in the flags of TLS against the real etcd",
  () => {
    test.each<[side: Side, ...flags: string[]]>(MISTAKES)("%s %s %s %s", async (...mistake) => {
      const [side, ...flags] = mistake;
      const said = await sayReal(flagsOf(side, flags));
      const { problem } = sayOurs(flagsOf(side, flags));
      expect(withoutPort(problem).split("; look at ")[0]).toBe(withoutPort(said));
    });
  },
);

describe("flags of TLS", () => {
  test("a file that cannot be used is named with its flag", () => {
    const missing = sayOurs(flagsOf("client", [...PAIR, "--trusted-ca-file=/nope.pem"]));
    expect(missing.problem).toMatch(/; look at --trusted-ca-file$/);
    const pair = [`--peer-cert-file=${server.certFile}`, `--peer-key-file=${client.keyFile}`];
    expect(sayOurs(flagsOf("peer", pair)).problem).toMatch(
      /; look at --peer-cert-file and --peer-key-file$/,
    );
  });

  test("no list of revoked certificates is ever taken for an empty one", () => {
    for (const [side, pair, flag] of [
      ["client", PAIR, "--client-crl-file"],
      ["peer", PEER_PAIR, "--peer-crl-file"],
    ] as const) {
      for (const file of ["/nope.pem", junk, authority.caFile]) {
        const { problem } = sayOurs(flagsOf(side, [...pair, `${flag}=${file}`]));
        expect(problem).toContain(file);
        expect(problem).toContain(`; look at ${flag}`);
      }
      const file = authority.revoke([client]);
      expect(sayOurs(flagsOf(side, [...pair, `${flag}=${file}`])).problem).toBe("");
    }
  });

  test("certificates for what is not encrypted are told of", () => {
    const flags = [...PAIR, "--client-cert-auth", ...PEER_PAIR, "--peer-client-cert-auth"];
    const { log, problem } = sayOurs(flagsOf("none", flags));
    expect(problem).toBe("");
    expect(log.lines.filter(({ level }) => level === "warn")).toEqual(
      [
        [
          "peer-url",
          PLAIN.peer,
          "scheme is HTTP while key and cert files are present; ignoring key and cert files",
        ],
        [
          "peer-url",
          PLAIN.peer,
          "scheme is HTTP while --peer-client-cert-auth is enabled; ignoring client cert auth for this URL",
        ],
        [
          "client-url",
          PLAIN.client,
          "scheme is http or unix while key and cert files are present; ignoring key and cert files",
        ],
        [
          "client-url",
          PLAIN.client,
          "scheme is http or unix while --client-cert-auth is enabled; ignoring client cert auth for this URL",
        ],
      ].map(([field, url, message]) => ({ level: "warn", message, fields: { [field]: url } })),
    );
  });

  test("certificates of its own are made once, unless others are given", () => {
    const flags = ["--auto-tls", `--data-dir=${folder}/auto`, "--self-signed-cert-validity=3"];
    const made1 = sayOurs(flagsOf("client", flags));
    expect(made1.problem).toBe("");
    const file = path.join(folder, "auto", "fixtures", "client", "cert.pem");
    const pem = fs.readFileSync(file, "utf8");
    expect(sayOurs(flagsOf("client", flags)).problem).toBe("");
    expect(fs.readFileSync(file, "utf8")).toBe(pem);
    const given = sayOurs(flagsOf("client", ["--auto-tls", ...PAIR]));
    expect(given.log.lines.map(({ message }) => message)).toContain(
      "ignoring client auto TLS since certs given",
    );
    const never = sayOurs(flagsOf("client", ["--auto-tls", "--self-signed-cert-validity=0"]));
    expect(never.problem).toBe(
      "failed to get client self-signed certs: selfSignedCertValidity is invalid,it should be greater than 0",
    );
  });
});
