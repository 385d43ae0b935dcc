/**
 * The commands of etcdutl. What a command does is loaded when it runs.
 *
 * Source: etcd etcdutl/ctl.go and etcdutl/etcdutl (names, descriptions, flags; 3.5).
 */
import { Command, type CommandSpec } from "../command.ts";
import { completionCommand } from "../completion/completion-command.ts";
import { FlagSet } from "../pflag.ts";
import { restoreFlags } from "../restore-flags.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import type { EtcdutlCommand, UtlSession } from "./session.ts";

type Spec = CommandSpec<UtlSession>;

/** What the database of a member is mapped to at first, in bytes: 10 GiB. */
const INITIAL_MEMORY_MAP_BYTES = 10_737_418_240n;

/** A fresh tree: flags keep the values of one run. */
export function etcdutlCommands(): EtcdutlCommand {
  return new Command<UtlSession>({
    use: "etcdutl",
    short: "An administrative command line tool for etcd3.",
    persistentFlags: new FlagSet()
      .string(
        "write-out",
        "simple",
        "set the output format (fields, json, protobuf, simple, table)",
        "w",
      )
      // Of etcd 3.7, which does not wait for ever unless it is told to.
      .duration(
        "timeout",
        0n,
        "time to wait to obtain a file lock on db file, 0 to block indefinitely",
      )
      .hide("timeout"),
    commands: [
      backupCommand(),
      checkCommands(),
      defragCommand(),
      hashKvCommand(),
      migrateCommand(),
      snapshotCommands(),
      { ...completionCommand<UtlSession>("etcdutl"), isAddition: true },
      version,
      help,
    ],
  });
}

function snapshotCommands(): Spec {
  return {
    use: "snapshot",
    short: "Manages etcd node snapshots",
    commands: [
      {
        use: "save <filename>",
        short: "Stores an etcd node backend snapshot to a given file",
        deprecated: "Use `etcdctl snapshot save` to download snapshot",
        hidesFlagsInUse: true,
        run: () => {
          const text = "In order to download snapshot use: `etcdctl snapshot save ...`";
          throw new ToolExit(ExitCode.BAD_ARGUMENTS, text);
        },
      },
      {
        use: "restore <filename> --data-dir {output dir} [options]",
        short: "Restores an etcd member snapshot to an etcd directory",
        flags: restoreFlags("Path to the output data directory", INITIAL_MEMORY_MAP_BYTES),
        requiredFlags: ["data-dir"],
        run: async (...of) => (await import("../snapshot-commands.ts")).runSnapshotRestore(...of),
      },
      {
        use: "status <filename>",
        short: "Gets backend snapshot status of a given file",
        run: async (...of) => (await import("../snapshot-commands.ts")).runSnapshotStatus(...of),
      },
    ],
  };
}

function backupCommand(): Spec {
  return {
    use: "backup",
    short: "[legacy] offline backup of etcd directory",
    flags: new FlagSet()
      .string("data-dir", "", "Path to the etcd data dir")
      .string("wal-dir", "", "Path to the etcd wal dir")
      .string("backup-dir", "", "Path to the backup dir")
      .string("backup-wal-dir", "", "Path to the backup wal dir")
      .bool("with-v3", true, "Backup v3 backend data"),
    requiredFlags: ["backup-dir", "data-dir"],
    run: async (...of) => (await import("./run-backup.ts")).runBackup(...of),
  };
}

/** Of later releases of 3.5. */
function checkCommands(): Spec {
  return {
    use: "check <subcommand>",
    short: "commands for checking properties",
    commands: [
      {
        use: "v2store",
        short: "Check custom content in v2store",
        flags: new FlagSet()
          .string("data-dir", "", "Required. A data directory not in use by etcd.")
          .string("wal-dir", "", "Optional. A dedicated WAL directory."),
        requiredFlags: ["data-dir"],
        run: async (...of) => (await import("./run-check.ts")).runCheckV2Store(...of),
      },
    ],
  };
}

function defragCommand(): Spec {
  return {
    use: "defrag",
    short: "Defragments the storage of the etcd",
    flags: new FlagSet().string(
      "data-dir",
      "",
      "Required. Defragments a data directory not in use by etcd.",
    ),
    requiredFlags: ["data-dir"],
    run: async (session, { flags }) => {
      const { runOfflineDefrag } = await import("../defrag-command.ts");
      await runOfflineDefrag(session, flags.getString("data-dir"));
    },
  };
}

/** Of etcd 3.6; useful here too. */
function hashKvCommand(): Spec {
  return {
    use: "hashkv <filename>",
    short: "Prints the KV history hash of a given file",
    isHidden: true,
    isAddition: true,
    exactArguments: 1,
    flags: new FlagSet().int64("rev", 0n, "maximum revision to hash (default: latest revision)"),
    run: async (...of) => (await import("./run-hashkv.ts")).runHashKv(...of),
  };
}

/** Of etcd 3.6: its way back to 3.5, and forth. */
function migrateCommand(): Spec {
  return {
    use: "migrate",
    short:
      "Migrates schema of etcd data dir files to make them compatible with different etcd version",
    isHidden: true,
    isAddition: true,
    flags: new FlagSet()
      .string("data-dir", "", "Path to the etcd data dir")
      .string(
        "target-version",
        "",
        'Target etcd version to migrate contents of data dir. Minimal value 3.5. Format "X.Y" for example 3.6.',
      )
      .bool(
        "force",
        false,
        "Ignore migration failure and forcefully override storage version. Not recommended.",
      ),
    requiredFlags: ["data-dir", "target-version"],
    run: async (...of) => (await import("./run-migrate.ts")).runMigrate(...of),
  };
}

const version: Spec = {
  use: "version",
  short: "Prints the version of etcdutl",
  run: async (session) => (await import("./run-version.ts")).runVersion(session),
};

const help: Spec = {
  use: "help [command]",
  short: "Help about any command",
  completes: "commands",
  run: async (...of) => (await import("./run-help.ts")).runHelp(...of),
};
