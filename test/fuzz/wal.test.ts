/**
 * A log whose files were changed: it opens with entries that follow each other, or is refused with an error that
 * names a file, and a refusal changes nothing.
 */
import { expect, test } from "vitest";
import type { Prng } from "../../src/stdx/prng.ts";
import { WalError } from "../../src/wal/wal-error.ts";
import { entryOf, fileBytes, putFile, WAL_DIRECTORY, WalBench } from "../harness/wal.ts";
import { fuzz, FUZZ_TIMEOUT_MS, MANY_INPUTS, mutated } from "../harness/fuzz.ts";

/** A log of two segments and the start of a third, and its machine after a stop. */
function wholeLog(): WalBench {
  const bench = WalBench.fresh(1);
  const wal = bench.create();
  for (let index = 1; index <= 60; index++) {
    const hardState = { term: 1, vote: 1n, commit: index - 1 };
    bench.append(wal, { snapshot: undefined, entries: [entryOf(index, 1, 3000)], hardState });
  }
  bench.close(wal);
  return bench;
}

const whole = wholeLog();
const NAMES = whole.disk.list(WAL_DIRECTORY).filter((name) => name.endsWith(".wal"));

function contentOf(bench: WalBench): string[] {
  return NAMES.map((name) =>
    Buffer.from(fileBytes(bench.disk, `${WAL_DIRECTORY}/${name}`)).toString("latin1"),
  );
}

function damage(bench: WalBench, random: Prng): void {
  const path = `${WAL_DIRECTORY}/${NAMES[random.below(NAMES.length)]}`;
  const bytes = fileBytes(bench.disk, path);
  const at = random.below(bytes.length);
  const part = bytes.slice(at, at + random.between(1, 6000));
  const changed = mutated(part, random).subarray(0, part.length);
  bytes.set(changed, at);
  putFile(bench.disk, path, random.chance(0.2) ? bytes.slice(0, at) : bytes);
}

test(
  "segments with changed bytes",
  async () => {
    expect(NAMES.length).toBeGreaterThan(1);
    const seen = { opened: 0, refused: 0 };
    const count = await fuzz((random) => {
      const bench = whole.afterCrash(1, "process");
      damage(bench, random);
      const before = contentOf(bench);
      const { opened, failure } = bench.tryOpen();
      if (opened !== undefined) {
        seen.opened++;
        opened.content.entries.forEach(({ index }, at) => expect(index).toBe(at + 1));
        return;
      }
      seen.refused++;
      expect(failure).toBeInstanceOf(WalError);
      expect(failure?.message).toContain(WAL_DIRECTORY);
      expect(contentOf(bench)).toEqual(before);
    });
    if (count >= MANY_INPUTS) expect(seen.opened).toBeGreaterThan(0);
    if (count >= MANY_INPUTS) expect(seen.refused).toBeGreaterThan(0);
  },
  FUZZ_TIMEOUT_MS,
);
