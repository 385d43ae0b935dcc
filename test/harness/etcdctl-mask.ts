/**
 * Hides in an outcome of etcdctl what differs from run to run and from cluster to cluster: addresses, ids,
 * times, sizes of the database, raft's counters, and where in a program a log line came from.
 */
import type { RunResult } from "./processes.ts";

/** What a cluster is known by. */
export interface ClusterIdentity {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  /** `host:port` for clients, and for peers. */
  readonly endpoint: string;
  readonly peer: string;
  /** `host:port` where nobody listens. */
  readonly dead: string;
}

/** A masked outcome; what was written as one character per byte. */
export interface MaskedOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function maskOutcome(result: RunResult, identity: ClusterIdentity): MaskedOutcome {
  return {
    code: result.code,
    stdout: mask(result.stdout, identity),
    stderr: mask(result.stderr, identity),
  };
}

/** What was written, masked; one character per byte. */
export function mask(output: Uint8Array, identity: ClusterIdentity): string {
  let text = Buffer.from(output).toString("latin1");
  text = text.split("\n").map(maskLogLine).join("\n");
  text = text
    .replaceAll(identity.endpoint, "<client address>")
    .replaceAll(identity.peer, "<peer address>")
    .replaceAll(identity.dead, "<dead address>");
  text = maskId(maskId(text, identity.clusterId, "<cluster>"), identity.memberId, "<member>");
  for (const [pattern, shown] of MASKS) text = text.replace(pattern, shown);
  text = mendHelp(text);
  return text.replace(/(?:^(?:\|.*\||\+-\+)\n)+/m, maskTable);
}

const VOLATILE_COLUMNS = new Set([
  "TOOK",
  "DB SIZE",
  "RAFT TERM",
  "RAFT INDEX",
  "RAFT APPLIED INDEX",
]);

/** The rows of a table without the blanks around the cells, and without the cells that differ. */
function maskTable(table: string): string {
  const rows = table.split("\n").map((row) => row.split("|").map((cell) => cell.trim()));
  const headings = rows.find((row) => row.length > 1) ?? [];
  const isVolatile = headings.map((heading) => VOLATILE_COLUMNS.has(heading));
  const masked = rows.map((row, i) =>
    row.map((cell, column) => (i > 1 && cell !== "" && isVolatile[column] ? "<n>" : cell)),
  );
  return masked.map((row) => row.join("|")).join("\n");
}

const DURATION = "(?:[0-9.]+(?:ms|\xc2\xb5s|ns|h|m|s))+";

const MASKS: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`took = ${DURATION}`, "g"), "took = <time>"],
  [new RegExp(`"took":"${DURATION}"`, "g"), '"took":"<time>"'],
  [new RegExp(`"Took" : ${DURATION}`, "g"), '"Took" : <time>'],
  [/"(raft_term|raftTerm|raftIndex|raftAppliedIndex|dbSize|dbSizeInUse)":[0-9]+/g, '"$1":<n>'],
  [/"(RaftTerm|RaftIndex|RaftAppliedIndex|DBSize)" : [0-9]+/g, '"$1" : <n>'],
  // A row of endpoint status: size, leadership, term and two indexes.
  [
    /, [0-9.]+ [kMG]?B, (true|false), (true|false), [0-9]+, [0-9]+, [0-9]+, /g,
    ", <size>, $1, $2, <n>, ",
  ],
  // Ids of leases that a server chose, and what is left of a lease.
  [/\blease [1-7][0-9a-f]{15}\b/g, "lease <lease>"],
  [/^[1-7][0-9a-f]{15}$/gm, "<lease>"],
  [/"(ID|id)":[0-9]{10,19}/g, '"$1":<lease>'],
  [/"ID" : [0-9]{10,19}/g, '"ID" : <lease>'],
  [/remaining\([0-9]+s\)/g, "remaining(<n>s)"],
  [/"ttl":[0-9]+/g, '"ttl":<n>'],
  [/"TTL" : [0-9]+\n"GrantedTTL"/g, '"TTL" : <n>\n"GrantedTTL"'],
  // Lines for people: without the time and the module.
  [/^\d{4}-\d\d-\d\dT\S+\t(\w+)\t\S+\t/gm, "$1\t"],
  // Widths of tables follow the contents.
  [/^\+[-+]+\+$/gm, "+-+"],
  // A crash of a Go program ends in its stacks.
  [/^(panic: .*)\n[^]*$/m, "$1\n"],
  // Releases before 3.5.19 do not tell.
  [/, "added-peer-is-learner": false/g, ""],
  // The real tool turns off the echo also where no terminal is.
  [/^stty: .*\n/gm, ""],
];

/** A mistake of releases before 3.5.26, as later ones have it. */
export function mendHelp(text: string): string {
  return text.replaceAll(/Moved to ([`'])etcdctl snapshot/g, "Moved to $1etcdutl snapshot");
}

/** The same id in hex, in decimal, and as the varint of a protobuf message. */
function maskId(text: string, id: bigint, shown: string): string {
  return text
    .replaceAll(id.toString(16), shown)
    .replaceAll(id.toString(10), shown)
    .replaceAll(varint(id), shown);
}

function varint(id: bigint): string {
  let bytes = "";
  let rest = id;
  for (; rest >= 128n; rest >>= 7n) bytes += String.fromCharCode(Number(rest & 127n) | 128);
  return bytes + String.fromCharCode(Number(rest));
}

/** Of a log line, what it says: level, logger, message, and the fields that are the same everywhere. */
function maskLogLine(line: string): string {
  if (!line.startsWith('{"level":')) return line;
  const entries = Object.entries(JSON.parse(line) as object);
  const said = entries.filter(([key]) => !PLACE_AND_TIME.has(key));
  return JSON.stringify(Object.fromEntries(said)).replace(
    /"target":"etcd-endpoints:\/\/0x[0-9a-f]+/,
    '"target":"etcd-endpoints://<client>',
  );
}

const PLACE_AND_TIME = new Set(["ts", "caller", "stacktrace", "peer"]);
