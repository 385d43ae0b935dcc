/**
 * Our server under the real etcdctl: the same command lines in the same order against it and against the
 * real server, and the same words and exit codes from both.
 */
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  describeOutcomes,
  grantLeases,
  identify,
  isSameOutcome,
  maskedOutcome,
  realEtcdctl,
  type Tool,
} from "../harness/etcdctl-comparison.ts";
import { converse } from "../harness/etcdctl-conversation.ts";
import { CONVERSATIONS, KEEP_ALIVES } from "../harness/etcdctl-conversations.ts";
import { AUTH_SERVER_LINES } from "../harness/etcdctl-auth-lines.ts";
import { type CommandLine, commandList } from "../harness/etcdctl-commands.ts";
import { AUTHENTICATED_LINES, ENABLE_AUTHENTICATION } from "../harness/etcdctl-fixed-lines.ts";
import { runOurEtcdctl } from "../harness/etcdctl-inprocess.ts";
import type { ClusterIdentity } from "../harness/etcdctl-mask.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD, OUR_ETCDCTL } from "../harness/our-etcd.ts";
import { freePorts, runProgram } from "../harness/processes.ts";
import { REFERENCE } from "../harness/reference.ts";

const SEED = 2;

/** Our etcdctl as a process, as it is installed. */
const ourEtcdctl: Tool = (args, options) => {
  const [file, ...words] = OUR_ETCDCTL;
  return runProgram(file, [...words, ...args], options);
};

/** Lines with which the tool comes to the server; with the others it would only talk to itself. */
const LINES = commandList(SEED).filter(({ args, environment }) => {
  const words = [...args, ...Object.values(environment ?? {})].join(" ");
  return words.includes("{endpoint}") && !words.includes("{dead}");
});

/** Those that wait for all that they will be told, whatever the server sends in one response. */
const WATCHES = new Set([
  ...["a key", "a key in hex", "previous values", "a prefix", "a range", "an open range"],
  ...["an empty end", "a revision of the past"],
]);

const REAL_ETCDCTL = [path.join(REFERENCE ?? "", "etcdctl")];

/** What those were answered before 3.5.30 who are nobody, or may not. */
function isAnsweredByOldReleases({ args }: CommandLine): boolean {
  const words = args.filter((word) => !word.startsWith("-")).join(" ");
  if (words === "member list") return !args.some((word) => word.startsWith("--user"));
  return /^(endpoint|compaction) /.test(words) && !args.includes("--user=root:toor");
}

/** What a person does first, in order. */
const FIRST_STEPS: readonly CommandLine[] = [
  ["put", "greeting", "hello"],
  ["get", "greeting"],
  ["get", "greeting", "-w", "json"],
  ["put", "greeting", "bonjour", "--prev-kv"],
  ["get", "greeting", "--rev=2", "-w", "fields"],
  ["del", "greeting", "--prev-kv"],
  ["get", "greeting"],
  ["get", "--prefix", "", "--keys-only"],
  ["compaction", "3"],
  ["get", "greeting", "--rev=2"],
  ["endpoint", "status", "-w", "table"],
  ["endpoint", "health"],
  ["member", "list"],
  ["endpoint", "hashkv"],
  ["alarm", "list"],
  ["defrag"],
  ["lease", "list"],
  ["lease", "timetolive", "abc"],
  ["put"],
].map((args) => ({ args: ["--endpoints={endpoint}", ...args] }));

describe.skipIf(REFERENCE === undefined)("etcdctl and our server", () => {
  const servers: EtcdProcess[] = [];
  let identities: ClusterIdentity[] = [];

  beforeAll(async () => {
    for (const command of [undefined, OUR_ETCD, undefined, OUR_ETCD, undefined, OUR_ETCD]) {
      servers.push(await startEtcd(command && { command }));
    }
    const [deadPort] = await freePorts(1);
    identities = await Promise.all(servers.map((server) => identify(server, deadPort)));
    await Promise.all(servers.slice(0, 2).map((server) => grantLeases(server)));
  });

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.remove()));
  });

  test(`the real one is told the same as by the real server, ${LINES.length} times`, async () => {
    const differences: string[] = [];
    for (const line of LINES) {
      const [real, ours] = await Promise.all([
        maskedOutcome(realEtcdctl, line, identities[0]),
        maskedOutcome(realEtcdctl, line, identities[1]),
      ]);
      if (!isSameOutcome(real, ours)) differences.push(describeOutcomes(line, real, ours));
    }
    expect(differences.join("\n\n")).toBe("");
  }, 120_000);

  test("the real one watches and keeps alive the same as on the real server", async () => {
    const leases = [1n, 0xabcn, 0x7fff_ffff_ffff_fff0n, 4n].map((id) => [id, 3] as const);
    const differences: string[] = [];
    const [real, ours] = [identities[4], identities[5]];
    const comparable = CONVERSATIONS.filter(({ name }) => WATCHES.has(name));
    expect(comparable).toHaveLength(WATCHES.size);
    for (const conversation of comparable) {
      const said = await Promise.all([
        converse(REAL_ETCDCTL, conversation, real),
        converse(REAL_ETCDCTL, conversation, ours),
      ]);
      note(conversation.name, said);
    }
    await Promise.all(servers.slice(4).map((server) => grantLeases(server, leases)));
    const renewals = KEEP_ALIVES.map(async (conversation) => {
      const said = await Promise.all([
        converse(REAL_ETCDCTL, conversation, real),
        converse(REAL_ETCDCTL, conversation, ours),
      ]);
      note(conversation.name, said);
    });
    await Promise.all(renewals);
    expect(differences.join("\n\n")).toBe("");

    function note(name: string, [a, b]: readonly object[]): void {
      if (isDeepStrictEqual(a, b)) return;
      differences.push(`${name}\n real: ${JSON.stringify(a)}\n ours: ${JSON.stringify(b)}`);
    }
  }, 120_000);

  test("ours with our server is as the real one with the real server", async () => {
    for (const line of FIRST_STEPS) {
      const [real, ours] = await Promise.all([
        maskedOutcome(realEtcdctl, line, identities[2]),
        maskedOutcome(ourEtcdctl, line, identities[3]),
      ]);
      expect(ours, JSON.stringify(line.args)).toEqual(real);
    }
  }, 30_000);

  test("users and roles are the same with the real one and the real server, and with ours", async () => {
    // Servers of their own: they ask who calls afterwards.
    const own = await Promise.all(
      [undefined, OUR_ETCD, OUR_ETCD].map((command) =>
        startEtcd({ flags: ["--bcrypt-cost=4"], ...(command && { command }) }),
      ),
    );
    servers.push(...own);
    const [deadPort] = await freePorts(1);
    const known = await Promise.all(own.map((server) => identify(server, deadPort)));
    const differences: string[] = [];
    const lines = [...AUTH_SERVER_LINES, ...ENABLE_AUTHENTICATION, ...AUTHENTICATED_LINES];
    for (const line of lines.filter((each) => !isAnsweredByOldReleases(each))) {
      const [real, ours, both] = await Promise.all([
        maskedOutcome(realEtcdctl, line, known[0]),
        maskedOutcome(realEtcdctl, line, known[1]),
        maskedOutcome(runOurEtcdctl, line, known[2]),
      ]);
      if (!isSameOutcome(real, ours)) differences.push(describeOutcomes(line, real, ours));
      if (!isSameOutcome(ours, both)) differences.push(describeOutcomes(line, ours, both));
    }
    // What old releases of the tool ask as nobody.
    for (const words of [
      ["health", "--user=reader:pa:ss"],
      ["health", "--user=root:toor", "-w", "json"],
      ["status", "--user=root:toor"],
      ["hashkv", "--user=root:toor"],
    ]) {
      const line = { args: ["--endpoints={endpoint}", "endpoint", "--cluster", ...words] };
      const [real, both] = await Promise.all([
        maskedOutcome(realEtcdctl, line, known[0]),
        maskedOutcome(runOurEtcdctl, line, known[2]),
      ]);
      if (!isSameOutcome(real, both)) differences.push(describeOutcomes(line, real, both));
    }
    expect(differences.join("\n\n")).toBe("");
  }, 120_000);

  test("checks what data costs with either tool", async () => {
    for (const tool of [realEtcdctl, ourEtcdctl]) {
      const line = { args: ["--endpoints={endpoint}", "check", "datascale"] };
      const { code, stdout } = await maskedOutcome(tool, line, identities[3], 60_000);
      expect(stdout).toMatch(/PASS: Approximate system memory used : -?[0-9.]+ MB\.\n$/);
      expect(code).toBe(0);
    }
  }, 120_000);
});
