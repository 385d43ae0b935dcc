/**
 * Whether the revisions in a history agree with time: an operation that was called after somebody had seen
 * a revision sees it or a later one, and makes a later one.
 */
import type { History } from "../history.ts";
import { type Answered, isAnswered, isSerializable, wrote } from "./kv-facts.ts";
import { describeOperation, type Violation } from "./violation.ts";

interface Sighting {
  readonly time: number;
  readonly revision: number;
  readonly describe: () => string;
}

export function timeViolation(history: History): Violation | undefined {
  const answered = history.operations.filter(isAnswered);
  const sightings = sightingsOf(history, answered);
  const bound = answered.filter(isBound).sort((a, b) => a.call - b.call);
  let at = 0;
  let newest: Sighting | undefined;
  for (const operation of bound) {
    for (; at < sightings.length && sightings[at].time < operation.call; at++) {
      if (newest === undefined || sightings[at].revision > newest.revision) newest = sightings[at];
    }
    if (newest === undefined) continue;
    const { revision } = operation.outcome;
    const isBehind = wrote(operation) ? revision <= newest.revision : revision < newest.revision;
    if (!isBehind) continue;
    return {
      rule: "linearizability",
      summary: `revision ${newest.revision} had been seen before an operation that got ${revision} was called`,
      lines: [newest.describe(), describeOperation(operation)],
    };
  }
  return undefined;
}

/** Whether the header's revision is that of the moment when the operation took place. */
function isBound(operation: Answered): boolean {
  const { kind } = operation.request;
  const hasOrder = kind === "revoke" || kind === "put" || kind === "delete";
  return hasOrder || ((kind === "range" || kind === "txn") && !isSerializable(operation));
}

/** By time. */
function sightingsOf({ watches }: History, answered: readonly Answered[]): Sighting[] {
  const sightings: Sighting[] = answered.map((operation) => ({
    time: operation.return,
    revision: operation.outcome.revision,
    describe: () => describeOperation(operation),
  }));
  for (const { client, key, responses } of watches) {
    for (const { time, revision, events } of responses) {
      const newest = events.length === 0 ? revision : events[events.length - 1].kv.mod;
      const describe = () =>
        `client ${client} watching ${key} was shown revision ${newest} at ${time}`;
      sightings.push({ time, revision: newest, describe });
    }
  }
  return sightings.sort((a, b) => a.time - b.time);
}
