/**
 * The simulated disk: the port `Disk` in memory, deterministic from a seed, with crashes and faults.
 *
 * Asynchronous operations (write, sync, preallocate) are under way until `step` completes one of them, in
 * random order: a thread pool promises no other. Until then their bytes are not readable, and a crash may
 * leave any part of them. Everything else happens at once.
 *
 * `crash` makes the disk that a machine finds after power loss, without touching this one, so that many
 * outcomes of one moment can be tried. What power loss does to content is in disk-node.ts, what it does to
 * names in disk-names.ts. `cause: "process"` is the milder death of the process alone.
 *
 * Every operation that changes the disk is a numbered point. With `crashAt(k)` the disk halts before point
 * k takes effect (an asynchronous one is then under way): synchronous operations throw `SimulatedCrash`
 * from there on and nothing completes any more. A test loops k over all points:
 *
 *   for (let k = 1; ; k++) { disk.crashAt(k); run(disk); if (!disk.halted) break; reopen(disk.crash(random)) }
 *
 * Misuse that a real system would punish rarely is refused always: changing a borrowed chunk before `done`,
 * closing a file with an operation under way, writing to a file opened for reading.
 */
import { DiskError } from "../src/ports/disk.ts";
import type { Disk, DiskFile, DiskStat, Done, OpenMode } from "../src/ports/disk.ts";
import type { Random } from "../src/ports/random.ts";
import { assert } from "../src/stdx/assert.ts";
import { equalBytes } from "../src/stdx/bytes.ts";
import { CrashDice } from "./disk-dice.ts";
import { SimulatedFile } from "./disk-file.ts";
import type { FileHost } from "./disk-file.ts";
import { FaultPlan, SimulatedCrash } from "./disk-faults.ts";
import type {
  CrashOptions,
  DiskFault,
  DiskOperation,
  DiskPoint,
  SimulatedDiskOptions,
} from "./disk-faults.ts";
import { DirectoryNode, NameTree } from "./disk-names.ts";
import type { Node, Slot } from "./disk-names.ts";
import { FileNode } from "./disk-node.ts";
import type { Change } from "./disk-node.ts";

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/** The texts of the system's codes, as people know them. */
const CODE_TEXTS = {
  EIO: "input/output error",
  ENOSPC: "no space left on device",
  ENOENT: "no such file or directory",
  EEXIST: "file exists",
  EISDIR: "is a directory",
  ENOTDIR: "not a directory",
  ENOTEMPTY: "directory not empty",
} as const;

type Code = keyof typeof CODE_TEXTS;

/** An asynchronous operation under way. */
interface Pending {
  readonly file: SimulatedFile;
  readonly point: DiskPoint;
  /** What it will do to the file; `undefined` for a sync. */
  readonly change: Change | undefined;
  readonly durable: boolean;
  /** Sequence when it was issued: a sync covers what was completed by then. */
  readonly issued: number;
  /** The caller's chunks, to check that they were left alone. */
  readonly borrowed: readonly Uint8Array[];
  readonly done: Done;
}

export class SimulatedDisk implements Disk, FileHost {
  readonly #options: SimulatedDiskOptions;
  readonly #random: Random;
  readonly #faults = new FaultPlan();
  #names = new NameTree(new DirectoryNode(DIRECTORY_MODE));
  #pending: Pending[] = [];
  #held: ((path: string) => boolean) | undefined;
  #sequence = 0;
  #points = 0;
  #crashPoint = Number.POSITIVE_INFINITY;
  #halted = false;

  constructor(options: SimulatedDiskOptions) {
    this.#options = options;
    this.#random = options.random;
  }

  /** Points passed so far. */
  get points(): number {
    return this.#points;
  }

  /** The set crash point was reached: the program is dead, call `crash`. */
  get halted(): boolean {
    return this.#halted;
  }

  /** Operations under way. */
  get pendingCount(): number {
    return this.#pending.length;
  }

  /** Halts before point `number` takes effect. */
  crashAt(number: number): void {
    this.#crashPoint = number;
  }

  /** Lets later operations fail. */
  inject(fault: DiskFault): void {
    this.#faults.add(fault);
  }

  /** Takes back the faults that have not happened. */
  withdrawFaults(): void {
    this.#faults.clear();
  }

  /** Keeps operations on matching paths under way (a slow device) until `release`. */
  hold(matches: (path: string) => boolean): void {
    this.#held = matches;
  }

  release(): void {
    this.#held = undefined;
  }

  /** Completes one operation under way, a random one; false when there is none that may complete. */
  step(): boolean {
    if (this.#halted || this.#options.schedule !== undefined) return false;
    const ready = this.#pending.filter(({ point }) => this.#held?.(point.path) !== true);
    if (ready.length === 0) return false;
    this.#complete(ready[this.#random.below(ready.length)]);
    return true;
  }

  /** Completes what is under way now, not what that leads to. Returns how many were completed. */
  runPending(): number {
    let count = 0;
    for (const limit = this.#pending.length; count < limit && this.step(); ) count++;
    return count;
  }

  /** Completes operations until none is left that may complete. */
  runUntilIdle(): void {
    while (this.step());
  }

  /** Flips a bit of the file on the device. Unsynced changes of the file become synced. */
  flipBit(path: string, position: number, bit: number): void {
    this.#fileAt("flip a bit of", path).flipBit(position, bit);
  }

  /** Whether power loss now could leave anything else than what is read now. */
  hasUnsynced(): boolean {
    if (this.#pending.length > 0 || this.#names.hasUnsynced()) return true;
    const visit = (node: Node): boolean =>
      node.kind === "file" ? node.hasUnsynced() : [...node.entries.values()].some(visit);
    return visit(this.#names.root);
  }

  /**
   * The disk that is found after a crash of this one, with new options for its life (default: `random`
   * goes on). This disk stays as it is.
   */
  crash(random: Random, crash: CrashOptions = {}, options?: SimulatedDiskOptions): SimulatedDisk {
    const dice = new CrashDice(random, crash.survival ?? "random");
    const underWay = (node: FileNode): Change[] => {
      const own = this.#pending.filter(({ file }) => file.node === node);
      return own.flatMap(({ change }) => (change === undefined ? [] : [change]));
    };
    const next = new SimulatedDisk(options ?? { random });
    next.#sequence = this.#sequence + 1;
    next.#names =
      crash.cause === "process"
        ? this.#names.afterProcessEnd((file) =>
            file.afterProcessEnd(dice, underWay(file), next.#sequence),
          )
        : this.#names.afterPowerLoss(dice, (file) => file.afterPowerLoss(dice, underWay(file)));
    return next;
  }

  open(path: string, mode: OpenMode, permissions: number = FILE_MODE): DiskFile {
    this.#refuseWhenHalted("create", path);
    const { directory, name } = this.#parent("open", path);
    const found = directory.entries.get(name);
    if (mode !== "create") {
      return new SimulatedFile(this, path, this.#fileAt("open", path), mode !== "read");
    }
    this.#point("create", path);
    if (found !== undefined) throw failure("create", path, "EEXIST");
    this.#throwFault("create", path);
    const node = new FileNode(permissions);
    this.#names.change([{ directory, name, node }]);
    return new SimulatedFile(this, path, node, true);
  }

  stat(path: string): DiskStat | undefined {
    const node = this.#find(path);
    if (node === undefined) return undefined;
    const size = node.kind === "file" ? node.size : 4096;
    return { kind: node.kind, size, mode: node.mode };
  }

  list(directory: string): string[] {
    const node = this.#directoryAt("list", directory);
    return [...node.entries.keys()].sort();
  }

  makeDirectory(path: string, permissions: number = DIRECTORY_MODE): void {
    let directory = this.#names.root;
    for (const name of split(path)) {
      let next = directory.entries.get(name);
      if (next === undefined) {
        this.#point("makeDirectory", path);
        this.#throwFault("makeDirectory", path);
        next = new DirectoryNode(permissions);
        this.#names.change([{ directory, name, node: next }]);
      }
      if (next.kind !== "directory") throw failure("make directory", path, "ENOTDIR");
      directory = next;
    }
  }

  rename(from: string, to: string): void {
    this.#point("rename", from);
    const source = this.#parent("rename", from);
    const node = source.directory.entries.get(source.name);
    if (node === undefined) throw failure("rename", from, "ENOENT");
    const target = this.#parent("rename", to);
    const replaced = target.directory.entries.get(target.name);
    if (replaced === node) return;
    refuseReplacing(node, replaced, to);
    this.#throwFault("rename", from);
    this.#names.change([
      { ...source, node: undefined },
      { ...target, node },
    ]);
  }

  remove(path: string): void {
    this.#point("remove", path);
    const slot = this.#parentOrNothing(path);
    const node = slot?.directory.entries.get(slot.name);
    if (slot === undefined || node === undefined) return;
    this.#throwFault("remove", path);
    this.#removeTree({ ...slot, node: undefined }, node);
  }

  freeBytes(directory: string): number | undefined {
    this.#directoryAt("stat", directory);
    const { capacityBytes } = this.#options;
    return capacityBytes === undefined ? undefined : capacityBytes - sizeBelow(this.#names.root);
  }

  syncDirectory(path: string): void {
    this.#point("syncDirectory", path);
    const directory = this.#directoryAt("sync directory", path);
    const code = this.#faults.take("syncDirectory", path);
    if (code !== undefined) {
      this.#names.abandon(directory);
      throw failure("sync directory", path, code);
    }
    this.#names.markDurable(directory);
  }

  /** Puts an operation under way. */
  start(
    file: SimulatedFile,
    operation: DiskOperation,
    change: Change | undefined,
    borrowed: readonly Uint8Array[],
    done: Done,
  ): void {
    const point = this.#point(operation, file.path, true);
    const durable = operation === "writeDurable";
    const pending = { file, point, change, durable, issued: this.#sequence, borrowed, done };
    this.#pending.push(pending);
    if (this.#halted) return;
    this.#options.schedule?.(() => this.#complete(pending), point);
  }

  /** Changes the size at once. */
  truncate(file: SimulatedFile, size: number): void {
    this.#point("truncate", file.path);
    this.#throwFault("truncate", file.path);
    this.#refuseBeyondCapacity("truncate", file, size);
    file.node.apply({ kind: "resize", size }, ++this.#sequence, false);
  }

  /** The largest end of the writes that this one has under way. */
  pendingEnd(file: SimulatedFile): number {
    return this.#pending.reduce(
      (end, other) => (other.file === file ? Math.max(end, endOf(other.change)) : end),
      0,
    );
  }

  /** Whether one has operations under way. */
  isBusy(file: SimulatedFile): boolean {
    return !this.#halted && this.#pending.some((other) => other.file === file);
  }

  #complete(pending: Pending): void {
    const { file, point, change, durable, done } = pending;
    if (this.#halted) return;
    const at = this.#pending.indexOf(pending);
    assert(at >= 0, "An operation completes twice");
    this.#pending.splice(at, 1);
    checkBorrowed(pending);
    const code =
      this.#faults.take(point.operation, point.path) ?? this.#capacityFault(file, change);
    const operation = point.operation === "writeDurable" ? "write" : point.operation;
    const sequence = change === undefined ? pending.issued : ++this.#sequence;
    if (code !== undefined) {
      if (change === undefined) file.node.abandon(sequence);
      else file.node.applyFailed(change, sequence, new CrashDice(this.#random, "random"));
      done(failure(operation, point.path, code));
      return;
    }
    if (change === undefined) file.node.markDurable(sequence);
    else file.node.apply(change, sequence, durable);
    done(undefined);
  }

  #point(operation: DiskOperation, path: string, asynchronous = false): DiskPoint {
    this.#refuseWhenHalted(operation, path);
    const point = { number: ++this.#points, operation, path };
    this.#options.onPoint?.(point);
    if (point.number !== this.#crashPoint) return point;
    this.#halted = true;
    if (!asynchronous) throw new SimulatedCrash(point);
    return point;
  }

  #refuseWhenHalted(operation: DiskOperation, path: string): void {
    if (this.#halted) throw new SimulatedCrash({ number: this.#points, operation, path });
  }

  #throwFault(operation: DiskOperation, path: string): void {
    const code = this.#faults.take(operation, path);
    if (code !== undefined) throw failure(operation, path, code);
  }

  #capacityFault(file: SimulatedFile, change: Change | undefined): "ENOSPC" | undefined {
    return this.#exceedsCapacity(file, endOf(change)) ? "ENOSPC" : undefined;
  }

  #refuseBeyondCapacity(operation: string, file: SimulatedFile, size: number): void {
    if (this.#exceedsCapacity(file, size)) throw failure(operation, file.path, "ENOSPC");
  }

  #exceedsCapacity(file: SimulatedFile, size: number): boolean {
    const capacity = this.#options.capacityBytes;
    if (capacity === undefined || size <= file.node.size) return false;
    return sizeBelow(this.#names.root) - file.node.size + size > capacity;
  }

  #removeTree(slot: Slot, node: Node): void {
    if (node.kind === "directory") {
      for (const [name, child] of node.entries) {
        this.#removeTree({ directory: node, name, node: undefined }, child);
      }
    }
    this.#names.change([slot]);
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#names.root;
    for (const name of split(path)) {
      if (node?.kind !== "directory") return undefined;
      node = node.entries.get(name);
    }
    return node;
  }

  #fileAt(operation: string, path: string): FileNode {
    const node = this.#find(path);
    if (node === undefined) throw failure(operation, path, "ENOENT");
    if (node.kind !== "file") throw failure(operation, path, "EISDIR");
    return node;
  }

  #directoryAt(operation: string, path: string): DirectoryNode {
    const node = this.#find(path);
    if (node === undefined) throw failure(operation, path, "ENOENT");
    if (node.kind !== "directory") throw failure(operation, path, "ENOTDIR");
    return node;
  }

  #parentOrNothing(path: string): { directory: DirectoryNode; name: string } | undefined {
    const names = split(path);
    const name = names.pop();
    assert(name !== undefined, "Cannot change the root directory");
    const directory = this.#find(names.join("/"));
    return directory?.kind === "directory" ? { directory, name } : undefined;
  }

  #parent(operation: string, path: string): { directory: DirectoryNode; name: string } {
    const found = this.#parentOrNothing(path);
    if (found === undefined) throw failure(operation, path, "ENOENT");
    return found;
  }
}

function split(path: string): string[] {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return names;
}

function failure(operation: string, path: string, code: Code): DiskError {
  return new DiskError(operation, path, code, CODE_TEXTS[code]);
}

function refuseReplacing(node: Node, replaced: Node | undefined, to: string): void {
  if (replaced === undefined) return;
  if (replaced.kind === "file" && node.kind === "directory") throw failure("rename", to, "ENOTDIR");
  if (replaced.kind === "file") return;
  if (node.kind === "file") throw failure("rename", to, "EISDIR");
  if (replaced.entries.size > 0) throw failure("rename", to, "ENOTEMPTY");
}

/** Bytes of all files below. */
function sizeBelow(node: Node): number {
  if (node.kind === "file") return node.size;
  return [...node.entries.values()].reduce((sum, child) => sum + sizeBelow(child), 0);
}

function endOf(change: Change | undefined): number {
  if (change === undefined) return 0;
  return change.kind === "write" ? change.position + change.bytes.length : change.size;
}

/** A borrowed chunk that changed before `done` would have reached a real device in some mixture. */
function checkBorrowed({ point, change, borrowed }: Pending): void {
  if (change?.kind !== "write") return;
  let at = 0;
  for (const chunk of borrowed) {
    const written = change.bytes.subarray(at, at + chunk.length);
    assert(equalBytes(chunk, written), () => `Bytes for "${point.path}" changed in flight`);
    at += chunk.length;
  }
}
