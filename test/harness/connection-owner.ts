/** Which process holds the other end of a TCP connection over loopback, from what Linux tells in /proc. */
import fs from "node:fs";

/** Columns of /proc/net/tcp. */
const LOCAL = 1;
const REMOTE = 2;
const INODE = 9;

/**
 * The one of `pids` whose socket is bound to `localPort` and connected to `remotePort`; undefined when none
 * of them is, or it has just ended.
 */
export function connectionOwner(
  localPort: number,
  remotePort: number,
  pids: readonly number[],
): number | undefined {
  const inode = inodeOf(localPort, remotePort);
  if (inode === undefined) return undefined;
  return pids.find((pid) => holds(pid, `socket:[${inode}]`));
}

function inodeOf(localPort: number, remotePort: number): string | undefined {
  const local = portText(localPort);
  const remote = portText(remotePort);
  for (const line of fs.readFileSync("/proc/net/tcp", "utf8").split("\n")) {
    const words = line.trim().split(/\s+/);
    if (words[LOCAL]?.endsWith(local) && words[REMOTE]?.endsWith(remote)) {
      return words[INODE];
    }
  }
  return undefined;
}

function portText(port: number): string {
  return `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
}

function holds(pid: number, socket: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return fs.readdirSync(folder).some((name) => linkOf(`${folder}/${name}`) === socket);
  } catch {
    // The process has ended.
    return false;
  }
}

function linkOf(file: string): string | undefined {
  try {
    return fs.readlinkSync(file);
  } catch {
    // Closed since the folder was read.
    return undefined;
  }
}
