/**
 * What one run of the tool carries from its start to its end.
 */
import type { Connector } from "../../client/connector.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { byteString } from "../byte-text.ts";
import type { Call, Command } from "../command.ts";
import type { FileSession, FileTools } from "../file-tools.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import type { ToolIo } from "../tool-io.ts";
import type { DialTls } from "../../platform/socket-dial.ts";

export interface Session {
  readonly io: ToolIo;
  readonly clock: Clock;
  readonly random: Random;
  /** Makes the way to the servers; with TLS material, if the tool was given any. */
  readonly openConnector: (tls: DialTls | undefined) => Promise<Connector>;
  /** What work on files needs; loaded when there is any. */
  readonly openFiles: () => Promise<FileTools>;
  /** What is to be closed when the command is over. */
  readonly cleanups: (() => void)[];
}

/** The session with what work on files needs. */
export async function withFiles(session: Session): Promise<FileSession> {
  return { ...(await session.openFiles()), io: session.io, clock: session.clock };
}

export type EtcdctlCommand = Command<Session>;
export type EtcdctlCall = Call<Session>;

/** When a command that starts now must have ended: `--command-timeout` from now, in clock milliseconds. */
export function commandDeadlineMs(session: Session, call: EtcdctlCall): number {
  return session.clock.nowMs() + milliseconds(call.flags.getInteger("command-timeout"));
}

export function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e6;
}

/** The error of a failed request, as the tool prints it: the tool ends. */
export function failWith(error: unknown, code: ExitCode = ExitCode.ERROR): never {
  if (error instanceof ToolExit || !(error instanceof Error)) throw error;
  throw new ToolExit(code, byteString(error.message));
}

/** Waits for a request; its error ends the tool. */
export async function orExit<T>(request: Promise<T>): Promise<T> {
  try {
    return await request;
  } catch (error) {
    return failWith(error);
  }
}
