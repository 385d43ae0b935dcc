import { beforeEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../../sim/manual-clock.ts";
import type { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import { Cluster } from "../../membership/cluster.ts";
import type { PeerCaller, PeerResponse } from "../../peer/network.ts";
import { type LeaderCall, LeaderCalls } from "./leader-calls.ts";
import { LEADER_CALL_PAUSE_MS, LEADER_CALLS_AT_ONCE } from "../limits.ts";

const SELF = 1n;
const TIMEOUT_MS = 7000;

/** A request that reached the network and waits for its answer. */
interface Asked {
  readonly url: string;
  readonly timeoutMs: number;
  readonly done: (answer: PeerResponse | Error) => void;
}

class Call implements LeaderCall {
  readonly request = {
    method: "POST",
    path: "/x",
    contentType: "",
    body: new Uint8Array(),
  } as const;
  readonly told: (number | EtcdError | "here")[] = [];
  isAway = false;
  triesHere: ((isAnswered: boolean) => void)[] = [];

  isGone(): boolean {
    return this.isAway;
  }

  tryHere(settled: (isAnswered: boolean) => void): void {
    this.triesHere.push(settled);
  }

  take({ status }: PeerResponse): boolean {
    if (status === 200) this.told.push(status);
    return status === 200;
  }

  fail(error: EtcdError): void {
    this.told.push(error);
  }
}

describe("LeaderCalls", () => {
  let clock: ManualClock;
  let asked: Asked[];
  let calls: LeaderCalls;
  let member: { leader: bigint };

  beforeEach(() => {
    clock = new ManualClock();
    asked = [];
    const cluster = new Cluster(9n);
    for (const id of [SELF, 2n, 3n]) {
      const peerUrls = [`http://a${id}`, `http://b${id}`];
      cluster.add({ id, name: "", peerUrls, clientUrls: [], isLearner: false });
    }
    cluster.add({ id: 4n, name: "", peerUrls: [], clientUrls: [], isLearner: false });
    const network: PeerCaller = {
      call: (url, _request, timeoutMs, done) => asked.push({ url, timeoutMs, done }),
    };
    const whole = { id: SELF, leader: 2n, applier: { cluster }, requestTimeoutMs: TIMEOUT_MS };
    member = whole;
    calls = new LeaderCalls({ member: whole, network, clock, poke: () => {} });
  });

  const start = (): Call => {
    const call = new Call();
    calls.start(call);
    return call;
  };

  const answer = (status: number | Error): string => {
    const next = asked.shift();
    if (next === undefined) throw new Error("Nobody was asked");
    next.done(status instanceof Error ? status : { status, headers: {}, body: new Uint8Array() });
    return next.url;
  };

  const pass = (ms: number): void => {
    for (let at = 0; at < ms; at += LEADER_CALL_PAUSE_MS) clock.advance(LEADER_CALL_PAUSE_MS);
  };

  test("asks the leader's URLs in turn, and all of them again after a pause", () => {
    const call = start();
    expect(asked[0].timeoutMs).toBe(TIMEOUT_MS);
    expect([answer(new Error("refused")), answer(500)]).toEqual(["http://a2", "http://b2"]);
    expect(asked).toEqual([]);
    pass(LEADER_CALL_PAUSE_MS);
    expect(answer(200)).toBe("http://a2");
    expect(call.told).toEqual([200]);
    pass(TIMEOUT_MS);
    expect([asked, call.told]).toEqual([[], [200]]);
  });

  test("turns to a new leader while the old one does not answer, whose answer is late then", () => {
    const call = start();
    const [old] = asked.splice(0);
    member.leader = 0n;
    pass(1000);
    expect(asked).toEqual([]);
    member.leader = 3n;
    pass(LEADER_CALL_PAUSE_MS);
    old.done({ status: 200, headers: {}, body: new Uint8Array() });
    expect(call.told).toEqual([]);
    expect(answer(200)).toBe("http://a3");
    expect(call.told).toEqual([200]);
  });

  test("is tried here while this member leads, until it is answered", () => {
    member.leader = SELF;
    const call = start();
    call.triesHere[0](false);
    pass(LEADER_CALL_PAUSE_MS);
    expect(call.triesHere).toHaveLength(2);
    call.triesHere[1](true);
    pass(TIMEOUT_MS);
    expect([call.triesHere.length, call.told]).toEqual([2, []]);
  });

  test("ends when the time of a request is over", () => {
    const silent = start();
    pass(TIMEOUT_MS);
    expect(silent.told).toEqual([Errors.Timeout]);
    member.leader = 0n;
    const leaderless = start();
    pass(TIMEOUT_MS - LEADER_CALL_PAUSE_MS);
    expect(leaderless.told).toEqual([]);
    pass(LEADER_CALL_PAUSE_MS);
    expect(leaderless.told).toEqual([Errors.NoLeader]);
    member.leader = 4n;
    const unreachable = start();
    pass(TIMEOUT_MS);
    expect(unreachable.told).toEqual([Errors.Timeout]);
  });

  test("asks a bounded number at once; others follow, those that are given up too", () => {
    const all = Array.from({ length: LEADER_CALLS_AT_ONCE + 3 }, start);
    expect(asked).toHaveLength(LEADER_CALLS_AT_ONCE);
    answer(200);
    expect(asked).toHaveLength(LEADER_CALLS_AT_ONCE);
    all[1].isAway = true;
    all[LEADER_CALLS_AT_ONCE + 1].isAway = true;
    pass(LEADER_CALL_PAUSE_MS);
    expect(asked).toHaveLength(LEADER_CALLS_AT_ONCE + 1);
    while (asked.length > 0) answer(200);
    const told = all.map((call) => call.told.length);
    expect(told.filter((count) => count === 0)).toHaveLength(2);
    expect([told[1], told[LEADER_CALLS_AT_ONCE + 1]]).toEqual([0, 0]);
  });

  test("is told at the end of the server, and after it", () => {
    const call = start();
    calls.stop();
    const late = start();
    expect([call.told, late.told]).toEqual([[Errors.Stopped], [Errors.Stopped]]);
    answer(200);
    pass(TIMEOUT_MS);
    expect(call.told).toEqual([Errors.Stopped]);
  });
});
