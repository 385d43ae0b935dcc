import fc from "fast-check";
import { expect, test } from "vitest";
import { ConfChangeType } from "../../wire/gen/raft.ts";
import type { ConfChangeSingle } from "../../wire/gen/raft.ts";
import { RaftError } from "../errors.ts";
import { confStateOf, emptyConfiguration } from "../tracker/configuration.ts";
import type { TrackedConfiguration } from "../tracker/progress-tracker.ts";
import { changeSimple, enterJoint, leaveJoint } from "./changer.ts";
import type { ChangeBase } from "./changer.ts";
import { equivalentConfStates, restoreConfiguration } from "./restore.ts";

const EMPTY: TrackedConfiguration = { config: emptyConfiguration(), progress: new Map() };

function baseOn({ config, progress }: TrackedConfiguration): ChangeBase {
  const inflightBytesMax = Number.POSITIVE_INFINITY;
  return { config, progress, lastIndex: 10, inflightMessagesMax: 4, inflightBytesMax };
}

function must(result: TrackedConfiguration | RaftError): TrackedConfiguration {
  if (result instanceof RaftError) throw result;
  return result;
}

const ALL_TYPES = Object.values(ConfChangeType);
const step = fc.record({
  type: fc.constantFrom(...ALL_TYPES),
  nodeId: fc.bigInt({ min: 1n, max: 7n }),
});
/** Node 1 always votes, so that there is always a voter. */
const keepsVoter = (each: ConfChangeSingle): boolean =>
  each.nodeId !== 1n || each.type === ConfChangeType.ConfChangeAddNode;
const steps = fc.array(step.filter(keepsVoter), { minLength: 1, maxLength: 8 });
const first: ConfChangeSingle = { type: ConfChangeType.ConfChangeAddNode, nodeId: 1n };

/** A configuration made by simple changes. */
function grown(changes: readonly ConfChangeSingle[]): TrackedConfiguration {
  let tracked = must(changeSimple(baseOn(EMPTY), [first]));
  for (const change of changes) tracked = must(changeSimple(baseOn(tracked), [change]));
  return tracked;
}

test("enterJoint and leaveJoint lead where simple changes one by one lead", () => {
  fc.assert(
    fc.property(steps, steps, fc.boolean(), (before, changes, autoLeave) => {
      const start = grown(before);
      const joint = must(enterJoint(baseOn(start), autoLeave, changes));
      const through = must(leaveJoint(baseOn(joint)));
      const direct = grown([...before, ...changes]);
      expect(confStateOf(through.config)).toEqual(confStateOf(direct.config));
      expect([...through.progress.keys()]).toEqual([...direct.progress.keys()]);
    }),
  );
});

test("enterJoint keeps the old voters as the outgoing half", () => {
  fc.assert(
    fc.property(steps, steps, (before, changes) => {
      const start = grown(before);
      const { config, progress } = must(enterJoint(baseOn(start), false, changes));
      expect(config.outgoing).toEqual(start.config.incoming);
      for (const id of config.outgoing) expect(progress.has(id)).toBe(true);
    }),
  );
});

test("a change leaves the configuration it starts from as it was", () => {
  fc.assert(
    fc.property(steps, steps, (before, changes) => {
      const start = grown(before);
      const state = confStateOf(start.config);
      const learners = [...start.progress].map(([id, { isLearner }]) => [id, isLearner]);
      must(enterJoint(baseOn(start), true, changes));
      expect(confStateOf(start.config)).toEqual(state);
      expect([...start.progress].map(([id, { isLearner }]) => [id, isLearner])).toEqual(learners);
    }),
  );
});

test("restoreConfiguration makes the configuration that a snapshot carries", () => {
  fc.assert(
    fc.property(steps, fc.option(steps), fc.boolean(), (before, changes, autoLeave) => {
      const start = grown(before);
      const tracked =
        changes === null ? start : must(enterJoint(baseOn(start), autoLeave, changes));
      const state = confStateOf(tracked.config);
      const restored = must(restoreConfiguration(baseOn(EMPTY), state));
      expect(confStateOf(restored.config)).toEqual(state);
      expect([...restored.progress.keys()]).toEqual([...tracked.progress.keys()]);
    }),
  );
});

test("progress is in ascending order of ids, however the nodes came", () => {
  const ids = [5n, 3n, 0xffff_ffff_ffff_fff0n, 4n];
  const changes = ids.map((nodeId) => ({ type: ConfChangeType.ConfChangeAddNode, nodeId }));
  const sorted = [1n, 3n, 4n, 5n, 0xffff_ffff_ffff_fff0n];
  expect([...grown(changes).progress.keys()]).toEqual(sorted);
});

test("changes refuse a type that is none", () => {
  const start = grown([]);
  const change = { type: 9, nodeId: 2n };
  expect(changeSimple(baseOn(start), [change])).toBeInstanceOf(RaftError);
});

test("equivalentConfStates ignores order and nothing else", () => {
  const state = {
    voters: [1n, 2n],
    learners: [3n],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
  expect(equivalentConfStates(state, { ...state, voters: [2n, 1n] })).toBe(true);
  expect(equivalentConfStates(state, { ...state, voters: [1n] })).toBe(false);
  expect(equivalentConfStates(state, { ...state, autoLeave: true })).toBe(false);
  expect(equivalentConfStates(state, { ...state, learners: [4n] })).toBe(false);
});
