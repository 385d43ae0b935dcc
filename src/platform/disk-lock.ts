/**
 * The exclusive lock on a file that etcd and bbolt take, without native code.
 *
 * flock(2) locks belong to the open file description, which a child process shares when it inherits the
 * descriptor. So the program `flock` (util-linux or busybox) is run with our descriptor as its number 3: it
 * takes the lock and ends, and the lock stays with us until we close the file or die, SIGKILL included. One
 * run takes about 1.5 ms, which files are opened rarely enough for.
 *
 * bbolt takes the same kind of lock on `db`, so a real etcd and this one exclude each other on a data
 * directory. Differs from etcd: on WAL segments etcd prefers OFD locks of fcntl(2), which flock(2) does not
 * see; the lock on `db`, taken first, covers them.
 *
 * Where the program is missing, a file `<path>.lock` stands in, with the process id and, on Linux, when the
 * process was started. It is weaker: other programs do not look at it, process ids of other containers mean
 * nothing here, and elsewhere a process id that is used again by chance keeps the lock alive. A thread that
 * ends without closing its files leaves it held until the process ends. The caller is told so once.
 */
import fs from "node:fs";

/** Exit status of `flock -n` when the lock is held elsewhere. */
const STATUS_HELD = 1;

/** How a lock is given back; closing the file is enough for a real one. */
export interface FileLock {
  release(): void;
}

/** Takes locks; `warn` is called at most once, when only the weaker way is possible. */
export class FileLocker {
  readonly #warn: (message: string) => void;
  readonly #program: string;
  #programMissing = false;

  constructor(warn: (message: string) => void, program = "flock") {
    this.#warn = warn;
    this.#program = program;
  }

  /** Takes the lock on the open file without waiting; `undefined` when it is held elsewhere. */
  tryLock(descriptor: number, path: string): FileLock | undefined {
    if (!this.#programMissing) {
      const { spawnSync } = process.getBuiltinModule("node:child_process");
      const run = spawnSync(this.#program, ["-xn", "3"], {
        stdio: ["ignore", "ignore", "ignore", descriptor],
      });
      if (run.status === 0) return { release: () => undefined };
      if (run.status === STATUS_HELD) return undefined;
      this.#programMissing = true;
      this.#warn(
        `Cannot take kernel file locks: the program "${this.#program}" is missing or fails; ` +
          `using lock files, which only this program respects`,
      );
    }
    return tryLockFile(`${path}.lock`);
  }
}

/** Lock files of this process, so that it excludes itself as a real lock would. */
const ownLockFiles = new Set<string>();

function tryLockFile(path: string): FileLock | undefined {
  if (ownLockFiles.has(path)) return undefined;
  if (!createLockFile(path)) {
    if (isHolderAlive(path)) return undefined;
    fs.rmSync(path, { force: true });
    if (!createLockFile(path)) return undefined;
  }
  ownLockFiles.add(path);
  return {
    release: () => {
      ownLockFiles.delete(path);
      fs.rmSync(path, { force: true });
    },
  };
}

function createLockFile(path: string): boolean {
  try {
    fs.writeFileSync(path, `${process.pid}\n${birthOf(process.pid)}\n`, {
      flag: "wx",
      mode: 0o600,
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function isHolderAlive(path: string): boolean {
  const [holder, birth = ""] = fs.readFileSync(path, "latin1").split("\n");
  const pid = Number.parseInt(holder, 10);
  if (!Number.isSafeInteger(pid) || pid <= 0 || !exists(pid)) return false;
  const known = birthOf(pid);
  if (birth !== "" && known !== "") return birth === known;
  if (pid !== process.pid) return true;
  // Of an earlier life of our own process id, unless another thread of this life has made it.
  return fs.statSync(path).mtimeMs >= Date.now() - process.uptime() * 1000;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** When a process was started, in the kernel's ticks since it booted; "" where that cannot be known. */
function birthOf(pid: number): string {
  try {
    const fields = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    // Behind the name, which may contain anything.
    return fields.slice(fields.lastIndexOf(")") + 2).split(" ")[BIRTH_FIELD] ?? "";
  } catch {
    // It is gone, or the system has no such files.
    return "";
  }
}

/** Of those behind the name. Source: proc(5), field 22 (starttime). */
const BIRTH_FIELD = 19;
