/**
 * Scripts that drive whole groups of raft nodes: every message, write and tick happens because the script
 * says so, and everything is printed.
 *
 * | command | what it does |
 * |---|---|
 * | `add-nodes n voters=(1,2) learners=(3) index=i content=text …` | adds n nodes |
 * | `campaign id`, `tick-election id`, `tick-heartbeat id` | an election; a timeout's worth of ticks |
 * | `propose id data …` | proposes one entry per piece of data, all at once |
 * | `propose-conf-change id v1=true transition=explicit` | proposes steps such as `v1 l2 r3` (input) |
 * | `process-ready ids` | handles one `Ready` |
 * | `process-append-thread ids`, `process-apply-thread ids` | does one piece of storage work |
 * | `deliver-msgs ids type=MsgApp drop=(ids)` | delivers or drops messages |
 * | `stabilize ids log-level=none` | goes on until nothing is left to do |
 * | `transfer-leadership from=id to=id`, `forget-leader id`, `report-unreachable id id` | |
 * | `send-snapshot id id`, `report-snapshot id id delivered=false`, `compact id index` | |
 * | `read-index id context` | asks for an index to read at |
 * | `set-randomized-election-timeout id timeout=n` | |
 * | `raft-log id`, `raft-state`, `status id`, `log-level name` | printing |
 *
 * Source: etcd-io/raft rafttest (the commands and what they print; `read-index`, `report-snapshot` and
 * batches are additions).
 */
import { describeEntries, describeMessage, describeRole } from "../../src/raft/describe.ts";
import { RaftError } from "../../src/raft/errors.ts";
import { newMessage } from "../../src/raft/message.ts";
import { isJointVoter } from "../../src/raft/quorum/joint.ts";
import { describeProgressMap } from "../../src/raft/tracker/describe.ts";
import { bytesFromUtf8 } from "../../src/stdx/bytes.ts";
import { MessageType } from "../../src/wire/gen/raft.ts";
import { argumentOf, parseBoolean } from "./datadriven.ts";
import type { Directive } from "./datadriven.ts";
import { parseConfChange, parseIds, parseNodes, parseNumber } from "./raft-script-arguments.ts";
import { ScriptGroup } from "./raft-script-group.ts";
import type { Recipient } from "./raft-script-group.ts";
import type { ScriptNode } from "./raft-script-node.ts";

/** Does what a directive says; a text is an error to print. */
type Command = (group: ScriptGroup, directive: Directive) => string | undefined;

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["_breakpoint", () => undefined],
  ["add-nodes", addNodes],
  ["campaign", campaign],
  ["compact", compact],
  ["deliver-msgs", deliverMessages],
  ["process-ready", processReady],
  ["process-append-thread", processAppendThread],
  ["process-apply-thread", processApplyThread],
  ["log-level", (group, directive) => group.output.setLevel(directive.args[0].key)],
  ["raft-log", (group, directive) => printLog(group, firstNode(group, directive))],
  ["raft-state", printStates],
  ["set-randomized-election-timeout", setElectionTimeout],
  ["stabilize", stabilize],
  ["status", printStatus],
  ["tick-election", tickElection],
  ["tick-heartbeat", tickHeartbeat],
  ["transfer-leadership", transferLeadership],
  ["forget-leader", forgetLeader],
  ["send-snapshot", sendSnapshot],
  ["propose", propose],
  ["propose-conf-change", proposeConfChange],
  ["read-index", readIndex],
  ["report-snapshot", reportSnapshot],
  ["report-unreachable", reportUnreachable],
]);

/** Answers the directives of one script. */
export function createInteraction(): (directive: Directive) => string {
  const group = new ScriptGroup();
  const { output } = group;
  return (directive) => {
    output.reset();
    const command = COMMANDS.get(directive.command);
    const error = command === undefined ? "unknown command" : command(group, directive);
    if (error !== undefined && output.quiet) return error;
    if (error !== undefined) output.write(error);
    return output.text === "" ? "ok" : output.text;
  };
}

function firstNode(group: ScriptGroup, directive: Directive): ScriptNode {
  return group.node(BigInt(parseNumber(directive.args[0].key)));
}

function namedNodes(group: ScriptGroup, directive: Directive): ScriptNode[] {
  return parseIds(directive).map((id) => group.node(id));
}

function addNodes(group: ScriptGroup, directive: Directive): string | undefined {
  const parsed = parseNodes(directive);
  if (typeof parsed === "string") return parsed;
  group.addNodes(parseNumber(directive.args[0].key), parsed.options, parsed.snapshot);
  return undefined;
}

function campaign(group: ScriptGroup, directive: Directive): undefined {
  firstNode(group, directive).raft.campaign();
}

function compact(group: ScriptGroup, directive: Directive): string | undefined {
  const node = firstNode(group, directive);
  const error = node.storage.compact(parseNumber(directive.args[1].key));
  return error === undefined ? printLog(group, node) : error.message;
}

function deliverMessages(group: ScriptGroup, directive: Directive): string | undefined {
  const recipients: Recipient[] = [];
  let type: MessageType | undefined;
  for (const { key, values } of directive.args) {
    if (values.length === 0) {
      recipients.push({ id: BigInt(parseNumber(key)), drop: false });
    } else if (key === "drop") {
      for (const value of values) recipients.push({ id: BigInt(parseNumber(value)), drop: true });
    } else if (key === "type") {
      type = typeNamed(values[0]);
    }
  }
  if (new Set(recipients.map(({ id }) => id)).size < recipients.length) {
    throw new Error("Cannot both deliver and drop the messages of a node");
  }
  if (group.deliver(recipients, type) === 0) group.output.write("no messages\n");
  return undefined;
}

function typeNamed(name: string): MessageType {
  const found = Object.entries(MessageType).find(([each]) => each === name);
  if (found === undefined) throw new Error(`Cannot find message type ${name}`);
  return found[1];
}

function processReady(group: ScriptGroup, directive: Directive): string | undefined {
  const nodes = namedNodes(group, directive);
  return group.forEach(nodes, "handling Ready", (node) => group.processReady(node));
}

function processAppendThread(group: ScriptGroup, directive: Directive): string | undefined {
  const nodes = namedNodes(group, directive);
  return group.forEach(nodes, "processing append thread", (node) => group.processAppend(node));
}

function processApplyThread(group: ScriptGroup, directive: Directive): string | undefined {
  const nodes = namedNodes(group, directive);
  return group.forEach(nodes, "processing apply thread", (node) => group.processApply(node));
}

function stabilize(group: ScriptGroup, directive: Directive): string | undefined {
  const { output } = group;
  const named = namedNodes(group, directive);
  const level = output.level;
  const name = argumentOf(directive, "log-level");
  const error = name === undefined ? undefined : output.setLevel(name);
  const result = error ?? group.stabilize(named.length > 0 ? named : group.nodes);
  output.level = level;
  return result;
}

function printLog(group: ScriptGroup, { storage }: ScriptNode): string | undefined {
  const first = storage.firstIndex();
  const last = storage.lastIndex();
  if (last < first) {
    group.output.write(`log is empty: first index=${first}, last index=${last}`);
    return undefined;
  }
  const entries = storage.entries(first, last + 1, Number.POSITIVE_INFINITY);
  if (entries instanceof RaftError) return entries.message;
  group.output.write(describeEntries(entries));
  return undefined;
}

function printStates(group: ScriptGroup): undefined {
  for (const { id, raft } of group.nodes) {
    const { config, role, term, lead } = raft.status();
    const part = isJointVoter(config, id) ? "(Voter)" : "(Non-Voter)";
    group.output.write(`${id}: ${describeRole(role)} ${part} Term:${term} Lead:${lead}\n`);
  }
}

function printStatus(group: ScriptGroup, directive: Directive): undefined {
  const { progress } = firstNode(group, directive).raft.status();
  group.output.write(describeProgressMap(progress));
}

function setElectionTimeout(group: ScriptGroup, directive: Directive): undefined {
  const ticks = parseNumber(argumentOf(directive, "timeout") ?? "");
  firstNode(group, directive).raft.setRandomizedElectionTicks(ticks);
}

function tickElection(group: ScriptGroup, directive: Directive): undefined {
  const node = firstNode(group, directive);
  for (let i = 0; i < node.options.electionTicks; i++) node.raft.tick();
}

function tickHeartbeat(group: ScriptGroup, directive: Directive): undefined {
  const node = firstNode(group, directive);
  for (let i = 0; i < node.options.heartbeatTicks; i++) node.raft.tick();
}

function transferLeadership(group: ScriptGroup, directive: Directive): undefined {
  const from = BigInt(parseNumber(argumentOf(directive, "from") ?? ""));
  const to = BigInt(parseNumber(argumentOf(directive, "to") ?? ""));
  group.node(from).raft.transferLeader(group.node(to).id);
}

function forgetLeader(group: ScriptGroup, directive: Directive): undefined {
  firstNode(group, directive).raft.forgetLeader();
}

function sendSnapshot(group: ScriptGroup, directive: Directive): undefined {
  const [from, to] = parseIds(directive).map((id) => group.node(id));
  const message = newMessage(MessageType.MsgSnap, to.id);
  message.from = from.id;
  message.term = from.raft.basicStatus().term;
  message.snapshot = from.storage.snapshot();
  group.messages.push(message);
  group.output.write(describeMessage(message));
}

function propose(group: ScriptGroup, directive: Directive): string | undefined {
  const payloads = directive.args.slice(1).map(({ key }) => bytesFromUtf8(key));
  return firstNode(group, directive).raft.propose(payloads)?.message;
}

function proposeConfChange(group: ScriptGroup, directive: Directive): string | undefined {
  const change = parseConfChange(directive);
  if (typeof change === "string") return change;
  return firstNode(group, directive).raft.proposeConfChange(change)?.message;
}

function readIndex(group: ScriptGroup, directive: Directive): undefined {
  firstNode(group, directive).raft.readIndex(bytesFromUtf8(directive.args[1].key));
}

function reportSnapshot(group: ScriptGroup, directive: Directive): undefined {
  const [on, about] = parseIds(directive);
  const delivered = parseBoolean(argumentOf(directive, "delivered") ?? "true");
  group.node(on).raft.reportSnapshot(about, delivered);
}

function reportUnreachable(group: ScriptGroup, directive: Directive): string | undefined {
  const ids = parseIds(directive);
  if (ids.length !== 2) {
    return "must specify exactly two node indexes: node on which to report, and reported node";
  }
  group.node(ids[0]).raft.reportUnreachable(ids[1]);
  return undefined;
}
