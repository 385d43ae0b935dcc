import { expect, test } from "vitest";
import type { Answer } from "../../client/channel.ts";
import {
  createPutResponse,
  createRangeResponse,
  encodePutResponse,
  encodeRangeResponse,
} from "../../wire/gen/rpc.ts";
import { RevisionOrder } from "./revision-order.ts";

const headerAt = (revision: number) => ({ clusterId: 1n, memberId: 2n, revision, raftTerm: 3 });

const rangeAt = (revision: number): Answer => ({
  code: 0,
  message: "",
  body: encodeRangeResponse(createRangeResponse({ header: headerAt(revision), count: revision })),
});

/** Answers with these one after the other, the last one again and again. */
function answering(...answers: Answer[]): { ask: () => Promise<Answer>; asked: () => number } {
  let asked = 0;
  return {
    ask: () => Promise.resolve(answers[Math.min(asked++, answers.length - 1)]),
    asked: () => asked,
  };
}

test("an answer older than one before is asked for again", async () => {
  const order = new RevisionOrder(3);
  expect(await order.inOrder(answering(rangeAt(5)).ask)).toEqual(rangeAt(5));
  const behind = answering(rangeAt(4), rangeAt(3), rangeAt(5));
  expect(await order.inOrder(behind.ask)).toEqual(rangeAt(5));
  expect(behind.asked()).toBe(3);
});

test("what a change was answered counts, too", async () => {
  const order = new RevisionOrder(1);
  const body = encodePutResponse(createPutResponse({ header: headerAt(9) }));
  order.note({ code: 0, message: "", body });
  expect(await order.inOrder(answering(rangeAt(8), rangeAt(9)).ask)).toEqual(rangeAt(9));
});

test("it is given up when all servers are behind; errors are answers", async () => {
  const order = new RevisionOrder(2);
  await order.inOrder(answering(rangeAt(5)).ask);
  const behind = answering(rangeAt(4));
  expect((await order.inOrder(behind.ask)).message).toMatch(/^etcdclient: no cluster members have/);
  expect(behind.asked()).toBe(11);
  const failure: Answer = { code: 14, message: "away", body: undefined };
  expect(await order.inOrder(answering(failure).ask)).toEqual(failure);
});
