/** lock and elect as they appear in the tree of commands. Source: etcd etcdctl/ctlv3/command (lock, elect). */
import type { CommandSpec } from "../command.ts";
import { FlagSet } from "../pflag.ts";
import type { Session } from "./session.ts";

export function concurrencyCommands(): CommandSpec<Session>[] {
  return [
    {
      use: "lock <lockname> [exec-command arg1 arg2 ...]",
      short: "Acquires a named lock",
      flags: new FlagSet().int64("ttl", 10n, "timeout for session"),
      run: async (...of) => (await import("./run-lock.ts")).runLock(...of),
    },
    {
      use: "elect <election-name> [proposal]",
      short: "Observes and participates in leader election",
      flags: new FlagSet().bool("listen", false, "observation mode", "l"),
      run: async (...of) => (await import("./run-elect.ts")).runElect(...of),
    },
  ];
}
