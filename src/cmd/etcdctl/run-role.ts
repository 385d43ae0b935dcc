/**
 * role add, delete, get, list, grant-permission and revoke-permission.
 *
 * Source: etcd etcdctl/ctlv3/command/role_command.go, client/v3/auth.go.
 */
import { bytesFromLatin1, latin1FromBytes } from "../../stdx/bytes.ts";
import { PermissionType } from "../../wire/gen/auth.ts";
import { textOf } from "../byte-text.ts";
import type { FlagSet } from "../pflag.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { authPrinter, boundsText } from "./auth-printer.ts";
import { connect } from "./client-config.ts";
import { prefixEnd } from "../key-prefix.ts";
import { type EtcdctlCall, orExit, type Session } from "./session.ts";

export async function runRoleAdd(session: Session, call: EtcdctlCall): Promise<void> {
  const name = roleNameOf("add", call);
  const { client, printer } = await connect(session, call);
  const response = await orExit(client.auth.roleAdd(textOf(name)));
  authPrinter(printer.form, session.io).changed(`Role ${name} created`, response);
}

export async function runRoleDelete(session: Session, call: EtcdctlCall): Promise<void> {
  const name = roleNameOf("delete", call);
  const { client, printer } = await connect(session, call);
  const response = await orExit(client.auth.roleDelete(textOf(name)));
  authPrinter(printer.form, session.io).changed(`Role ${name} deleted`, response);
}

export async function runRoleGet(session: Session, call: EtcdctlCall): Promise<void> {
  const name = roleNameOf("get", call);
  const { client, printer } = await connect(session, call);
  const response = await orExit(client.auth.roleGet(textOf(name)));
  authPrinter(printer.form, session.io).role(name, response);
}

export async function runRoleList(session: Session, call: EtcdctlCall): Promise<void> {
  if (call.args.length > 0) throw badArguments("role list command requires no arguments");
  const { client, printer } = await connect(session, call);
  authPrinter(printer.form, session.io).roles(await orExit(client.auth.roleList()));
}

export async function runRoleGrantPermission(session: Session, call: EtcdctlCall): Promise<void> {
  const [name, type, ...range] = call.args;
  if (range.length === 0) {
    throw badArguments(
      "role grant command requires role name, permission type, and key [endkey] as its argument",
    );
  }
  const permType = PERMISSION_TYPES.get(type.toUpperCase());
  if (permType === undefined) throw badArguments(`invalid permission type: ${type}`);
  const { key, rangeEnd } = permissionRange(call.flags, range);
  const { client, printer } = await connect(session, call);
  const permission = { permType, key: bytesFromLatin1(key), rangeEnd: bytesFromLatin1(rangeEnd) };
  const response = await orExit(client.auth.roleGrantPermission(textOf(name), permission));
  authPrinter(printer.form, session.io).changed(`Role ${name} updated`, response);
}

const PERMISSION_TYPES: ReadonlyMap<string, PermissionType> = new Map(
  Object.entries(PermissionType),
);

export async function runRoleRevokePermission(session: Session, call: EtcdctlCall): Promise<void> {
  const [name, ...range] = call.args;
  if (range.length === 0) {
    throw badArguments(
      "role revoke-permission command requires role name and key [endkey] as its argument",
    );
  }
  const { key, rangeEnd } = permissionRange(call.flags, range);
  const { client, printer } = await connect(session, call);
  const request = {
    role: textOf(name),
    key: bytesFromLatin1(key),
    rangeEnd: bytesFromLatin1(rangeEnd),
  };
  const response = await orExit(client.auth.roleRevokePermission(request));
  // The key as it was given, also where it stands for the first of all.
  const what = rangeEnd === "" ? `key ${range[0]}` : `range ${boundsText(range[0], rangeEnd)}`;
  const said = `Permission of ${what} is revoked from role ${name}`;
  authPrinter(printer.form, session.io).changed(said, response);
}

/** The range that the words and flags of a command name, as byte strings; an end of "\0" is an open one. */
function permissionRange(
  flags: FlagSet,
  words: readonly string[],
): { readonly key: string; readonly rangeEnd: string } {
  const isPrefix = flags.getBool("prefix");
  const isFromKey = flags.getBool("from-key");
  const [key, end] = words;
  const isExclusive = isPrefix && isFromKey && (key === "" || end === undefined);
  if (isExclusive) throw badArguments("--from-key and --prefix flags are mutually exclusive");
  // All keys; "" would be none.
  if (key === "") return { key: "\0", rangeEnd: isPrefix || isFromKey ? "\0" : "" };
  if (end === undefined) {
    if (isPrefix) return { key, rangeEnd: latin1FromBytes(prefixEnd(bytesFromLatin1(key))) };
    return { key, rangeEnd: isFromKey ? "\0" : "" };
  }
  if (isPrefix) throw badArguments("unexpected endkey argument with --prefix flag");
  if (isFromKey) throw badArguments("unexpected endkey argument with --from-key flag");
  return { key, rangeEnd: end };
}

function roleNameOf(command: string, { args }: EtcdctlCall): string {
  if (args.length === 1) return args[0];
  throw badArguments(`role ${command} command requires role name as its argument`);
}

function badArguments(message: string): ToolExit {
  return new ToolExit(ExitCode.BAD_ARGUMENTS, message);
}
