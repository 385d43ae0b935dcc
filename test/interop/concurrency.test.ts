/** Locks and elections against the real etcd: the same conversations, the same answers. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import { LockService } from "../../src/wire/gen/services.ts";
import {
  ConcurrencyConversation,
  talkOfElections,
  talkOfLocks,
} from "../harness/concurrency-conversation.ts";
import { REFERENCE } from "../harness/reference.ts";
import { ServerPair } from "../harness/server-pair.ts";

describe.skipIf(REFERENCE === undefined)("concurrency services", { timeout: 90_000 }, () => {
  let pair: ServerPair;

  beforeAll(async () => {
    pair = await ServerPair.start();
  }, 90_000);

  afterAll(() => pair.remove());

  /** What both were told by their server. */
  async function transcripts(
    about: (talk: ConcurrencyConversation) => Promise<void>,
  ): Promise<readonly (readonly string[])[]> {
    const talks = [pair.real, pair.ours].map(({ caller }) => new ConcurrencyConversation(caller));
    await Promise.all(talks.map(about));
    return talks.map(({ transcript }) => transcript);
  }

  /** Answers to calls that ran side by side may come in any order. */
  const sorted = (lines: readonly string[]): string[] => [...lines].sort();

  test("locks", async () => {
    const [real, ours] = await transcripts(talkOfLocks);
    expect(sorted(ours)).toEqual(sorted(real));
    expect(real.join("\n")).toContain("mutex: session is expired");
  });

  test("elections", async () => {
    const [real, ours] = await transcripts(talkOfElections);
    expect(sorted(ours)).toEqual(sorted(real));
    expect(real.filter((line) => line.startsWith("early observer told"))).toHaveLength(3);
  });

  test("a lock that is waited for ends when the server stops", async () => {
    const talk = new ConcurrencyConversation(pair.ours.caller);
    const name = bytesFromLatin1("last");
    await talk.say(LockService.lock, { name, lease: 0x77n });
    const waiting = talk.start(LockService.lock, { name, lease: 0x79n }, "waiting");
    await talk.untilKeys("last/", 2);
    await pair.ours.server.stop();
    await waiting.ended;
    expect(talk.transcript.at(-1)).toBe("waiting ended 14 etcdserver: server stopped");
  });
});
