/**
 * A machine that has nothing but Node.js: node and npm as the archive of nodejs.org unpacks them, a shell, a handful of
 * programs without which it would not be one, the libraries they are linked to, a loopback interface. No network, no
 * compiler, no `flock`, nothing of this repository. It is a folder that processes take for their root, in namespaces
 * of their own, which root may make.
 *
 * Where that is not allowed, it is a folder with links to the same programs, which processes have as their only PATH
 * and home; they could see the rest of the machine, but nothing points them there.
 */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import * as path from "node:path";
import { once } from "node:events";

/** What a system without them would hardly be called one. */
const PROGRAMS = ["sh", "env", "cat", "cut", "mkdir", "rm", "ls", "uname"];

/** What npm looks up beside its work cannot be had without a network, nor by asking again. */
const NO_RETRIES = "npm_config_fetch_retries=0";

/** Holds the namespaces: brings the loopback interface up and says so. */
const HOLDER = "ip link set lo up && echo up && exec sleep infinity";

export class BareMachine {
  readonly #root: string;
  readonly #holder: ChildProcessWithoutNullStreams | undefined;
  readonly #holderPid: string;

  private constructor(
    root: string,
    holder: ChildProcessWithoutNullStreams | undefined,
    pid: string,
  ) {
    this.#root = root;
    this.#holder = holder;
    this.#holderPid = pid;
  }

  /** `remove` it. */
  static async create(): Promise<BareMachine> {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), "bare-machine-"));
    const holder = spawn("unshare", ["-mnpf", "--kill-child", "sh", "-c", HOLDER]);
    holder.on("error", () => undefined);
    const [said] = (await Promise.race([once(holder.stdout, "data"), once(holder, "close")])) as [
      unknown,
    ];
    if (String(said) !== "up\n") {
      makeLimitedHome(root);
      return new BareMachine(root, undefined, "");
    }
    const pid = fs.readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, "utf8").trim();
    makeRoot(root);
    const machine = new BareMachine(root, holder, pid);
    machine.#mountInside();
    return machine;
  }

  /** Whether nothing else can be seen from inside. */
  get isIsolated(): boolean {
    return this.#holder !== undefined;
  }

  /** The home of its user, as it is seen from outside. */
  get home(): string {
    return path.join(this.#root, "root");
  }

  /** Where npm installs programs for everybody, as it is seen from outside. */
  get prefix(): string {
    return path.join(this.#root, "usr", "local");
  }

  /** A program on the machine, as what runs it from outside. */
  command(...words: readonly string[]): readonly [program: string, ...args: string[]] {
    const environment = [
      "HOME=/root",
      "PATH=/usr/local/bin:/usr/bin:/bin",
      "TERM=dumb",
      NO_RETRIES,
    ];
    if (this.isIsolated) {
      const enter = ["--target", this.#holderPid, "--mount", "--net", "--pid"];
      const inside = ["/usr/bin/env", "-i", "-C", "/root", ...environment, ...words];
      return ["nsenter", ...enter, "chroot", this.#root, ...inside];
    }
    const limited = [
      `HOME=${this.home}`,
      `TMPDIR=${path.join(this.#root, "tmp")}`,
      `PATH=${path.join(this.prefix, "bin")}:${path.join(this.#root, "bin")}`,
      `npm_config_prefix=${this.prefix}`,
      "npm_config_offline=true",
      NO_RETRIES,
    ];
    return ["env", "-i", "-C", this.home, ...limited, ...words];
  }

  remove(): void {
    this.#holder?.kill("SIGKILL");
    fs.rmSync(this.#root, { recursive: true, force: true });
  }

  /** What is not copied: the devices, the processes, and node itself. */
  #mountInside(): void {
    const mounts = [
      `mount -t proc proc ${this.#root}/proc`,
      `mount --bind /dev ${this.#root}/dev`,
      `mount --bind ${process.execPath} ${this.prefix}/bin/node`,
      `mount --bind ${npmFolder()} ${this.prefix}/lib/node_modules/npm`,
    ];
    const enter = ["--target", this.#holderPid, "--mount", "--net", "--pid"];
    execFileSync("nsenter", [...enter, "sh", "-ec", mounts.join("\n")]);
  }
}

function makeRoot(root: string): void {
  for (const folder of ["proc", "dev", "root", "bin", "usr/bin", "usr/local/bin", "etc"]) {
    fs.mkdirSync(path.join(root, folder), { recursive: true });
  }
  fs.mkdirSync(path.join(root, "tmp"), { mode: 0o1777 });
  fs.mkdirSync(path.join(root, "usr/local/lib/node_modules/npm"), { recursive: true });
  fs.writeFileSync(path.join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  fs.writeFileSync(path.join(root, "etc/hosts"), "127.0.0.1 localhost\n");
  // Nobody could be asked for other names.
  fs.writeFileSync(path.join(root, "etc/nsswitch.conf"), "hosts: files\n");
  const files = [process.execPath];
  for (const name of PROGRAMS) {
    const file = fs.realpathSync(whereIs(name));
    files.push(file);
    fs.copyFileSync(file, path.join(root, name === "env" ? "usr/bin" : "bin", name));
  }
  for (const library of librariesOf(files)) {
    const target = path.join(root, library);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.copyFileSync(fs.realpathSync(library), target);
  }
  fs.writeFileSync(path.join(root, "usr/local/bin/node"), "");
  linkNpm(path.join(root, "usr/local"));
}

function makeLimitedHome(root: string): void {
  for (const folder of ["root", "tmp", "bin", "usr/local/bin", "usr/local/lib/node_modules"]) {
    fs.mkdirSync(path.join(root, folder), { recursive: true });
  }
  for (const name of PROGRAMS) fs.symlinkSync(whereIs(name), path.join(root, "bin", name));
  fs.symlinkSync(process.execPath, path.join(root, "usr/local/bin/node"));
  fs.symlinkSync(npmFolder(), path.join(root, "usr/local/lib/node_modules/npm"));
  linkNpm(path.join(root, "usr/local"));
}

function linkNpm(prefix: string): void {
  for (const name of ["npm", "npx"]) {
    fs.symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, path.join(prefix, "bin", name));
  }
}

function npmFolder(): string {
  return path.resolve(fs.realpathSync(whereIs("npm")), "../..");
}

function whereIs(program: string): string {
  const folders = (process.env["PATH"] ?? "").split(":");
  const found = folders
    .map((folder) => path.join(folder, program))
    .find((file) => fs.existsSync(file));
  if (found === undefined) throw new Error(`This machine has no "${program}"`);
  return found;
}

/** Paths of what the dynamic linker loads for them. */
function librariesOf(files: readonly string[]): ReadonlySet<string> {
  const listed = execFileSync("ldd", files, { encoding: "utf8" });
  return new Set([...listed.matchAll(/(\/\S+) \(0x/g)].map(([, library]) => library));
}
