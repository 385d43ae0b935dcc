/** The short form of the steps of a configuration change, `v1 l2 r3 u4`: voter, learner, remove, update. */
import { ConfChangeType } from "../../src/wire/gen/raft.ts";
import type { ConfChangeSingle } from "../../src/wire/gen/raft.ts";

/** Reads the short form; a text is an error to show. */
export function parseSteps(text: string): ConfChangeSingle[] | string {
  const steps: ConfChangeSingle[] = [];
  for (const token of text.trim().split(" ")) {
    if (token === "") continue;
    if (token.length < 2) return `unknown token ${token}`;
    const type = stepType(token[0]);
    if (type === undefined) return `unknown input: ${token}`;
    if (!/^\d+$/.test(token.slice(1)))
      return `strconv.ParseUint: parsing "${token.slice(1)}": invalid syntax`;
    steps.push({ type, nodeId: BigInt(token.slice(1)) });
  }
  return steps;
}

function stepType(letter: string): ConfChangeType | undefined {
  switch (letter) {
    case "v":
      return ConfChangeType.ConfChangeAddNode;
    case "l":
      return ConfChangeType.ConfChangeAddLearnerNode;
    case "r":
      return ConfChangeType.ConfChangeRemoveNode;
    case "u":
      return ConfChangeType.ConfChangeUpdateNode;
    default:
      return undefined;
  }
}
