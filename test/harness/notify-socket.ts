/**
 * A service manager for one process: a datagram socket that takes what the process tells $NOTIFY_SOCKET, kept
 * by a few lines of Python, because Node.js has no such sockets.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import * as path from "node:path";

const RECEIVER = `
import os, socket, sys
taken = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
taken.bind(sys.argv[1])
print("listening", flush=True)
while True:
    text, passed, _, _ = socket.recv_fds(taken, 65536, 8)
    for descriptor in passed:
        os.close(descriptor)
    print(text.decode().replace("\\n", " "), flush=True)
`;

/** Whether this machine can send and take such messages. */
export function canNotify(): boolean {
  const has = (program: string, flag: string): boolean => spawnSync(program, [flag]).status === 0;
  return has("systemd-notify", "--version") && has("python3", "--version");
}

export interface NotifySocket {
  readonly path: string;
  /** Messages so far, a line each. */
  received(): readonly string[];
  close(): void;
}

/** Listens in `folder`. */
export async function listenForNotifications(folder: string): Promise<NotifySocket> {
  const socket = path.join(folder, "notify");
  const child = spawn("python3", ["-c", RECEIVER, socket], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(child.stdout, "data");
  return {
    path: socket,
    received: () => text.trimEnd().split("\n").slice(1),
    close: () => child.kill(),
  };
}
