/**
 * One file of the simulated disk: what programs see now (`content`), what is on the device for certain
 * (`#base`), and between the two a journal of changes that a crash may keep, lose or tear.
 *
 *   content = #base + all changes in order          after power loss = #base + a random part of each
 *
 * Rules, with their reasons:
 * 1. Unsynced writes survive sector by sector (512 bytes), in any subset and any order between writes: the
 *    page cache writes back when it likes (Pillai et al., "All File Systems Are Not Created Equal", OSDI
 *    2014). A sector itself is never torn, and old or zero bytes are there where the new ones are not.
 * 2. The size is a change of its own: a file may have grown while its new bytes still read as zeros.
 * 3. After a failed sync nothing it covered can be made durable any more, although reads still show it:
 *    the kernel marks the pages clean (Rebello et al., "Can Applications Recover from fsync Failures?",
 *    USENIX ATC 2020). Such changes are `abandoned`: a later, successful sync does not save them.
 */
import { assert } from "../src/stdx/assert.ts";
import type { CrashDice } from "./disk-dice.ts";
import { SparseBytes } from "./sparse-bytes.ts";

/** The unit that a device writes as a whole; also the unit of etcd's rule for torn records. */
export const SECTOR_BYTES = 512;

export type Change =
  | { readonly kind: "write"; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: "grow"; readonly size: number }
  | { readonly kind: "resize"; readonly size: number };

interface Journaled {
  readonly change: Change;
  readonly sequence: number;
  state: "pending" | "durable" | "abandoned";
}

export class FileNode {
  readonly kind = "file";
  readonly mode: number;
  /** The open file that holds the exclusive lock. */
  lockHolder: object | undefined = undefined;
  #content = new SparseBytes();
  #base = new SparseBytes();
  #journal: Journaled[] = [];

  constructor(mode: number) {
    this.mode = mode;
  }

  get size(): number {
    return this.#content.size;
  }

  read(into: Uint8Array, position: number): number {
    return this.#content.read(into, position);
  }

  /** Applies a completed change. `sequence` grows from call to call. */
  apply(change: Change, sequence: number, durable: boolean): void {
    applyWhole(this.#content, change);
    if (durable && !this.#disturbs(change)) applyWhole(this.#base, change);
    else this.#journal.push({ change, sequence, state: durable ? "durable" : "pending" });
    this.#settle();
  }

  /** A write that failed: each sector may have arrived, for the reader and for the device. */
  applyFailed(change: Change, sequence: number, dice: CrashDice): void {
    const arrived: Change[] = [];
    applyPart(change, dice, (part) => arrived.push(part));
    for (const part of arrived) {
      applyWhole(this.#content, part);
      this.#journal.push({ change: part, sequence, state: "abandoned" });
    }
  }

  /** A sync that covers the changes up to `sequence` succeeded. */
  markDurable(sequence: number): void {
    for (const entry of this.#journal) {
      if (entry.sequence <= sequence && entry.state === "pending") entry.state = "durable";
    }
    this.#settle();
  }

  /** A sync that covers the changes up to `sequence` failed. */
  abandon(sequence: number): void {
    for (const entry of this.#journal) {
      if (entry.sequence <= sequence && entry.state === "pending") entry.state = "abandoned";
    }
  }

  /** Whether a crash now could show anything else than what is read now. */
  hasUnsynced(): boolean {
    return this.#journal.length > 0;
  }

  /** Flips one bit on the device and for readers; what was unsynced counts as synced. */
  flipBit(position: number, bit: number): void {
    assert(position < this.size, () => `Cannot flip a bit at ${position}: size is ${this.size}`);
    const byte = new Uint8Array(1);
    this.#content.read(byte, position);
    byte[0] ^= 1 << bit;
    this.#content.write(byte, position);
    this.#base = this.#content.clone();
    this.#journal = [];
  }

  /** The file as a power failure leaves it; `underWay` are changes that nobody has been told about. */
  afterPowerLoss(dice: CrashDice, underWay: readonly Change[]): FileNode {
    const survivor = this.#base.clone();
    for (const { change, state } of this.#journal) {
      if (state === "durable") applyWhole(survivor, change);
      else applySurvived(change, dice, (part) => applyWhole(survivor, part));
    }
    const unordered = [...underWay];
    dice.shuffle(unordered);
    for (const change of unordered) {
      applySurvived(change, dice, (part) => applyWhole(survivor, part));
    }
    return this.#fresh(survivor);
  }

  /**
   * The file as the end of the process leaves it: completed changes are there and stay as unsynced as they
   * were; of those `underWay` any part arrived.
   */
  afterProcessEnd(dice: CrashDice, underWay: readonly Change[], sequence: number): FileNode {
    const node = this.#fresh(this.#base);
    node.#content = this.#content.clone();
    node.#journal = this.#journal.map((entry) => ({ ...entry }));
    const unordered = [...underWay];
    dice.shuffle(unordered);
    for (const change of unordered) {
      applySurvived(change, dice, (part) => node.apply(part, sequence, false));
    }
    return node;
  }

  #fresh(content: SparseBytes): FileNode {
    const node = new FileNode(this.mode);
    node.#base = content.clone();
    node.#content = content.clone();
    return node;
  }

  /** Whether an earlier journaled change could, on replay, damage the durable `change`. */
  #disturbs(change: Change): boolean {
    if (change.kind !== "write") return this.#journal.length > 0;
    const end = change.position + change.bytes.length;
    return this.#journal.some(({ change: earlier }) => {
      if (earlier.kind === "grow") return false;
      if (earlier.kind === "resize") return true;
      return earlier.position < end && change.position < earlier.position + earlier.bytes.length;
    });
  }

  /** Moves the durable head of the journal into the base. */
  #settle(): void {
    let settled = 0;
    while (settled < this.#journal.length && this.#journal[settled].state === "durable") {
      applyWhole(this.#base, this.#journal[settled].change);
      settled++;
    }
    if (settled > 0) this.#journal.splice(0, settled);
  }
}

function applyWhole(target: SparseBytes, change: Change): void {
  if (change.kind === "write") target.write(change.bytes, change.position);
  else if (change.kind === "resize") target.resize(change.size);
  else if (change.size > target.size) target.resize(change.size);
}

/** Hands out what a crash leaves of an unsynced change. */
function applySurvived(change: Change, dice: CrashDice, keep: (part: Change) => void): void {
  const fate = dice.fate();
  if (fate === "kept") keep(change);
  if (fate === "torn") applyPart(change, dice, keep);
}

/** Hands out the surviving parts of a torn change. */
function applyPart(change: Change, dice: CrashDice, keep: (part: Change) => void): void {
  if (change.kind === "resize") {
    if (dice.keeps()) keep(change);
    return;
  }
  if (change.kind === "grow") {
    keep({ kind: "grow", size: dice.between(0, change.size) });
    return;
  }
  const end = change.position + change.bytes.length;
  // The size, or a part of the growth, may be on the device before the bytes are.
  if (dice.keeps()) keep({ kind: "grow", size: dice.between(change.position, end) });
  for (let from = change.position; from < end; ) {
    const to = Math.min(end, (Math.floor(from / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    if (dice.keeps()) {
      const bytes = change.bytes.subarray(from - change.position, to - change.position);
      keep({ kind: "write", position: from, bytes });
    }
    from = to;
  }
}
