import { expect, test } from "vitest";
import { ManualClock } from "../../sim/manual-clock.ts";
import { ProgressBar } from "./progress-bar.ts";

function barOn(isTerminal: boolean): { bar: ProgressBar; clock: ManualClock; drawn: string[] } {
  const drawn: string[] = [];
  const clock = new ManualClock();
  const io = {
    error: (text: string) => {
      drawn.push(text);
    },
    isTerminal,
  };
  return { bar: new ProgressBar(io, clock), clock, drawn };
}

test("ProgressBar writes nothing where no person looks", () => {
  const { bar, clock, drawn } = barOn(false);
  bar.show(1, 2);
  clock.advance(1000);
  bar.show(2, 2);
  bar.clear();
  expect(drawn).toEqual([]);
});

test("ProgressBar draws ten times a second, and takes its line away", () => {
  const { bar, clock, drawn } = barOn(true);
  clock.advance(1000);
  bar.show(250_000, 1_000_000);
  clock.advance(99);
  bar.show(300_000, 1_000_000);
  clock.advance(1);
  bar.show(1_000_000, 1_000_000);
  bar.clear();
  bar.clear();
  expect(drawn).toEqual([
    "\r[#######-----------------------]  25% 250 kB of 1.0 MB, 250 kB/s\x1b[K",
    "\r[##############################] 100% 1.0 MB of 1.0 MB, 909 kB/s\x1b[K",
    "\r\x1b[K",
  ]);
});

test("ProgressBar stays whole when there is nothing, or more than was told", () => {
  const { bar, clock, drawn } = barOn(true);
  clock.advance(1000);
  bar.show(0, 0);
  clock.advance(1000);
  bar.show(3, 2);
  for (const line of drawn) expect(line).toMatch(/^\r\[#{30}\] 100% /);
});
