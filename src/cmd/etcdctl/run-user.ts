/**
 * user add, delete, get, list, passwd, grant-role and revoke-role.
 *
 * Source: etcd etcdctl/ctlv3/command/user_command.go.
 */
import { latin1FromBytes } from "../../stdx/bytes.ts";
import { byteString, textOf } from "../byte-text.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import type { ToolIo } from "../tool-io.ts";
import { authPrinter } from "./auth-printer.ts";
import { askPassword } from "../credentials.ts";
import { connect } from "./client-config.ts";
import { type EtcdctlCall, orExit, type Session } from "./session.ts";

export async function runUserAdd(session: Session, call: EtcdctlCall): Promise<void> {
  const { user, password, noPassword } = newUserOf(session.io, call);
  const { client, printer } = await connect(session, call);
  const name = textOf(user);
  const adding = client.auth.userAdd({ name, password: textOf(password), options: { noPassword } });
  const response = await orExit(adding);
  authPrinter(printer.form, session.io).changed(`User ${user} created`, response);
}

/** What the words, the flags and, where something is missing, a person say. */
function newUserOf(
  io: ToolIo,
  call: EtcdctlCall,
): { readonly user: string; readonly password: string; readonly noPassword: boolean } {
  const { flags } = call;
  const given = userNameOf("add", call);
  if (flags.getBool("no-password")) return { user: given, password: "", noPassword: true };
  const fromFlag = flags.getString("new-user-password");
  if (fromFlag !== "") return { user: given, password: fromFlag, noPassword: false };
  const colon = given.indexOf(":");
  if (colon < 0) {
    const password = flags.getBool("interactive") ? askTwice(io, given) : readWord(io);
    return { user: given, password, noPassword: false };
  }
  if (colon === 0) throw badArguments("empty user name is not allowed");
  return {
    user: given.slice(0, colon),
    password: given.slice(colon + 1),
    noPassword: false,
  };
}

export async function runUserDelete(session: Session, call: EtcdctlCall): Promise<void> {
  const name = userNameOf("delete", call);
  const { client, printer } = await connect(session, call);
  const response = await orExit(client.auth.userDelete(textOf(name)));
  authPrinter(printer.form, session.io).changed(`User ${name} deleted`, response);
}

export async function runUserGet(session: Session, call: EtcdctlCall): Promise<void> {
  const name = userNameOf("get", call);
  const { io } = session;
  const { client, printer } = await connect(session, call);
  const response = await orExit(client.auth.userGet(textOf(name)));
  const auth = authPrinter(printer.form, io);
  if (!call.flags.getBool("detail")) {
    auth.user(name, response);
    return;
  }
  io.out(`User: ${name}\n`);
  for (const role of response.roles) {
    io.out("\n");
    auth.role(byteString(role), await orExit(client.auth.roleGet(role)));
  }
}

export async function runUserList(session: Session, call: EtcdctlCall): Promise<void> {
  if (call.args.length > 0) throw badArguments("user list command requires no arguments");
  const { client, printer } = await connect(session, call);
  authPrinter(printer.form, session.io).users(await orExit(client.auth.userList()));
}

export async function runUserChangePassword(session: Session, call: EtcdctlCall): Promise<void> {
  const name = userNameOf("passwd", call);
  const { io } = session;
  const password = call.flags.getBool("interactive") ? askTwice(io, name) : readWord(io);
  const { client, printer } = await connect(session, call);
  const changing = client.auth.userChangePassword(textOf(name), textOf(password));
  authPrinter(printer.form, io).changed("Password updated", await orExit(changing));
}

export async function runUserGrantRole(session: Session, call: EtcdctlCall): Promise<void> {
  const [user, role] = userAndRoleOf("user grant command requires", call);
  const { client, printer } = await connect(session, call);
  const response = await orExit(client.auth.userGrantRole(textOf(user), textOf(role)));
  const said = `Role ${role} is granted to user ${user}`;
  authPrinter(printer.form, session.io).changed(said, response);
}

export async function runUserRevokeRole(session: Session, call: EtcdctlCall): Promise<void> {
  const [user, role] = userAndRoleOf("user revoke-role requires", call);
  const { client, printer } = await connect(session, call);
  const response = await orExit(client.auth.userRevokeRole(textOf(user), textOf(role)));
  const said = `Role ${role} is revoked from user ${user}`;
  authPrinter(printer.form, session.io).changed(said, response);
}

/** Asks for a password and once more for the same. */
function askTwice(io: ToolIo, name: string): string {
  const password = askPassword(io, `Password of ${name}: `);
  if (password === "") throw badArguments("empty password");
  const again = askPassword(io, `Type password of ${name} again for confirmation: `);
  if (again !== password) throw badArguments("given passwords are different");
  return password;
}

/** The first word of the first line of the input; what follows it is not taken. */
function readWord(io: ToolIo): string {
  let word = "";
  for (;;) {
    const byte = latin1FromBytes(io.read(1));
    const isBlank = byte === "" || /\s/.test(byte);
    if (!isBlank) word += byte;
    else if (word !== "" || byte === "" || byte === "\n") return word;
  }
}

function userNameOf(command: string, { args }: EtcdctlCall): string {
  if (args.length === 1) return args[0];
  throw badArguments(`user ${command} command requires user name as its argument`);
}

function userAndRoleOf(who: string, { args }: EtcdctlCall): readonly [user: string, role: string] {
  if (args.length === 2) return [args[0], args[1]];
  throw badArguments(`${who} user name and role name as its argument`);
}

function badArguments(message: string): ToolExit {
  return new ToolExit(ExitCode.BAD_ARGUMENTS, message);
}
