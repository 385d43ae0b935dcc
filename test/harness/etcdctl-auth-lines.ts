/**
 * Command lines of etcdctl about users and roles: every command, form, flag and mistake. They begin on a
 * cluster without users and leave one behind that has none, and asks nobody who calls.
 */
import type { CommandLine } from "./etcdctl-commands.ts";

const E = "--endpoints={endpoint}";
const AS_ROOT = "--user=root:toor";
const AS_ALICE = "--user=alice:secret";
const FORMS = ["simple", "json", "fields", "protobuf", "table"];

function lines(...all: string[][]): CommandLine[] {
  return all.map((args) => ({ args: [E, ...args] }));
}

function typed(input: string, ...args: string[]): CommandLine {
  return { args: [E, ...args], input };
}

/** What the command line parser and the commands themselves refuse. */
const MISTAKES = lines(
  ["auth"],
  ["auth", "-h"],
  ["auth", "enable", "-h"],
  ["auth", "enable", "now"],
  ["auth", "disable", "now"],
  ["auth", "status", "now"],
  ["auth", "nonsense"],
  ["user"],
  ["user", "add", "-h"],
  ["user", "get", "-h"],
  ["user", "passwd", "-h"],
  ["user", "delete", "--help"],
  ["user", "grant-role", "--help"],
  ["user", "add"],
  ["user", "add", "a", "b"],
  ["user", "add", ":secret"],
  ["user", "delete"],
  ["user", "get"],
  ["user", "list", "all"],
  ["user", "passwd"],
  ["user", "grant-role", "a"],
  ["user", "revoke-role", "a"],
  ["role"],
  ["role", "add", "-h"],
  ["role", "grant-permission", "-h"],
  ["role", "revoke-permission", "-h"],
  ["role", "add"],
  ["role", "delete", "a", "b"],
  ["role", "get"],
  ["role", "list", "all"],
  ["role", "grant-permission", "r", "read"],
  ["role", "grant-permission", "r", "look", "k"],
  ["role", "grant-permission", "r", "read", "k", "--prefix", "--from-key"],
  ["role", "grant-permission", "r", "read", "", "--prefix", "--from-key"],
  ["role", "grant-permission", "r", "read", "k", "l", "--prefix"],
  ["role", "grant-permission", "r", "read", "k", "l", "--from-key"],
  ["role", "revoke-permission", "r"],
  ["role", "revoke-permission", "r", "k", "l", "--prefix"],
);

const USERS: readonly CommandLine[] = [
  ...lines(
    ["auth", "status"],
    ...FORMS.map((form) => ["auth", "status", "-w", form]),
    ["auth", "disable"],
    ["auth", "enable"],
    ["user", "add", "alice:secret"],
    ["user", "add", "alice:other"],
    ["user", "add", "b:with:colons", "-w", "json"],
    ["user", "add", "c", "--new-user-password", "x:y", "-w", "fields"],
    ["user", "add", "d:named", "--new-user-password=z", "-w", "protobuf"],
    ["user", "add", "e", "--no-password", "-w", "table"],
    ["user", "add", "e", "--no-password"],
    ["user", "add", "f:", "--no-password"],
    ["user", "add", "g:"],
    ["user", "add", "", "--no-password"],
    ["user", "add", "жук:ключ"],
    ["user", "add", `long:${"x".repeat(73)}`],
    ["user", "add", `long:${"x".repeat(72)}`],
    ["user", "delete", "long"],
  ),
  typed("secret\nsecret\n", "user", "add", "typed"),
  typed("secret\nother\n", "user", "add", "mistyped"),
  typed("\n", "user", "add", "silent"),
  typed("", "user", "add", "gone"),
  typed(" \tsecret more\n", "user", "add", "read", "--interactive=false"),
  typed("\nsecret\n", "user", "add", "empty", "--interactive=false"),
  typed("secret", "user", "passwd", "read", "--interactive=false"),
  typed("secret\nsecret\n", "user", "passwd", "typed", "-w", "json"),
  typed("secret\nsecret\n", "user", "passwd", "e"),
  typed("a\nb\n", "user", "passwd", "typed"),
  typed("a\na\n", "user", "passwd", "nobody"),
  ...lines(
    ...FORMS.map((form) => ["user", "list", "-w", form]),
    ["user", "delete", "nobody"],
    ["user", "delete", "c", "-w", "json"],
    ["user", "delete", "d"],
    ["user", "delete", "g:", "-w", "fields"],
    ["user", "get", "nobody"],
  ),
];

const ROLES: readonly CommandLine[] = lines(
  ["role", "add", "r"],
  ["role", "add", "r"],
  ["role", "add", ""],
  ["role", "add", "s", "-w", "json"],
  ["role", "add", "t", "-w", "fields"],
  ["role", "add", "роль"],
  ...FORMS.map((form) => ["role", "list", "-w", form]),
  ["role", "get", "nothing"],
  ["role", "get", "r"],
  ["role", "grant-permission", "nothing", "read", "k"],
  ["role", "grant-permission", "r", "read", "k"],
  ["role", "grant-permission", "r", "WRITE", "k"],
  ["role", "grant-permission", "r", "readwrite", "a", "b", "-w", "json"],
  ["role", "grant-permission", "r", "read", "dir/", "--prefix", "-w", "fields"],
  ["role", "grant-permission", "r", "write", "z", "--from-key"],
  ["role", "grant-permission", "r", "write", "x", "x"],
  ["role", "grant-permission", "r", "write", "x", "a"],
  ["role", "grant-permission", "r", "read", "l", "m", "unread", "words"],
  ["role", "grant-permission", "s", "read", ""],
  ["role", "grant-permission", "s", "read", "", "--prefix"],
  ["role", "grant-permission", "t", "readwrite", "", "--from-key"],
  ["role", "grant-permission", "t", "read", "", "q"],
  ["role", "grant-permission", "t", "read", "\u007f", "--prefix"],
  ["role", "grant-permission", "роль", "read", "ключ", "--prefix"],
  ...FORMS.map((form) => ["role", "get", "r", "-w", form]),
  ["role", "get", "s"],
  ["role", "get", "t"],
  ["role", "get", "роль"],
  ["user", "grant-role", "nobody", "r"],
  ["user", "grant-role", "alice", "nothing"],
  ["user", "grant-role", "alice", "r"],
  ["user", "grant-role", "alice", "r"],
  ["user", "grant-role", "alice", "s", "-w", "json"],
  ["user", "grant-role", "жук", "роль"],
  ...FORMS.map((form) => ["user", "get", "alice", "-w", form]),
  ["user", "get", "alice", "--detail"],
  ["user", "get", "alice", "--detail", "-w", "fields"],
  ["user", "get", "жук"],
  ["user", "revoke-role", "alice", "t"],
  ["user", "revoke-role", "nobody", "t"],
  ["user", "revoke-role", "alice", "s", "-w", "fields"],
  ["role", "revoke-permission", "r", "k"],
  ["role", "revoke-permission", "r", "k"],
  ["role", "revoke-permission", "nothing", "k"],
  ["role", "revoke-permission", "r", "a", "b", "-w", "json"],
  ["role", "revoke-permission", "r", "dir/", "--prefix"],
  ["role", "revoke-permission", "r", "z", "--from-key"],
  ["role", "revoke-permission", "s", ""],
  ["role", "revoke-permission", "t", "", "--from-key"],
  ["role", "grant-permission", "r", "readwrite", "open/", "--prefix"],
  ["role", "delete", "nothing"],
  ["role", "delete", "s"],
  ["role", "delete", "t", "-w", "json"],
  ["user", "get", "alice"],
);

/** With authentication on, and off again at the end. */
const ENABLED: readonly CommandLine[] = lines(
  ["user", "add", "root:toor"],
  ["auth", "enable"],
  ["auth", "enable", AS_ROOT],
  ["auth", "status"],
  ["auth", "status", AS_ROOT],
  ["auth", "status", AS_ALICE],
  ["user", "get", "alice", AS_ALICE],
  ["user", "get", "root", AS_ALICE],
  ["role", "get", "r", AS_ALICE],
  ["role", "get", "root", AS_ALICE],
  ["role", "get", "root", AS_ROOT],
  ["user", "list", AS_ALICE],
  ["role", "list", AS_ALICE],
  ["user", "add", "h:x", AS_ALICE],
  ["user", "add", "h:x"],
  ["user", "add", "h:x", AS_ROOT],
  ["user", "passwd", "h", "--interactive=false", AS_ROOT],
  ["user", "delete", "h", AS_ALICE],
  ["user", "delete", "h", AS_ROOT],
  ["put", "open/a", "1", AS_ALICE],
  ["put", "shut/a", "1", AS_ALICE],
  ["user", "delete", "root", AS_ROOT],
  ["role", "delete", "root", AS_ROOT],
  ["user", "revoke-role", "root", "root", AS_ROOT],
  ["get", "open/a", "--user=e:x"],
  ["get", "open/a", "--user=stranger:x"],
  ["auth", "disable"],
  ["auth", "disable", AS_ALICE],
  ["auth", "disable", AS_ROOT],
  ["auth", "status"],
  ...["root", "alice", "b", "e", "f:", "жук", "typed", "read", "empty"].map((name) => [
    "user",
    "delete",
    name,
  ]),
  ...["r", "роль", "root"].map((name) => ["role", "delete", name]),
  ["user", "list"],
  ["role", "list"],
);

/** Those that come to a server, in order. */
export const AUTH_SERVER_LINES: readonly CommandLine[] = [...USERS, ...ROLES, ...ENABLED];

/** All of them. */
export const AUTH_LINES: readonly CommandLine[] = [...MISTAKES, ...AUTH_SERVER_LINES];
