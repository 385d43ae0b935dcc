/** Changes of the membership under load. */
import type { Fault } from "./faults.ts";

export const MEMBERSHIP_FAULTS: Readonly<Record<string, Fault>> = {
  addLearner: ({ operator }, random) => operator.add(random, true),
  addVoter: ({ operator }, random) => operator.add(random, false),
  addAndPromote: ({ operator }, random) => operator.addAndPromote(random),
  removeMember: ({ operator }, random) => operator.remove(random),
};
