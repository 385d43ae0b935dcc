/**
 * Command lines for etcdctl that nobody would type on purpose: every command with any flag, in any order, with
 * values that are too many, too few, empty, huge, repeated or of the wrong kind, as words and as variables.
 *
 * Left out is what never ends by itself, what ends the cluster that others use, and what has random answers.
 */
import { Prng } from "../../src/stdx/prng.ts";
import type { CommandLine } from "./etcdctl-commands.ts";

/** A command, arguments that it takes, and flags of its own beside the global ones. */
interface Target {
  readonly path: string;
  /** Sets of arguments that make it do something. */
  readonly takes: readonly (readonly string[])[];
  readonly flags: readonly string[];
  /** Whether it must not be called with what it takes. */
  readonly isUnsafe?: boolean;
}

const FORMS = ["simple", "json", "fields", "protobuf", "table", "yaml", "", "JSON", "tab", " json"];

const TARGETS: readonly Target[] = [
  {
    path: "get",
    takes: [["a"], ["a", "z"], [""], ["", "z"]],
    flags: [
      ...["prefix", "from-key", "keys-only", "count-only", "print-value-only"],
      ...["limit=", "rev=", "order=", "sort-by=", "consistency="],
    ],
  },
  {
    path: "put",
    takes: [["a", "b"], ["a"], ["k\u0001", ""], ["", "v"]],
    flags: ["lease=", "prev-kv", "ignore-value", "ignore-lease"],
  },
  {
    path: "del",
    takes: [["a"], ["a", "c"], [""]],
    flags: ["prefix", "from-key", "prev-kv", "range"],
  },
  { path: "txn", takes: [[]], flags: ["interactive"] },
  { path: "compaction", takes: [["1"], ["0"], ["-1"]], flags: ["physical"] },
  { path: "lease grant", takes: [["100"], ["-1"], ["1e3"]], flags: [] },
  { path: "lease revoke", takes: [["77"], ["0x77"], ["-77"]], flags: [] },
  { path: "lease timetolive", takes: [["77"], ["0"]], flags: ["keys"] },
  { path: "lease list", takes: [[]], flags: [] },
  { path: "lease keep-alive", takes: [["77"]], flags: ["once"] },
  { path: "member list", takes: [[]], flags: [] },
  { path: "member add", takes: [["x"]], flags: ["peer-urls=", "learner"], isUnsafe: true },
  { path: "member remove", takes: [["1"], ["77aa"]], flags: [] },
  { path: "member update", takes: [["1"], ["77aa"]], flags: ["peer-urls="] },
  { path: "member promote", takes: [["1"], ["77aa"]], flags: [] },
  { path: "endpoint health", takes: [[]], flags: ["cluster"] },
  { path: "endpoint status", takes: [[]], flags: ["cluster"] },
  { path: "endpoint hashkv", takes: [[]], flags: ["cluster", "rev="] },
  { path: "move-leader", takes: [["1"], ["{member}"], ["zz"]], flags: [] },
  { path: "alarm list", takes: [[]], flags: [] },
  { path: "alarm disarm", takes: [[]], flags: [] },
  { path: "auth enable", takes: [["x"]], flags: [] },
  { path: "auth disable", takes: [["x"], []], flags: [] },
  { path: "auth status", takes: [[]], flags: [] },
  {
    path: "user add",
    takes: [["u:p"], ["v"], ["w:"], [":p"], ["x:y:z"]],
    flags: ["interactive", "new-user-password=", "no-password"],
  },
  { path: "user delete", takes: [["u"], ["nobody"]], flags: [] },
  { path: "user list", takes: [[]], flags: [] },
  { path: "user get", takes: [["u"], ["nobody"]], flags: ["detail"] },
  { path: "user passwd", takes: [["u"]], flags: ["interactive"] },
  { path: "user grant-role", takes: [["u", "r"]], flags: [] },
  { path: "user revoke-role", takes: [["u", "r"]], flags: [] },
  { path: "role add", takes: [["r"], [""]], flags: [] },
  { path: "role delete", takes: [["r"], ["nothing"]], flags: [] },
  { path: "role list", takes: [[]], flags: [] },
  { path: "role get", takes: [["r"], ["root"]], flags: [] },
  {
    path: "role grant-permission",
    takes: [
      ["r", "read", "k"],
      ["r", "readwrite", "a", "b"],
      ["r", "rw", "a"],
      ["r", "write", ""],
    ],
    flags: ["prefix", "from-key"],
  },
  {
    path: "role revoke-permission",
    takes: [
      ["r", "k"],
      ["r", "a", "b"],
      ["r", ""],
    ],
    flags: ["prefix", "from-key"],
  },
  { path: "defrag", takes: [[]], flags: ["cluster", "data-dir=/nonexistent"] },
  {
    path: "snapshot save",
    takes: [["/nonexistent/x"], ["/dev/null/x"]],
    flags: [],
  },
  { path: "snapshot status", takes: [["/nonexistent"], ["/etc"], ["/dev/null"]], flags: [] },
  {
    path: "snapshot restore",
    takes: [["/nonexistent"], [""]],
    flags: [
      ...["data-dir=/nonexistent/d", "wal-dir=/nonexistent/w", "name=", "initial-cluster="],
      ...["initial-cluster-token=", "initial-advertise-peer-urls=", "skip-hash-check"],
      ...["initial-memory-map-size=", "bump-revision=", "mark-compacted"],
    ],
  },
  { path: "check perf", takes: [[]], flags: ["load=q", "prefix="], isUnsafe: true },
  { path: "check datascale", takes: [[]], flags: ["load=q", "prefix="], isUnsafe: true },
  { path: "version", takes: [[], ["x"]], flags: [] },
  {
    path: "help",
    takes: [[], ["get"], ["lease", "grant"], ["role"], ["nothing"], ["get", "x"]],
    flags: [],
  },
];

/** Flags of every command; a value follows "=". */
const GLOBAL_FLAGS = [
  ...["write-out=", "hex", "debug=false", "dial-timeout=", "command-timeout=", "keepalive-time="],
  ...["keepalive-timeout=", "insecure-transport", "insecure-discovery", "insecure-skip-tls-verify"],
  ...["cert=", "key=", "cacert=", "user=", "password=", "discovery-srv-name=", "help"],
] as const;

/** Values that some flag takes, or none. */
const VALUES = [
  ...[
    "",
    "0",
    "1",
    "2",
    "-1",
    "007",
    "0x1f",
    "0b11",
    "1_000",
    "1.5",
    "1e3",
    "+5",
    "99999999999999999999",
  ],
  ...[
    "-9223372036854775808",
    "true",
    "false",
    "t",
    "F",
    "TRUE",
    "yes",
    "maybe",
    "1s",
    "5s",
    "3s",
    "10m",
  ],
  ...[
    "1h1m1s",
    "-1s",
    "1",
    "s",
    ".5s",
    "1.5h",
    "1µs",
    "x",
    "a,b",
    '"',
    "'",
    "\\",
    "=",
    "==",
    "-",
    "--",
  ],
  ...[
    "ASCEND",
    "descend",
    "KEY",
    "create",
    "l",
    "s",
    "L",
    "json",
    "fields",
    "r:s",
    ":",
    "a:",
    "é",
    "\u0001",
  ],
  ...[
    "http://127.0.0.1:1",
    "nohost",
    "/nonexistent",
    "/etc",
    "x".repeat(300),
    "a b",
    "\t",
    "%s",
    "%d%n",
  ],
] as const;

/** Words that stand where an argument or flag may stand. */
const STRAYS = [
  ...[
    "--",
    "-",
    "---",
    "--=",
    "-=",
    "--no-such",
    "--no-such=1",
    "-q",
    "-qw",
    "-w",
    "-wjson",
    "-w=json",
  ],
  ...[
    "-hh",
    "-h",
    "--help",
    "--help=false",
    "--help=x",
    "-h=false",
    "extra",
    "",
    "-1",
    "--1",
    "-w=",
    "-wh",
  ],
  ...[
    "--hex=",
    "--hex=1",
    "--Hex",
    "--write-out",
    "--write_out=json",
    "-d",
    "-i",
    "-l",
    "--prefix=x",
    "-ih",
  ],
] as const;

const VARIABLES = [
  ...[
    "WRITE_OUT",
    "HEX",
    "DIAL_TIMEOUT",
    "COMMAND_TIMEOUT",
    "USER",
    "PASSWORD",
    "CERT",
    "KEY",
    "CACERT",
  ],
  ...["INSECURE_SKIP_TLS_VERIFY", "INSECURE_DISCOVERY", "KEEPALIVE_TIME", "API"],
  ...[
    "DISCOVERY_SRV_NAME",
    "WATCH_KEY",
    "WATCH_RANGE_END",
    "PREFIX",
    "NO_SUCH",
    "",
    "ENDPOINTS",
    "HELP",
  ],
] as const;

const INPUTS = [
  "",
  "\n",
  "secret\n",
  "secret\nsecret\n",
  "\n\n\n",
  "\nget a\n\n\n",
  'ver("a") = "0"\n\nput a b\n\nget a\n\n',
  "\u0000\u0001binary",
  "no newline at end",
  "\r\n\r\n\r\n",
];

/** `count` lines, the same for the same seed. */
export function wildLines(seed: number, count: number): CommandLine[] {
  const prng = new Prng(seed);
  const lines: CommandLine[] = [];
  while (lines.length < count) {
    const line = wildLine(prng);
    if (line !== undefined) lines.push(line);
  }
  return lines;
}

function wildLine(prng: Prng): CommandLine | undefined {
  const target = prng.pick(TARGETS);
  const path = target.path.split(" ");
  const words = prng.chance(0.5) && target.isUnsafe !== true ? [...prng.pick(target.takes)] : [];
  if (target.isUnsafe !== true && prng.chance(0.25)) words.push(prng.pick(VALUES));
  if (words.length > 0 && prng.chance(0.1)) words.pop();
  const flags = [...target.flags, ...target.flags, ...GLOBAL_FLAGS];
  for (let i = prng.below(4); i > 0; i--) {
    const flag = flagWords(prng, prng.pick(flags));
    words.splice(prng.below(words.length + 1), 0, ...flag);
  }
  if (prng.chance(0.2)) words.splice(prng.below(words.length + 1), 0, prng.pick(STRAYS));
  if (prng.chance(0.3))
    words.unshift(
      ...prng.pick([
        ["-w", prng.pick(FORMS)],
        [`-w${prng.pick(FORMS)}`],
        [`--write-out=${prng.pick(FORMS)}`],
      ]),
    );
  if (prng.chance(0.05)) path[path.length - 1] = path[path.length - 1].slice(0, -1);
  // A beginning that fits completion, too, means something else to the real tool.
  if (prng.chance(0.03) && path[0] !== "compaction") path[0] = path[0].slice(0, 3);
  // Flags may stand before the names of commands, too.
  const at = prng.chance(0.15) ? prng.below(words.length + 1) : 0;
  const args = [...words.slice(0, at), ...path, ...words.slice(at)];
  const line = { args: ["--endpoints={endpoint}", ...args], ...surroundings(prng) };
  return isHarmless(line) ? line : undefined;
}

function flagWords(prng: Prng, flag: string): string[] {
  const equals = flag.indexOf("=");
  const name = equals < 0 ? flag : flag.slice(0, equals);
  const fixed = equals < 0 ? "" : flag.slice(equals + 1);
  const value = fixed === "" || prng.chance(0.1) ? prng.pick(VALUES) : fixed;
  if (equals < 0) return prng.chance(0.8) ? [`--${name}`] : [`--${name}=${value}`];
  if (prng.chance(0.05)) return [`--${name}`];
  return prng.chance(0.7) ? [`--${name}=${value}`] : [`--${name}`, value];
}

function surroundings(prng: Prng): Pick<CommandLine, "input" | "environment"> {
  const input = prng.chance(0.3) ? { input: prng.pick(INPUTS) } : {};
  if (!prng.chance(0.2)) return input;
  const environment: Record<string, string> = {};
  for (let i = 1 + prng.below(2); i > 0; i--) {
    environment[`ETCDCTL_${prng.pick(VARIABLES)}`] = prng.pick([...VALUES, "json", "table"]);
  }
  return { ...input, environment };
}

/** What waits for ever, or ends what others need. */
function isHarmless({ args, environment = {} }: CommandLine): boolean {
  const all = args.join(" ");
  if (/\u0000/.test(all)) return false;
  // An address that nobody answers at makes a line as long as its time limit.
  if (/insecure-transport=(?!t|T|1)|--endpoints=(?!\{)/.test(all)) return !/watch/.test(all);
  if (environment["ETCDCTL_API"] === "2") return false;
  if (/\bche/.test(all))
    return args.filter((word) => word.startsWith("--load")).join() === "--load=q";
  if (/\bsnapshot? save?\b/.test(all) && !/\/x\b/.test(all)) return false;
  // What it tells of connections is our own.
  if (/--debug/.test(all) && !/--debug=false/.test(all)) return false;
  if (/--data-dir/.test(all) && /def/.test(all)) return false;
  return true;
}
