/** Flags of the log and of the audit log. */
import { flag } from "./flag.ts";
import { bool, string, texts, uint64 } from "./kinds.ts";
import { DEFAULT_LOG_ROTATION } from "./defaults.ts";

export const LOGGING_FLAGS = {
  logger: flag(
    "Logging",
    string,
    "zap",
    "zap",
    "Form of the log: 'zap' is one JSON object a line.",
  ),
  "log-outputs": flag(
    "Logging",
    texts,
    ["default"],
    "default",
    "Where the log goes: 'stderr' (as 'default'), 'stdout', 'systemd/journal' or paths of files,",
    "separated by commas.",
  ),
  "log-level": flag(
    "Logging",
    string,
    "info",
    "info",
    "Least level that is logged: debug, info, warn, error, panic or fatal.",
  ),
  "log-format": flag(
    "Logging",
    string,
    "json",
    "json",
    "Form of a line of the log: 'json' or 'console'.",
  ),
  "enable-log-rotation": flag(
    "Logging",
    bool,
    false,
    "false",
    "Start a new log file when the one that --log-outputs names is full.",
  ),
  "log-rotation-config-json": flag(
    "Logging",
    string,
    DEFAULT_LOG_ROTATION,
    DEFAULT_LOG_ROTATION,
    "When it is full (maxsize, megabytes), and how many old ones stay for how long (maxbackups, maxage in",
    "days; 0 means no limit).",
  ),
  "audit-log": flag(
    "Logging",
    string,
    "",
    "",
    "File for a line about each request: who did what to which keys, when, with what result. Not a flag",
    "of etcd. '-' means standard output.",
  ),
  "audit-log-maxage": flag(
    "Logging",
    uint64,
    0,
    "0",
    "Days that old audit files are kept (0 means no limit).",
  ),
  "audit-log-maxbackups": flag(
    "Logging",
    uint64,
    0,
    "0",
    "Most old audit files to keep (0 means no limit).",
  ),
  "audit-log-path": flag("Logging", string, "", "", "Another name of --audit-log."),
  "audit-log-maxbackup": flag("Logging", uint64, 0, "0", "Another name of --audit-log-maxbackups."),
  "audit-log-maxsize": flag(
    "Logging",
    uint64,
    100,
    "100",
    "Megabytes at which a new audit file is started.",
  ),
} as const;
