/**
 * Flags that ask for what this version does not do. They are read like any other, so that a mistake in a
 * value is told; a value other than the default is refused at start: a member must never run with less than
 * it was told to. Whoever makes a flag work takes it out of here.
 */
import { FLAGS, type FlagName, type FlagValues } from "./table.ts";

interface NotYet {
  /** Why not, for the user. */
  readonly reason: string;
  /** Values beside the default that ask for nothing either. */
  readonly harmless?: readonly unknown[];
}

const V2: NotYet = { reason: "the v2 API does not exist" };
const MLOCK: NotYet = {
  reason:
    "Node.js cannot lock its memory; keep the process out of swap instead, as with MemorySwapMax=0 in its systemd unit",
};

export const NOT_YET: { readonly [Name in FlagName]?: NotYet } = {
  "memory-mlock": MLOCK,
  "experimental-memory-mlock": MLOCK,

  "enable-v2": V2,
  "experimental-enable-v2v3": V2,
  proxy: V2,
};

/** The first of `given` with a value that asks for what is not done, as the line that refuses it. */
export function notYetProblem(values: FlagValues, given: ReadonlySet<string>): string | undefined {
  for (const name of given) {
    const notYet = NOT_YET[name as FlagName];
    if (notYet === undefined) continue;
    const { initial } = FLAGS[name as FlagName];
    const value = JSON.stringify(values[name as FlagName]);
    const harmless = [initial, ...(notYet.harmless ?? [])];
    if (harmless.some((other) => JSON.stringify(other) === value)) continue;
    return `--${name} is not supported by this version of etcd-ts: ${notYet.reason}`;
  }
  return undefined;
}
