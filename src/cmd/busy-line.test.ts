import { expect, test } from "vitest";
import { ManualClock } from "../../sim/manual-clock.ts";
import { BusyLine, secondsText } from "./busy-line.ts";

function lineOn(isTerminal: boolean): { line: BusyLine; clock: ManualClock; drawn: string[] } {
  const drawn: string[] = [];
  const clock = new ManualClock();
  const io = {
    error: (text: string) => {
      drawn.push(text);
    },
    isTerminal,
  };
  return {
    line: new BusyLine(io, clock, (seconds) => `work, ${secondsText(seconds)}`),
    clock,
    drawn,
  };
}

test("BusyLine writes nothing where no person looks, or where there is nothing to wait for", () => {
  const piped = lineOn(false);
  piped.clock.advance(5000);
  piped.line.end();
  expect(piped.drawn).toEqual([]);
  const quick = lineOn(true);
  quick.clock.advance(499);
  quick.line.end();
  quick.clock.advance(5000);
  expect(quick.drawn).toEqual([]);
});

test("BusyLine draws twice a second, makes room, and ends", () => {
  const { line, clock, drawn } = lineOn(true);
  for (let i = 0; i < 3; i++) clock.advance(500);
  line.clear();
  clock.advance(500);
  line.end();
  clock.advance(5000);
  expect(drawn).toEqual([
    "\rwork, 0 s\x1b[K",
    "\rwork, 1 s\x1b[K",
    "\rwork, 1 s\x1b[K",
    "\r\x1b[K",
    "\rwork, 2 s\x1b[K",
    "\r\x1b[K",
  ]);
  expect(secondsText(185)).toBe("3 min 5 s");
});
