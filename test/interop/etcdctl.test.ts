/**
 * Our etcdctl against the real one: the same command lines in the same order, each tool against a fresh real
 * etcd of its own, and the same words and exit codes from both.
 */
import fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  describeOutcomes,
  grantLeasesThere,
  identify,
  isSameOutcome,
  maskedOutcome,
  realEtcdctl,
  type Tool,
} from "../harness/etcdctl-comparison.ts";
import { type CommandLine, commandList } from "../harness/etcdctl-commands.ts";
import { AUTHENTICATED_LINES, ENABLE_AUTHENTICATION } from "../harness/etcdctl-fixed-lines.ts";
import { runOurEtcdctl } from "../harness/etcdctl-inprocess.ts";
import { type ClusterIdentity, type MaskedOutcome, maskOutcome } from "../harness/etcdctl-mask.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { freePorts, runProgram } from "../harness/processes.ts";
import { REFERENCE } from "../harness/reference.ts";

/** The built program. */
const ENTRY = path.join(import.meta.dirname, "../../dist/cmd/etcdctl.js");

/** Other random lines, and more of them: ETCDCTL_LINES_SEED=7 ETCDCTL_LINES=1000. */
const SEED = Number(process.env["ETCDCTL_LINES_SEED"] ?? 1);
const COUNT = process.env["ETCDCTL_LINES"];

describe.skipIf(REFERENCE === undefined)("etcdctl", () => {
  let servers: EtcdProcess[] = [];
  let identities: ClusterIdentity[] = [];

  beforeAll(async () => {
    const flags = ["--bcrypt-cost=4"];
    servers = await Promise.all([startEtcd({ flags }), startEtcd({ flags })]);
    const [deadPort] = await freePorts(1);
    identities = await Promise.all(servers.map((server) => identify(server, deadPort)));
    await Promise.all(servers.map(grantLeasesThere));
  });

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.remove()));
  });

  test("says and does what the real one does", async () => {
    const lines = commandList(SEED, COUNT === undefined ? undefined : Number(COUNT));
    expect(await differences(lines)).toBe("");
  }, 600_000);

  /** Runs the lines with both tools; describes what differs. */
  async function differences(lines: readonly CommandLine[]): Promise<string> {
    const found: string[] = [];
    for (const line of lines) {
      const [real, ours] = await Promise.all([
        outcome(realEtcdctl, line, identities[0]),
        outcome(runOurEtcdctl, line, identities[1]),
      ]);
      if (!isSameOutcome(real, ours)) found.push(describeOutcomes(line, real, ours));
    }
    return found.join("\n\n");
  }

  describe.skipIf(!fs.existsSync(ENTRY))("as a process", () => {
    /** Runs a shell line, in which `$CTL` is the tool, with each of the tools. */
    async function inShell(script: string): Promise<MaskedOutcome[]> {
      const tools = [path.join(REFERENCE ?? "", "etcdctl"), `${process.execPath} ${ENTRY}`];
      const outcomes = tools.map(async (tool, i) => {
        const command = `CTL="${tool} --endpoints=${identities[i].endpoint}"; ${script}`;
        const environment = { PATH: process.env["PATH"] ?? "" };
        const result = await runProgram("/bin/bash", ["-c", command], { environment });
        return maskOutcome(result, identities[i]);
      });
      return Promise.all(outcomes);
    }

    test.each([
      ["exit codes and both streams", "$CTL get; echo $?; $CTL version; $CTL nonsense; echo $?"],
      ["bytes that are no text", "$CTL put $'k\\xff\\xfe' $'\\x80v'; $CTL get k --prefix | xxd"],
      ["a value from a file", "head -c 100000 /dev/zero | $CTL put big; $CTL get big | md5sum"],
      ["a value that is missing", "$CTL put empty < /dev/null; echo $?"],
      ["a reader that goes away", "$CTL get --prefix big | head -c 3 | xxd; $CTL get big | true"],
      ["a transaction from a pipe", "printf '\\nput p q\\n\\n\\n' | $CTL txn -i"],
      ["closed streams", "$CTL get nothing <&-; echo $?; $CTL get k 2>&-; echo $?"],
    ])("knows %s", async (_, script) => {
      const [real, ours] = await inShell(script);
      expect(ours).toEqual(real);
    });
  });

  test("says who may do what as the real one does", async () => {
    for (const line of ENABLE_AUTHENTICATION) {
      for (const identity of identities) {
        expect(await outcome(realEtcdctl, line, identity)).toMatchObject({ code: 0 });
      }
    }
    expect(await differences(AUTHENTICATED_LINES)).toBe("");
  }, 60_000);
});

async function outcome(
  tool: Tool,
  line: CommandLine,
  identity: ClusterIdentity,
): Promise<MaskedOutcome> {
  return forComparison(await maskedOutcome(tool, line, identity));
}

/** Commands that ours does not have are no difference, in the pages that list commands. */
const OWN_COMMANDS =
  /^\t(?:compaction|del|endpoint (?:health|status)|get|grant|health|help|keep-alive|lease \S+|list|member list|put|revoke|status|timetolive|txn|version)\t/;

function forComparison(outcomeOf: MaskedOutcome): MaskedOutcome {
  const { stdout } = outcomeOf;
  const start = stdout.indexOf("\nCOMMANDS:\n");
  if (start < 0) return outcomeOf;
  const end = stdout.indexOf("\n\n", start);
  const listed = stdout.slice(start, end).split("\n");
  const own = listed.filter((row) => !row.startsWith("\t") || OWN_COMMANDS.test(row));
  const rows = own.map((row) => row.replace(/\t+/g, "\t"));
  return { ...outcomeOf, stdout: stdout.slice(0, start) + rows.join("\n") + stdout.slice(end) };
}
