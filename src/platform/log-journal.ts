/**
 * Log lines for the journal of systemd. Node.js has no datagram sockets of the Unix kind, which journald's own
 * protocol needs; journald also listens on a stream socket, the one that `systemd-cat` and the outputs of
 * units use: after a few lines that say who speaks, each line is an entry, with its priority in front.
 *
 *   etcd\n \n 6\n 1\n 0\n 0\n 0\n                identifier, unit, priority, priorities in front: yes, no copies
 *   <4>{"level":"warn",…}\n                     one entry
 *
 * Entries have PRIORITY and SYSLOG_IDENTIFIER as etcd's have.
 * Differs from etcd: there is no field PACKAGE; the line itself names the module. Lines in the form of
 * --log-format=console arrive, too; etcd loses them.
 *
 * While journald cannot be reached lines go to standard error, as in etcd, and it is tried again now and then.
 *
 * Source: systemd src/libsystemd/sd-journal/journal-send.c (sd_journal_stream_fd); etcd
 * client/pkg/logutil/zap_journal.go (priorities, the way out over standard error).
 */
import * as fs from "node:fs";
import net from "node:net";
import type { LogLevel } from "../ports/log.ts";
import { JOURNAL_RETRY_MS, LOG_BACKLOG_BYTES_MAX } from "./limits.ts";
import { LogOutputError, type LogTarget } from "./log-output.ts";

/** Where journald listens: etcd looks for the first, lines go to the second. */
export interface JournalSockets {
  readonly datagrams: string;
  readonly lines: string;
}

export const SYSTEM_JOURNAL: JournalSockets = {
  datagrams: "/run/systemd/journal/socket",
  lines: "/run/systemd/journal/stdout",
};

/** Those of syslog. */
const PRIORITIES: Readonly<Record<LogLevel, number>> = {
  debug: 7,
  info: 6,
  warn: 4,
  error: 3,
  fatal: 2,
};

/** Connects to journald; `fallback` takes the lines while it is not there. Throws `LogOutputError`. */
export function openJournal(
  sockets: JournalSockets,
  identifier: string,
  fallback: LogTarget,
): JournalOutput {
  for (const socket of [sockets.datagrams, sockets.lines]) {
    if (fs.existsSync(socket)) continue;
    const network = socket === sockets.datagrams ? "unixgram" : "unix";
    const problem = `dial ${network} ${socket}: connect: no such file or directory`;
    throw new LogOutputError(`can't find journal (${problem})`);
  }
  return new JournalOutput(sockets.lines, identifier, fallback);
}

export class JournalOutput implements LogTarget {
  readonly #path: string;
  readonly #header: string;
  readonly #fallback: LogTarget;
  #socket: net.Socket | undefined;
  #connected = false;
  /** Lines that wait for the connection. */
  #waiting: { readonly line: string; readonly level: LogLevel }[] = [];
  #waitingBytes = 0;
  #dropped = 0;

  constructor(path: string, identifier: string, fallback: LogTarget) {
    this.#path = path;
    this.#header = `${identifier}\n\n${PRIORITIES.info}\n1\n0\n0\n0\n`;
    this.#fallback = fallback;
    this.#connect();
  }

  write(line: string, level: LogLevel): void {
    const socket = this.#socket;
    if (socket === undefined) {
      this.#fallback.write(line, level);
    } else if (socket.writableLength + this.#waitingBytes + line.length > LOG_BACKLOG_BYTES_MAX) {
      this.#dropped++;
    } else if (this.#connected) {
      socket.write(entryOf(line, level));
    } else {
      this.#waiting.push({ line, level });
      this.#waitingBytes += line.length;
    }
  }

  takeDropped(): number {
    if (this.#socket === undefined || this.#socket.writableLength > 0) {
      return this.#fallback.takeDropped();
    }
    const count = this.#dropped;
    this.#dropped = 0;
    return count + this.#fallback.takeDropped();
  }

  /** A line for a connection that stands is handed to the system at once; what waits for one is said elsewhere. */
  flush(): void {
    this.#sayElsewhere();
    this.#fallback.flush();
  }

  /** Ends the connection. */
  close(): void {
    this.#socket?.destroy();
  }

  #connect(): void {
    // journald closes its side at once: it has nothing to say.
    const socket = net.connect({ path: this.#path, allowHalfOpen: true });
    // The log keeps no process alive.
    socket.unref();
    socket.resume();
    socket.once("connect", () => {
      this.#connected = true;
      socket.write(this.#header);
      const waiting = this.#takeWaiting();
      for (const { line, level } of waiting) socket.write(entryOf(line, level));
    });
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      this.#socket = undefined;
      this.#connected = false;
      this.#sayElsewhere();
      setTimeout(() => this.#connect(), JOURNAL_RETRY_MS).unref();
    });
    this.#socket = socket;
  }

  #sayElsewhere(): void {
    for (const { line, level } of this.#takeWaiting()) this.#fallback.write(line, level);
  }

  #takeWaiting(): { readonly line: string; readonly level: LogLevel }[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    return waiting;
  }
}

function entryOf(line: string, level: LogLevel): string {
  return `<${PRIORITIES[level]}>${line}`;
}
