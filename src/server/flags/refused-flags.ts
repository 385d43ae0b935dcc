/**
 * Flags that ask for what this program does not do. They are read like any other, so that a mistake in a
 * value is told; a value other than the default is refused at start: a member must never run with less than
 * it was told to.
 */
import { FLAGS, type FlagName, type FlagValues } from "./table.ts";

interface Refused {
  /** Why not, for the user. */
  readonly reason: string;
}

const V2: Refused = { reason: "the v2 API does not exist" };
const MLOCK: Refused = {
  reason:
    "Node.js cannot lock its memory; keep the process out of swap instead, as with MemorySwapMax=0 in its systemd unit",
};

export const REFUSED_FLAGS: { readonly [Name in FlagName]?: Refused } = {
  "memory-mlock": MLOCK,
  "experimental-memory-mlock": MLOCK,

  "enable-v2": V2,
  "experimental-enable-v2v3": V2,
  proxy: V2,
};

/** The first of `given` with a value that asks for what is not done, as the line that refuses it. */
export function refusedProblem(values: FlagValues, given: ReadonlySet<string>): string | undefined {
  for (const name of given) {
    const refusal = REFUSED_FLAGS[name as FlagName];
    if (refusal === undefined) continue;
    const { initial } = FLAGS[name as FlagName];
    if (values[name as FlagName] === initial) continue;
    return `--${name} is not supported by this version of etcd-ts: ${refusal.reason}`;
  }
  return undefined;
}
