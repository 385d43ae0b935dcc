/**
 * Tells systemd, or whatever listens on $NOTIFY_SOCKET, how the process is doing. That socket takes datagrams
 * of the Unix kind, which Node.js has no sockets for, so the messages are sent by `systemd-notify`, which is
 * there where systemd is.
 * Differs from etcd: a unit of a user other than root needs NotifyAccess=all. The message names this process as
 * its sender, which the kernel allows root only.
 *
 * Source: systemd man pages sd_notify(3), systemd-notify(1); etcd server/etcdmain/main.go (notifySystemd).
 */
import { spawn } from "node:child_process";
import type { Log } from "../ports/log.ts";
import { NOTIFY_ERROR_BYTES_MAX, NOTIFY_TIMEOUT_MS } from "./limits.ts";

const PROGRAM = "systemd-notify";

export class ServiceManager {
  readonly #socket: string;
  readonly #log: Log;

  /** `socket` is $NOTIFY_SOCKET; where it is empty or missing nobody is told, as in etcd. */
  constructor(socket: string | undefined, log: Log) {
    this.#socket = socket ?? "";
    this.#log = log;
  }

  /** The service has started. Resolves when that was said, or could not be; the log says which. */
  async ready(status: string): Promise<void> {
    this.#log.info("notifying init daemon");
    const error = await this.#tell("READY=1", `STATUS=${status}`);
    if (error === undefined) this.#log.info("successfully notified init daemon");
    else this.#log.error("failed to notify systemd for readiness", { error });
  }

  /** The service is about to end. Resolves as `ready` does. */
  async stopping(status: string): Promise<void> {
    const error = await this.#tell("STOPPING=1", `STATUS=${status}`);
    if (error !== undefined) this.#log.warn("failed to notify systemd of the end", { error });
  }

  /** Returns why `variables` could not be sent. */
  #tell(...variables: readonly string[]): Promise<string | undefined> {
    if (this.#socket === "") return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const child = spawn(PROGRAM, [`--pid=${process.pid}`, ...variables], {
        env: { PATH: process.env["PATH"], NOTIFY_SOCKET: this.#socket },
        stdio: ["ignore", "ignore", "pipe"],
        timeout: NOTIFY_TIMEOUT_MS,
      });
      let complaint = "";
      child.stderr.on("data", (chunk: Uint8Array) => {
        const room = NOTIFY_ERROR_BYTES_MAX - complaint.length;
        complaint += Buffer.from(chunk).toString("utf8").slice(0, room);
      });
      child.once("error", (error) => resolve(error.message));
      child.once("close", (code, signal) => {
        if (code === 0) resolve(undefined);
        else resolve(complaint.trim() || `${PROGRAM} ended with ${signal ?? code}`);
      });
    });
  }
}
