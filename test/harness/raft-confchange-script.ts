/**
 * Scripts for the algebra of configuration changes: `simple`, `enter-joint autoleave=true` and
 * `leave-joint`, with steps such as `v1 l2 r3 u4` as input. Every command works on the configuration the
 * one before it left, and prints it with the progress of its nodes.
 */
import { changeSimple, enterJoint, leaveJoint } from "../../src/raft/confchange/changer.ts";
import type { ChangeBase } from "../../src/raft/confchange/changer.ts";
import { RaftError } from "../../src/raft/errors.ts";
import { describeConfiguration, emptyConfiguration } from "../../src/raft/tracker/configuration.ts";
import { describeProgressMap } from "../../src/raft/tracker/describe.ts";
import type { TrackedConfiguration } from "../../src/raft/tracker/progress-tracker.ts";
import { argumentOf, parseBoolean } from "./datadriven.ts";
import type { Directive } from "./datadriven.ts";
import { parseSteps } from "./raft-steps.ts";

const INFLIGHT_MESSAGES_MAX = 10;

/** Answers the directives of one script. */
export function createConfChangeScript(): (directive: Directive) => string {
  let tracked: TrackedConfiguration = { config: emptyConfiguration(), progress: new Map() };
  let lastIndex = 0;
  return (directive) => {
    const base: ChangeBase = {
      config: tracked.config,
      progress: tracked.progress,
      lastIndex,
      inflightMessagesMax: INFLIGHT_MESSAGES_MAX,
      inflightBytesMax: Number.POSITIVE_INFINITY,
    };
    lastIndex++;
    const next = change(base, directive);
    if (typeof next === "string") return next;
    if (next instanceof RaftError) return `${next.message}\n`;
    tracked = next;
    return `${describeConfiguration(next.config)}\n${describeProgressMap(next.progress)}`;
  };
}

function change(base: ChangeBase, directive: Directive): TrackedConfiguration | RaftError | string {
  const steps = parseSteps(directive.input);
  if (typeof steps === "string") return steps;
  switch (directive.command) {
    case "simple":
      return changeSimple(base, steps);
    case "enter-joint":
      return enterJoint(base, parseBoolean(argumentOf(directive, "autoleave") ?? "false"), steps);
    case "leave-joint":
      return steps.length > 0 ? "this command takes no input\n" : leaveJoint(base);
    default:
      return "unknown command";
  }
}
