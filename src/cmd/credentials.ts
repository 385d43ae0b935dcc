/**
 * Who calls, by name and password: of the flags, and typed where a password is missing.
 *
 * Source: etcd etcdctl/ctlv3/command/global.go (authCfgFromCmd).
 */
import { latin1FromBytes } from "../stdx/bytes.ts";
import type { ToolIo } from "./tool-io.ts";

/** Who calls. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** The user of a flag, as `name` or `name:password`; what is missing is asked for with `prompt`. */
export function credentialsFrom(
  io: ToolIo,
  user: string,
  password: string,
  prompt: string,
): Credentials | undefined {
  if (user === "") return undefined;
  if (password !== "") return { username: user, password };
  const colon = user.indexOf(":");
  if (colon < 0) return { username: user, password: askPassword(io, prompt) };
  return { username: user.slice(0, colon), password: user.slice(colon + 1) };
}

/** Reads one line without showing it. */
export function askPassword(io: ToolIo, prompt: string): string {
  let typed = io.hiddenLine(prompt);
  if (typed === undefined) {
    io.out(prompt);
    typed = readLine(io);
  }
  io.out("\n");
  return typed.replace(/\r$/, "");
}

/** One byte at a time: what follows the line belongs to the command. */
function readLine(io: ToolIo): string {
  let line = "";
  for (;;) {
    const byte = latin1FromBytes(io.read(1));
    if (byte === "" || byte === "\n") return line;
    line += byte;
  }
}
