/**
 * Our etcdctl against the real one: the same command lines in the same order, each tool against a fresh real
 * etcd of its own, and the same words and exit codes from both.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AlarmAction, AlarmType } from "../../src/wire/gen/rpc.ts";
import { MaintenanceService } from "../../src/wire/gen/services.ts";
import {
  describeOutcomes,
  grantLeases,
  identify,
  isSameOutcome,
  maskedOutcome,
  realEtcdctl,
  type Tool,
} from "../harness/etcdctl-comparison.ts";
import { AUTH_LINES } from "../harness/etcdctl-auth-lines.ts";
import { type CommandLine, commandList } from "../harness/etcdctl-commands.ts";
import { AUTHENTICATED_LINES, ENABLE_AUTHENTICATION } from "../harness/etcdctl-fixed-lines.ts";
import { wildLines } from "../harness/etcdctl-wild-lines.ts";
import { runOurEtcdctl } from "../harness/etcdctl-inprocess.ts";
import { type ClusterIdentity, type MaskedOutcome, maskOutcome } from "../harness/etcdctl-mask.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { freePorts, runProgram } from "../harness/processes.ts";
import { openRawCaller } from "../harness/raw-calls.ts";
import { REFERENCE } from "../harness/reference.ts";

/** The built program. */
const ENTRY = path.join(import.meta.dirname, "../../dist/bin/etcdctl.cjs");

/** Other random lines, and more of them: ETCDCTL_LINES_SEED=7 ETCDCTL_LINES=1000. */
const SEED = Number(process.env["ETCDCTL_LINES_SEED"] ?? 1);
const COUNT = process.env["ETCDCTL_LINES"];

/** The same for lines that nobody would type: ETCDCTL_WILD_SEED=7 ETCDCTL_WILD=3000. */
const WILD_SEED = Number(process.env["ETCDCTL_WILD_SEED"] ?? 1);
const WILD_COUNT = Number(process.env["ETCDCTL_WILD"] ?? 150);

describe.skipIf(REFERENCE === undefined)("etcdctl", () => {
  let servers: EtcdProcess[] = [];
  let identities: ClusterIdentity[] = [];

  beforeAll(async () => {
    const flags = ["--bcrypt-cost=4"];
    servers = await Promise.all([startEtcd({ flags }), startEtcd({ flags })]);
    const [deadPort] = await freePorts(1);
    identities = await Promise.all(servers.map((server) => identify(server, deadPort)));
    await Promise.all(servers.map((server) => grantLeases(server)));
  });

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.remove()));
  });

  test("says and does what the real one does", async () => {
    const lines = commandList(SEED, COUNT === undefined ? undefined : Number(COUNT));
    expect(await differences(lines)).toBe("");
  }, 600_000);

  test("refuses what nobody would type as the real one does", async () => {
    expect(await differences(wildLines(WILD_SEED, WILD_COUNT))).toBe("");
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
        const result = await runProgram("/bin/bash", ["-c", command], {
          environment,
          timeoutMs: 60_000,
        });
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

    test("checks what data costs, and leaves nothing behind", async () => {
      // The real one writes how far it is where nobody looks, too; what was used differs from run to run.
      const shown =
        "tr '\\r' '\\n' | grep -av -e '/ 10000 ' -e '^$' | sed 's/: -\\?[0-9.]* MB/: <n> MB/'";
      const check = "$CTL check datascale --load=small --auto-compact --auto-defrag";
      const [real, ours] = await inShell(
        `${check} | ${shown}; $CTL get --prefix /etcdctl-check-datascale -w json`,
      );
      expect(ours.stdout.match(/^Compacted with revision 10\d{3}$/gm)).toHaveLength(1);
      const count = ours.stdout.match(/10000 key-value pairs|"count"/g);
      expect(count).toEqual(["10000 key-value pairs"]);
      const masked = (text: string): string => text.replace(/evision"?( |:)\d+/g, "evision <n>");
      expect(masked(ours.stdout)).toEqual(masked(real.stdout));
      expect(ours.stderr).toBe(real.stderr);
    }, 90_000);
  });

  test("saves, sums up and restores a snapshot as the real one does", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcdctl-snapshot-"));
    /** One tool in a folder of its own; what it says is the same for both. */
    const inFolder = async (tool: Tool, at: number, ...words: string[]): Promise<MaskedOutcome> => {
      const own = path.join(folder, String(at));
      const args = words.map((word) => word.replace("@", `${own}/`));
      const outcomeOf = await maskedOutcome(tool, { args }, identities[at]);
      const mask = (text: string): string =>
        text.replaceAll(`${own}/`, "").replace(/"size":"[^"]*"/g, '"size":"<size>"');
      return { ...outcomeOf, stdout: mask(outcomeOf.stdout), stderr: mask(outcomeOf.stderr) };
    };
    const save = ["--endpoints={endpoint}", "snapshot", "save"];
    for (const at of [0, 1])
      fs.mkdirSync(path.join(folder, String(at), "folder"), { recursive: true });
    for (const words of [
      [...save, "@s"],
      [...save, "@s", "-w", "json"],
      [...save, "@folder"],
      [...save, "@s", "--command-timeout=10s"],
      ["snapshot", "restore", "@s", "--data-dir=@data", "-w", "json"],
      ["snapshot", "restore", "@s", "--data-dir=@data"],
    ]) {
      const real = await inFolder(realEtcdctl, 0, ...words);
      expect(await inFolder(runOurEtcdctl, 1, ...words), words.join(" ")).toEqual(real);
    }
    const [real, ours] = [0, 1].map((at) => path.join(folder, String(at)));
    const names = fs.readdirSync(real, { recursive: true }).sort();
    expect(fs.readdirSync(ours, { recursive: true }).sort()).toEqual(names);
    expect(fs.statSync(path.join(ours, "s")).mode & 0o777).toBe(0o600);
    // Both tools, and both programs, see the same in what ours has saved.
    const file = path.join(ours, "s");
    for (const form of ["simple", "json", "fields", "table", "protobuf"]) {
      const line = { args: ["snapshot", "status", file, "-w", form] };
      const expected = await maskedOutcome(realEtcdctl, line, identities[0]);
      expect(await maskedOutcome(runOurEtcdctl, line, identities[0])).toEqual(expected);
    }
    fs.rmSync(folder, { recursive: true });
  }, 30_000);

  test("shows and disarms alarms as the real one does", async () => {
    const { alarm } = MaintenanceService;
    const raise = async (type: AlarmType): Promise<void> => {
      for (const { endpoint, memberId } of identities) {
        const caller = await openRawCaller(endpoint);
        const request = { action: AlarmAction.ACTIVATE, alarm: type, memberId };
        await caller.call(alarm.path, alarm.request.encode(alarm.request.create(request)));
        caller.close();
      }
    };
    const line = (...args: string[]): CommandLine => ({
      args: ["--endpoints={endpoint}", ...args],
    });
    const lists = ["simple", "json", "fields", "protobuf", "table"].map((form) =>
      line("alarm", "list", "-w", form),
    );
    // One at a time: the real server lists several in random order.
    for (const type of [AlarmType.NOSPACE, AlarmType.CORRUPT]) {
      for (const form of ["simple", "json", "protobuf", "table"]) {
        await raise(type);
        const refused = [line("put", "a", "b"), line("endpoint", "health")];
        const disarm = line("alarm", "disarm", "-w", form);
        expect(await differences([...lists, ...refused, disarm, ...lists])).toBe("");
      }
    }
  }, 30_000);

  test("knows users and roles as the real one does", async () => {
    expect(await differences(AUTH_LINES)).toBe("");
  }, 120_000);

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
  /^\t(?:add|alarm \S+|auth \S+|check \S+|compaction|datascale|defrag|del|delete|disable|disarm|enable|endpoint (?:hashkv|health|status)|get|grant(?:-permission|-role)?|hashkv|health|help|keep-alive|lease \S+|list|make-mirror|member list|move-leader|passwd|perf|put|restore|revoke(?:-permission|-role)?|role \S+|save|snapshot \S+|status|timetolive|txn|user \S+|version|watch)\t/;

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
