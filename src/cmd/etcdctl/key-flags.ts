/**
 * The flags of get, put, del and watch, which lines of standard input take as well.
 *
 * Source: etcd etcdctl/ctlv3/command/{get,put,del}_command.go.
 */
import type { CommandSpec } from "../command.ts";
import { FlagSet } from "../pflag.ts";

/** Use line, description and fresh flags; the command itself is added by whoever runs it. */
type KeyCommandSpec = Omit<CommandSpec<never>, "run" | "commands">;

export function getSpec(): KeyCommandSpec {
  return {
    use: "get [options] <key> [range_end]",
    short: "Gets the key or a range of keys",
    flags: new FlagSet()
      .string("consistency", "l", "Linearizable(l) or Serializable(s)")
      .string("order", "", "Order of results; ASCEND or DESCEND (ASCEND by default)")
      .string("sort-by", "", "Sort target; CREATE, KEY, MODIFY, VALUE, or VERSION")
      .int64("limit", 0n, "Maximum number of results")
      .bool("prefix", false, "Get keys with matching prefix")
      .bool(
        "from-key",
        false,
        "Get keys that are greater than or equal to the given key using byte compare",
      )
      .int64("rev", 0n, "Specify the kv revision")
      .bool("keys-only", false, "Get only the keys")
      .bool("count-only", false, "Get only the count")
      .bool("print-value-only", false, 'Only write values when using the "simple" output format')
      // Of etcd 3.6 and 3.7.
      .bool("stream", false, "Use the RangeStream RPC")
      .int64("min-create-rev", 0n, "Minimum create revision")
      .int64("max-create-rev", 0n, "Maximum create revision")
      .int64("min-mod-rev", 0n, "Minimum modification revision")
      .int64("max-mod-rev", 0n, "Maximum modification revision")
      .hide("stream", "min-create-rev", "max-create-rev", "min-mod-rev", "max-mod-rev"),
  };
}

export function putSpec(): KeyCommandSpec {
  return {
    use: "put [options] <key> <value> (<value> can also be given from stdin)",
    short: "Puts the given key into the store",
    long: PUT_DESCRIPTION,
    flags: new FlagSet()
      .string("lease", "0", "lease ID (in hexadecimal) to attach to the key")
      .bool("prev-kv", false, "return the previous key-value pair before modification")
      .bool("ignore-value", false, "updates the key using its current value")
      .bool("ignore-lease", false, "updates the key using its current lease"),
  };
}

export function delSpec(): KeyCommandSpec {
  return {
    use: "del [options] <key> [range_end]",
    short: "Removes the specified key or range of keys [key, range_end)",
    flags: new FlagSet()
      .bool("prefix", false, "delete keys with matching prefix")
      .bool("prev-kv", false, "return deleted key-value pairs")
      .bool(
        "from-key",
        false,
        "delete keys that are greater than or equal to the given key using byte compare",
      )
      .bool("range", false, "delete range of keys"),
  };
}

/** Fresh flags of watch, which its interactive lines take as well. */
export function watchFlags(): FlagSet {
  return new FlagSet()
    .bool("interactive", false, "Interactive mode", "i")
    .bool("prefix", false, "Watch on a prefix if prefix is set")
    .int64("rev", 0n, "Revision to start watching")
    .bool("prev-kv", false, "get the previous key-value pair before the event happens")
    .bool("progress-notify", false, "get periodic watch progress notification from server");
}

/** The text that users of etcdctl see. */
const PUT_DESCRIPTION = `
Puts the given key into the store.

When <value> begins with '-', <value> is interpreted as a flag.
Insert '--' for workaround:

$ put <key> -- <value>
$ put -- <key> <value>

If <value> isn't given as a command line argument and '--ignore-value' is not specified,
this command tries to read the value from standard input.

If <lease> isn't given as a command line argument and '--ignore-lease' is not specified,
this command tries to read the value from standard input.

For example,
$ cat file | put <key>
will store the content of the file to <key>.
`;
