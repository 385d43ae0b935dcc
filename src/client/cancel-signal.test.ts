import { expect, test } from "vitest";
import { Canceller, onAbort } from "./cancel-signal.ts";

test("onAbort tells all who listen, each as often as it was given", () => {
  const canceller = new Canceller();
  const told: string[] = [];
  const tell = (): void => void told.push("twice");
  onAbort(canceller, tell);
  onAbort(canceller, tell);
  onAbort(canceller, () => told.push("once"));
  canceller.abort();
  expect(told).toEqual(["twice", "twice", "once"]);
});

test("onAbort tells nobody who listens no more, also when another one's listener is the reason", () => {
  const canceller = new Canceller();
  const told: string[] = [];
  onAbort(canceller, () => unlisten());
  const unlisten = onAbort(canceller, () => told.push("late"));
  const forget = onAbort(canceller, () => told.push("early"));
  forget();
  canceller.abort();
  expect(told).toEqual([]);
});
