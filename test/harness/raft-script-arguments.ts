/** Reading the arguments of raft scripts. */
import type { AnyConfChange } from "../../src/raft/confchange/conf-change.ts";
import type { ReadMode } from "../../src/raft/config.ts";
import type { NodeId } from "../../src/raft/node-id.ts";
import { emptySnapshot } from "../../src/raft/snapshot.ts";
import { bytesFromUtf8 } from "../../src/stdx/bytes.ts";
import { ConfChangeTransition } from "../../src/wire/gen/raft.ts";
import type { Snapshot } from "../../src/wire/gen/raft.ts";
import { argumentOf, parseBoolean } from "./datadriven.ts";
import type { Directive } from "./datadriven.ts";
import type { NodeOptions } from "./raft-script-node.ts";
import { parseSteps } from "./raft-steps.ts";

/** Term of the snapshot that scripted groups start from. */
const START_TERM = 1;

const DEFAULT_OPTIONS: NodeOptions = {
  electionTicks: 3,
  heartbeatTicks: 1,
  messageBytesMax: Number.POSITIVE_INFINITY,
  inflightMessagesMax: 2 ** 31 - 1,
  asyncStorageWrites: false,
};

/** The number an argument without value is. */
export function parseNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`Cannot read ${JSON.stringify(text)} as a number`);
  return Number(text);
}

/** All arguments without a value, as node ids. */
export function parseIds(directive: Directive): NodeId[] {
  return directive.args
    .filter((argument) => argument.values.length === 0)
    .map((argument) => BigInt(parseNumber(argument.key)));
}

/** How the nodes that `add-nodes` adds are set up and what they start from; a text is an error. */
export function parseNodes(
  directive: Directive,
): { readonly options: NodeOptions; readonly snapshot: Snapshot } | string {
  const snapshot = parseSnapshot(directive);
  if (typeof snapshot === "string") return snapshot;
  const flag = (key: string): boolean => parseBoolean(argumentOf(directive, key) ?? "false");
  const readMode = parseReadMode(argumentOf(directive, "read-only") ?? "safe");
  if (readMode === undefined) {
    return `invalid read-only option "${argumentOf(directive, "read-only")}"`;
  }
  const options: NodeOptions = {
    ...DEFAULT_OPTIONS,
    ...parseLimits(directive),
    applied: snapshot.metadata.index,
    asyncStorageWrites: flag("async-storage-writes"),
    preVote: flag("prevote"),
    checkQuorum: flag("checkquorum"),
    disableProposalForwarding: flag("disable-proposal-forwarding"),
    disableConfChangeValidation: flag("disable-conf-change-validation"),
    stepDownOnRemoval: flag("step-down-on-removal"),
    readMode,
  };
  const refusal = refusalOf(options);
  return refusal ?? { options, snapshot };
}

/** Why no node can have these options. */
function refusalOf({
  inflightMessagesMax,
  readMode,
  checkQuorum,
}: NodeOptions): string | undefined {
  if (inflightMessagesMax === 0) return "max inflight messages must be greater than 0";
  if (readMode === "leaseBased" && checkQuorum !== true) {
    return "CheckQuorum must be enabled when ReadOnlyOption is ReadOnlyLeaseBased";
  }
  return undefined;
}

/** Names of limits in scripts. */
const LIMITS = {
  inflight: "inflightMessagesMax",
  "max-inflight-bytes": "inflightBytesMax",
  "max-size-per-msg": "messageBytesMax",
  "max-committed-size-per-ready": "applyingBytesMax",
  "max-uncommitted-size": "uncommittedBytesMax",
} as const satisfies Record<string, keyof NodeOptions>;

function parseLimits(directive: Directive): Partial<NodeOptions> {
  const limits: Partial<Record<(typeof LIMITS)[keyof typeof LIMITS], number>> = {};
  for (const [name, option] of Object.entries(LIMITS)) {
    const value = argumentOf(directive, name);
    if (value !== undefined) limits[option] = parseNumber(value);
  }
  return limits;
}

function parseReadMode(text: string): ReadMode | undefined {
  if (text === "safe") return "safe";
  return text === "lease-based" ? "leaseBased" : undefined;
}

function parseSnapshot(directive: Directive): Snapshot | string {
  const ids = (key: string): NodeId[] =>
    directive.args
      .filter((argument) => argument.key === key)
      .flatMap((argument) => argument.values.map((value) => BigInt(parseNumber(value))));
  const { metadata } = emptySnapshot();
  const confState = { ...metadata.confState, voters: ids("voters"), learners: ids("learners") };
  const index = parseNumber(argumentOf(directive, "index") ?? "0");
  const content = argumentOf(directive, "content");
  const members = confState.voters.length + confState.learners.length;
  if (members === 0 && index === 0 && content === undefined) return emptySnapshot();
  if (index <= 1) return "index must be specified as > 1 due to bootstrap";
  const data = content === undefined ? undefined : bytesFromUtf8(content);
  return { data, metadata: { confState, index, term: START_TERM } };
}

const TRANSITIONS: ReadonlyMap<string, ConfChangeTransition> = new Map([
  ["auto", ConfChangeTransition.ConfChangeTransitionAuto],
  ["implicit", ConfChangeTransition.ConfChangeTransitionJointImplicit],
  ["explicit", ConfChangeTransition.ConfChangeTransitionJointExplicit],
]);

/** The change that `propose-conf-change` proposes; a text is an error. */
export function parseConfChange(directive: Directive): AnyConfChange | string {
  for (const { key, values } of directive.args.slice(1)) {
    if (values.length > 0 && key !== "v1" && key !== "transition") return `unknown command ${key}`;
  }
  const transitionName = argumentOf(directive, "transition") ?? "auto";
  const transition = TRANSITIONS.get(transitionName);
  if (transition === undefined) return `unknown transition ${transitionName}`;
  const changes = parseSteps(directive.input);
  if (typeof changes === "string") return changes;
  if (!parseBoolean(argumentOf(directive, "v1") ?? "false")) {
    return { transition, changes, context: undefined };
  }
  if (changes.length !== 1 || transition !== ConfChangeTransition.ConfChangeTransitionAuto) {
    return "v1 conf change can only have one operation and no transition";
  }
  return { id: 0n, type: changes[0].type, nodeId: changes[0].nodeId, context: undefined };
}
