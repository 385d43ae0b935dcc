/**
 * The commands that look after members and their files.
 *
 * Source: etcd etcdctl/ctlv3/command/{alarm,defrag,move_leader,snapshot}_command.go (names, flags).
 */
import type { CommandSpec } from "../command.ts";
import { FlagSet } from "../pflag.ts";
import { restoreFlags } from "../restore-flags.ts";
import type { Session } from "./session.ts";

type Spec = CommandSpec<Session>;

export function maintenanceCommands(): Spec[] {
  return [
    {
      use: "alarm <subcommand>",
      short: "Alarm related commands",
      commands: [
        {
          use: "disarm",
          short: "Disarms all alarms",
          run: async (...of) => (await import("./run-maintenance.ts")).runAlarmDisarm(...of),
        },
        {
          use: "list",
          short: "Lists all alarms",
          run: async (...of) => (await import("./run-maintenance.ts")).runAlarmList(...of),
        },
      ],
    },
    {
      use: "defrag",
      short: "Defragments the storage of the etcd members with given endpoints",
      flags: new FlagSet()
        .bool("cluster", false, "use all endpoints from the cluster member list")
        .string(
          "data-dir",
          "",
          "Optional. If present, defragments a data directory not in use by etcd.",
        ),
      run: async (...of) => (await import("./run-maintenance.ts")).runDefrag(...of),
    },
    {
      use: "move-leader <transferee-member-id>",
      short: "Transfers leadership to another etcd cluster member.",
      run: async (...of) => (await import("./run-maintenance.ts")).runMoveLeader(...of),
    },
    snapshotCommands(),
    diagnosticCommand(),
    debugCommand(),
    downgradeCommands(),
  ];
}

/** Of etcd 3.6, whose members a cluster may come back from. */
function downgradeCommands(): Spec {
  return {
    use: "downgrade <TARGET_VERSION>",
    short: "Downgrade related commands",
    isHidden: true,
    isAddition: true,
    commands: [
      {
        use: "validate <TARGET_VERSION>",
        short: "Validate downgrade capability before starting downgrade",
        run: async (...of) => (await import("./run-downgrade.ts")).runDowngradeValidate(...of),
      },
      {
        use: "enable <TARGET_VERSION>",
        short: "Start a downgrade action to cluster",
        run: async (...of) => (await import("./run-downgrade.ts")).runDowngradeEnable(...of),
      },
      {
        use: "cancel",
        short: "Cancel the ongoing downgrade action to cluster",
        run: async (...of) => (await import("./run-downgrade.ts")).runDowngradeCancel(...of),
      },
    ],
  };
}

/** Of ours alone. */
function diagnosticCommand(): Spec {
  return {
    use: "diagnostic [options]",
    short: "Collects what endpoints tell of themselves in one archive",
    isAddition: true,
    long: `Asks every endpoint for its status, members, alarms, health, hash of the keys, command line and metrics.
Nothing in the archive is a key or value of the store, or a secret.
`,
    flags: new FlagSet()
      .bool("cluster", false, "use all endpoints from the cluster member list")
      .string("output-file", "etcd-diagnostic.tar.gz", "file that the archive is written to"),
    run: async (...of) => {
      await (await import("./diagnostic/run-diagnostic.ts")).runDiagnostic(...of);
    },
  };
}

/** Of ours alone. */
function debugCommand(): Spec {
  return {
    use: "debug [options]",
    short: "Looks at a cluster that may be ill: a verdict, what is wrong, and what to do",
    long: `Asks the endpoints, and all members that they know, how they are: reachability, certificates, quorum, leader,
lags, alarms, space, disks and clocks. It changes nothing, works without a quorum, and shows no keys, values or secrets.

The exit code is 0 when nothing needs to be done, and 1 when something does. "etcdctl diagnostic" collects
more of the same in a file, to be looked at elsewhere.
`,
    isAddition: true,
    flags: new FlagSet()
      .bool("cluster", true, "look at all members that the endpoints know, beside --endpoints")
      .bool("hash", false, "compare hashes of all keys, which every member must read for it")
      .duration("sample", 1_000_000_000n, "time between two looks at the metrics (0 for one look)"),
    run: async (...of) => (await import("./debug/run-debug.ts")).runDebug(...of),
  };
}

function snapshotCommands(): Spec {
  return {
    use: "snapshot <subcommand>",
    short: "Manages etcd node snapshots",
    commands: [
      {
        use: "save <filename>",
        short: "Stores an etcd node backend snapshot to a given file",
        run: async (...of) => (await import("./run-snapshot.ts")).runSave(...of),
      },
      {
        use: "restore <filename> [options]",
        short: "Restores an etcd member snapshot to an etcd directory",
        long: "Moved to `etcdutl snapshot restore ...`\n",
        flags: restoreFlags("Path to the data directory", 0n),
        run: async (...of) => (await import("./run-snapshot.ts")).runRestore(...of),
      },
      {
        use: "status <filename>",
        short: "[deprecated] Gets backend snapshot status of a given file",
        long: `When --write-out is set to simple, this command prints out comma-separated status lists for each endpoint.
The items in the lists are hash, revision, total keys, total size.

Moved to 'etcdutl snapshot status ...'
`,
        run: async (...of) => (await import("./run-snapshot.ts")).runStatus(...of),
      },
    ],
  };
}
