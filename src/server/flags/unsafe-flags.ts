/** Flags that give up what a member otherwise promises. */
import { flag } from "./flag.ts";
import { bool } from "./kinds.ts";

export const UNSAFE_FLAGS = {
  "force-new-cluster": flag(
    "Unsafe feature",
    bool,
    false,
    "false",
    "Make a cluster of this member alone out of its data, when the others are lost for good.",
    "Their ids must not come back: remove their data. Start without it afterwards.",
  ),
  "unsafe-no-fsync": flag(
    "Unsafe feature",
    bool,
    false,
    "false",
    "Do not wait for the disk. A crash of the machine loses data.",
  ),
  repair: flag(
    "Unsafe feature",
    bool,
    false,
    "false",
    "Check the data directory of a member that does not run, repair what can be repaired without losing an",
    "acknowledged write, say what was done, and end. Keeps copies. Not a flag of etcd.",
  ),
} as const;
