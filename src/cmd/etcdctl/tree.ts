/**
 * The commands of etcdctl. What a command does is loaded when it runs: starting costs what is needed.
 *
 * Source: etcd etcdctl/ctlv3/ctl.go and etcdctl/ctlv3/command (names, descriptions, flags).
 */
import { Command, type CommandSpec } from "../command.ts";
import { completionCommand } from "../completion/completion-command.ts";
import { FlagSet } from "../pflag.ts";
import { authCommands } from "./auth-commands.ts";
import { concurrencyCommands } from "./concurrency-commands.ts";
import { globalFlags } from "./global-flags.ts";
import { delSpec, getSpec, putSpec, watchFlags } from "./key-flags.ts";
import { maintenanceCommands } from "./maintenance-commands.ts";
import type { EtcdctlCommand, Session } from "./session.ts";

type Spec = CommandSpec<Session>;

/** A fresh tree: flags keep the values of one run. */
export function etcdctlCommands(): EtcdctlCommand {
  return new Command<Session>({
    use: "etcdctl",
    short: "A simple command line client for etcd3.",
    persistentFlags: globalFlags(),
    commands: inOrder([
      ...keyCommands(),
      mirrorCommand(),
      ...authCommands(),
      ...concurrencyCommands(),
      checkCommands(),
      leaseCommands(),
      endpointCommands(),
      memberCommands(),
      ...maintenanceCommands(),
      { ...completionCommand<Session>("etcdctl"), isAddition: true },
      options,
      version,
      help,
    ]),
  });
}

/** The order in which commands are suggested to who mistypes one; ours come behind. */
const ORDER = [
  ...[
    "get",
    "put",
    "del",
    "txn",
    "compaction",
    "alarm",
    "defrag",
    "endpoint",
    "move-leader",
    "watch",
  ],
  ...[
    "version",
    "lease",
    "member",
    "snapshot",
    "make-mirror",
    "lock",
    "elect",
    "auth",
    "user",
    "role",
  ],
  ...["check", "help", "completion"],
];

function inOrder(specs: readonly Spec[]): Spec[] {
  const place = ({ use }: Spec): number => {
    const at = ORDER.indexOf(use.split(" ", 1)[0]);
    return at < 0 ? ORDER.length : at;
  };
  return [...specs].sort((a, b) => place(a) - place(b));
}

function keyCommands(): Spec[] {
  return [
    { ...getSpec(), run: async (...of) => (await import("./run-keys.ts")).runGet(...of) },
    { ...putSpec(), run: async (...of) => (await import("./run-keys.ts")).runPut(...of) },
    { ...delSpec(), run: async (...of) => (await import("./run-keys.ts")).runDel(...of) },
    {
      use: "txn [options]",
      short: "Txn processes all the requests in one transaction",
      flags: new FlagSet().bool("interactive", false, "Input transaction in interactive mode", "i"),
      run: async (...of) => (await import("./run-txn.ts")).runTxn(...of),
    },
    {
      use: "compaction [options] <revision>",
      short: "Compacts the event history in etcd",
      flags: new FlagSet().bool(
        "physical",
        false,
        "'true' to wait for compaction to physically remove all old revisions",
      ),
      run: async (...of) => (await import("./run-keys.ts")).runCompaction(...of),
    },
    {
      use: "watch [options] [key or prefix] [range_end] [--] [exec-command arg1 arg2 ...]",
      short: "Watches events stream on keys or prefixes",
      flags: watchFlags(),
      run: async (...of) => (await import("./run-watch.ts")).runWatch(...of),
    },
  ];
}

function mirrorCommand(): Spec {
  return {
    use: "make-mirror [options] <destination>",
    short: "Makes a mirror at the destination etcd cluster",
    flags: new FlagSet()
      .string("prefix", "", "Key-value prefix to mirror")
      .string(
        "dest-prefix",
        "",
        "destination prefix to mirror a prefix to a different prefix in the destination cluster",
      )
      .bool("no-dest-prefix", false, "mirror key-values to the root of the destination cluster")
      .string(
        "dest-cert",
        "",
        "Identify secure client using this TLS certificate file for the destination cluster",
      )
      .string("dest-key", "", "Identify secure client using this TLS key file")
      .string(
        "dest-cacert",
        "",
        "Verify certificates of TLS enabled secure servers using this CA bundle",
      )
      .bool("dest-insecure-transport", true, "Disable transport security for client connections")
      .string(
        "dest-user",
        "",
        "Destination username[:password] for authentication (prompt if password is not supplied)",
      )
      .string(
        "dest-password",
        "",
        "Destination password for authentication (if this option is used, --user option shouldn't include password)",
      )
      // Of etcd 3.6.
      .int64("rev", 0n, "Specify the kv revision to start to mirror")
      .uint64(
        "max-txn-ops",
        128n,
        "Maximum number of operations permitted in a transaction during syncing updates",
      )
      .hide("rev", "max-txn-ops"),
    run: async (...of) => (await import("./run-mirror.ts")).runMakeMirror(...of),
  };
}

function checkCommands(): Spec {
  const checkFlags = (name: string): FlagSet =>
    new FlagSet()
      .string(
        "load",
        "s",
        `The ${name === "perf" ? "performance" : name} check's workload model. Accepted workloads: s(small), m(medium), l(large), xl(xLarge)`,
      )
      .string(
        "prefix",
        `/etcdctl-check-${name}/`,
        `The prefix for writing the ${name === "perf" ? "performance" : name} check's keys.`,
      )
      .bool("auto-compact", false, "Compact storage with last revision after test is finished.")
      .bool("auto-defrag", false, "Defragment storage after test is finished.");
  return {
    use: "check <subcommand>",
    short: "commands for checking properties of the etcd cluster",
    commands: [
      {
        use: "perf [options]",
        short: "Check the performance of the etcd cluster",
        flags: checkFlags("perf"),
        run: async (...of) => (await import("./run-check.ts")).runCheckPerf(...of),
      },
      {
        use: "datascale [options]",
        short:
          "Check the memory usage of holding data for different workloads on a given server endpoint.",
        long: "If no endpoint is provided, localhost will be used. If multiple endpoints are provided, first endpoint will be used.",
        flags: checkFlags("datascale"),
        run: async (...of) => (await import("./run-check.ts")).runCheckDatascale(...of),
      },
    ],
  };
}

function leaseCommands(): Spec {
  return {
    use: "lease <subcommand>",
    short: "Lease related commands",
    commands: [
      {
        use: "grant <ttl>",
        short: "Creates leases",
        run: async (...of) => (await import("./run-lease.ts")).runLeaseGrant(...of),
      },
      {
        use: "revoke <leaseID>",
        short: "Revokes leases",
        run: async (...of) => (await import("./run-lease.ts")).runLeaseRevoke(...of),
      },
      {
        use: "timetolive <leaseID> [options]",
        short: "Get lease information",
        flags: new FlagSet().bool("keys", false, "Get keys attached to this lease"),
        run: async (...of) => (await import("./run-lease.ts")).runLeaseTimeToLive(...of),
      },
      {
        use: "list",
        short: "List all active leases",
        run: async (...of) => (await import("./run-lease.ts")).runLeaseList(...of),
      },
      {
        use: "keep-alive [options] <leaseID>",
        short: "Keeps leases alive (renew)",
        flags: new FlagSet().bool(
          "once",
          false,
          "Resets the keep-alive time to its original value and cobrautl.Exits immediately",
        ),
        run: async (...of) => (await import("./run-lease.ts")).runLeaseKeepAlive(...of),
      },
    ],
  };
}

function endpointCommands(): Spec {
  return {
    use: "endpoint <subcommand>",
    short: "Endpoint related commands",
    persistentFlags: new FlagSet().bool(
      "cluster",
      false,
      "use all endpoints from the cluster member list",
    ),
    commands: [
      {
        use: "hashkv",
        short: "Prints the KV history hash for each endpoint in --endpoints",
        flags: new FlagSet().int64("rev", 0n, "maximum revision to hash (default: all revisions)"),
        run: async (...of) => (await import("./run-endpoint.ts")).runEndpointHashKv(...of),
      },
      {
        use: "health",
        short: "Checks the healthiness of endpoints specified in `--endpoints` flag",
        run: async (...of) => (await import("./run-endpoint.ts")).runEndpointHealth(...of),
      },
      {
        use: "status",
        short: "Prints out the status of endpoints specified in `--endpoints` flag",
        long: `When --write-out is set to simple, this command prints out comma-separated status lists for each endpoint.
The items in the lists are endpoint, ID, version, db size, is leader, is learner, raft term, raft index, raft applied index, errors.
`,
        run: async (...of) => (await import("./run-endpoint.ts")).runEndpointStatus(...of),
      },
    ],
  };
}

function memberCommands(): Spec {
  return {
    use: "member <subcommand>",
    short: "Membership related commands",
    commands: [
      {
        use: "add <memberName> [options]",
        short: "Adds a member into the cluster",
        flags: new FlagSet()
          .string("peer-urls", "", "comma separated peer URLs for the new member.")
          .bool("learner", false, "indicates if the new member is raft learner"),
        run: async (...of) => (await import("./run-member.ts")).runMemberAdd(...of),
      },
      {
        use: "remove <memberID>",
        short: "Removes a member from the cluster",
        run: async (...of) => (await import("./run-member.ts")).runMemberRemove(...of),
      },
      {
        use: "update <memberID> [options]",
        short: "Updates a member in the cluster",
        flags: new FlagSet().string(
          "peer-urls",
          "",
          "comma separated peer URLs for the updated member.",
        ),
        run: async (...of) => (await import("./run-member.ts")).runMemberUpdate(...of),
      },
      {
        use: "list",
        short: "Lists all members in the cluster",
        long: `When --write-out is set to simple, this command prints out comma-separated member lists for each endpoint.
The items in the lists are ID, Status, Name, Peer Addrs, Client Addrs, Is Learner.
`,
        // Of etcd 3.6.
        flags: new FlagSet()
          .string("consistency", "l", "Linearizable(l) or Serializable(s)")
          .hide("consistency"),
        run: async (...of) => (await import("./run-member.ts")).runMemberList(...of),
      },
      {
        use: "promote <memberID>",
        short: "Promotes a non-voting member in the cluster",
        long: `Promotes a non-voting learner member to a voting one in the cluster.
`,
        run: async (...of) => (await import("./run-member.ts")).runMemberPromote(...of),
      },
    ],
  };
}

const version: Spec = {
  use: "version",
  short: "Prints the version of etcdctl",
  run: async (...of) => (await import("./run-version.ts")).runVersion(...of),
};

/** Of etcd 3.7. */
const options: Spec = {
  use: "options",
  short: "Show the global command-line flags",
  isHidden: true,
  isAddition: true,
  run: async ({ io }, { command }) => {
    const { everyFlagLine } = await import("../usage.ts");
    io.out("The following options can be passed to any command:\n\n");
    io.out(everyFlagLine(command.inheritedFlags));
  },
};

const help: Spec = {
  use: "help [command]",
  short: "Help about any command",
  completes: "commands",
  long: `Help provides help for any command in the application.
Simply type etcdctl help [path to command] for full details.`,
  run: async (...of) => (await import("./run-help.ts")).runHelp(...of),
};
