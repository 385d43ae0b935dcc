/**
 * The commands about users, roles, and who may call.
 *
 * Source: etcd etcdctl/ctlv3/command/{auth,user,role}_command.go (names, descriptions, flags).
 */
import type { CommandSpec } from "../command.ts";
import { FlagSet } from "../pflag.ts";
import type { Session } from "./session.ts";

type Spec = CommandSpec<Session>;

export function authCommands(): Spec[] {
  return [authCommand, userCommand(), roleCommand()];
}

const authCommand: Spec = {
  use: "auth <enable or disable>",
  short: "Enable or disable authentication",
  commands: [
    {
      use: "enable",
      short: "Enables authentication",
      run: async (...of) => (await import("./run-auth.ts")).runAuthEnable(...of),
    },
    {
      use: "disable",
      short: "Disables authentication",
      run: async (...of) => (await import("./run-auth.ts")).runAuthDisable(...of),
    },
    {
      use: "status",
      short: "Returns authentication status",
      run: async (...of) => (await import("./run-auth.ts")).runAuthStatus(...of),
    },
  ],
};

function userCommand(): Spec {
  return {
    use: "user <subcommand>",
    short: "User related commands",
    commands: [
      {
        use: "add <user name or user:password> [options]",
        short: "Adds a new user",
        flags: new FlagSet()
          .bool("interactive", true, "Read password from stdin instead of interactive terminal")
          .string("new-user-password", "", "Supply password from the command line flag")
          .bool("no-password", false, "Create a user without password (CN based auth only)"),
        run: async (...of) => (await import("./run-user.ts")).runUserAdd(...of),
      },
      {
        use: "delete <user name>",
        short: "Deletes a user",
        run: async (...of) => (await import("./run-user.ts")).runUserDelete(...of),
      },
      {
        use: "get <user name> [options]",
        short: "Gets detailed information of a user",
        flags: new FlagSet().bool("detail", false, "Show permissions of roles granted to the user"),
        run: async (...of) => (await import("./run-user.ts")).runUserGet(...of),
      },
      {
        use: "list",
        short: "Lists all users",
        run: async (...of) => (await import("./run-user.ts")).runUserList(...of),
      },
      {
        use: "passwd <user name> [options]",
        short: "Changes password of user",
        flags: new FlagSet().bool(
          "interactive",
          true,
          "If true, read password from stdin instead of interactive terminal",
        ),
        run: async (...of) => (await import("./run-user.ts")).runUserChangePassword(...of),
      },
      {
        use: "grant-role <user name> <role name>",
        short: "Grants a role to a user",
        run: async (...of) => (await import("./run-user.ts")).runUserGrantRole(...of),
      },
      {
        use: "revoke-role <user name> <role name>",
        short: "Revokes a role from a user",
        run: async (...of) => (await import("./run-user.ts")).runUserRevokeRole(...of),
      },
    ],
  };
}

function roleCommand(): Spec {
  const rangeFlags = (verb: string): FlagSet =>
    new FlagSet()
      .bool("prefix", false, `${verb} a prefix permission`)
      .bool(
        "from-key",
        false,
        `${verb} a permission of keys that are greater than or equal to the given key using byte compare`,
      );
  return {
    use: "role <subcommand>",
    short: "Role related commands",
    commands: [
      {
        use: "add <role name>",
        short: "Adds a new role",
        run: async (...of) => (await import("./run-role.ts")).runRoleAdd(...of),
      },
      {
        use: "delete <role name>",
        short: "Deletes a role",
        run: async (...of) => (await import("./run-role.ts")).runRoleDelete(...of),
      },
      {
        use: "get <role name>",
        short: "Gets detailed information of a role",
        run: async (...of) => (await import("./run-role.ts")).runRoleGet(...of),
      },
      {
        use: "list",
        short: "Lists all roles",
        run: async (...of) => (await import("./run-role.ts")).runRoleList(...of),
      },
      {
        use: "grant-permission [options] <role name> <permission type> <key> [endkey]",
        short: "Grants a key to a role",
        flags: rangeFlags("grant"),
        run: async (...of) => (await import("./run-role.ts")).runRoleGrantPermission(...of),
      },
      {
        use: "revoke-permission <role name> <key> [endkey]",
        short: "Revokes a key from a role",
        flags: rangeFlags("revoke"),
        run: async (...of) => (await import("./run-role.ts")).runRoleRevokePermission(...of),
      },
    ],
  };
}
