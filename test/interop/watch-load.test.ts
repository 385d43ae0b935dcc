/**
 * Watch streams that cannot keep up: more events than any window takes, large ones, old ones, readers that
 * stop for a while. Every watcher sees the same on the real etcd and on ours, and all of it.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import { Prng } from "../../src/stdx/prng.ts";
import {
  createDeleteRangeRequest,
  createPutRequest,
  createRequestOp,
  createTxnRequest,
  createWatchCreateRequest,
  FilterType,
  type RequestOp,
} from "../../src/wire/gen/rpc.ts";
import { KVService } from "../../src/wire/gen/services.ts";
import { EventLog } from "../harness/event-log.ts";
import { StoreState } from "../harness/operation.ts";
import { REFERENCE } from "../harness/reference.ts";
import { TwinServers } from "../harness/twin-servers.ts";
import { PairedStream } from "../harness/watch-streams.ts";

const ALL = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) };
const PREFIX = { key: bytesFromLatin1("k1"), rangeEnd: bytesFromLatin1("k2") };

/** More than the windows of a connection take. */
const LARGE_BYTES = 400_000;
const LARGE_PUTS = 60;
const SMALL_CHANGES = 3_000;

describe.skipIf(REFERENCE === undefined)("watch streams under load", { timeout: 60_000 }, () => {
  let pair: TwinServers;
  const state = new StoreState();
  const log = new EventLog();
  let everything: PairedStream;

  beforeAll(async () => {
    pair = await TwinServers.start();
    everything = new PairedStream(pair.callers);
    const request = createWatchCreateRequest({ ...ALL, startRevision: 1 });
    await everything.create(request, log, state);
    log.follow(everything.watchers[0].records[0]);
  });

  afterAll(() => pair.remove());

  async function change(method: (typeof KVService)[keyof typeof KVService], request: object) {
    const [real, ours] = await pair.call({ method, request });
    expect([ours.code, ours.text]).toEqual([real.code, real.text]);
    state.learn({ method, request }, real);
  }

  const putLarge = (key: string, fill: number): Promise<void> => {
    const value = new Uint8Array(LARGE_BYTES).fill(fill);
    return change(KVService.put, createPutRequest({ key: bytesFromLatin1(key), value }));
  };

  async function expectSame(streams: readonly PairedStream[]): Promise<void> {
    const [recorder] = everything.recorders;
    expect(await recorder.until(() => log.revision >= state.revision, 20_000)).toBe(true);
    for (const stream of [everything, ...streams]) {
      await stream.settle(state.revision);
      expect(stream.differences()).toEqual([]);
    }
    for (const stream of streams) stream.close();
  }

  const open = (count: number): PairedStream[] =>
    Array.from({ length: count }, () => new PairedStream(pair.callers));

  test("readers that stop while large values are put miss nothing", async () => {
    const streams = open(6);
    for (const [at, stream] of streams.entries()) {
      const options = { prevKv: at % 2 === 0, fragment: at % 3 === 0 };
      const request = { ...(at < 4 ? ALL : PREFIX), ...options };
      await stream.create(createWatchCreateRequest(request), log, state);
      if (at > 0) stream.setReceiving(false);
    }
    for (let put = 0; put < LARGE_PUTS; put++) await putLarge(`k${put % 7}`, put);
    for (const stream of streams) stream.setReceiving(true);
    await expectSame(streams);
  });

  test("large history comes whole, in fragments where they are asked for", async () => {
    const streams = open(4);
    for (const [at, stream] of streams.entries()) {
      const request = { ...ALL, startRevision: 2, fragment: at % 2 === 0, prevKv: at > 1 };
      await stream.create(createWatchCreateRequest(request), log, state);
    }
    await expectSame(streams);
  });

  test("a transaction larger than a message is one revision", async () => {
    const streams = open(4);
    for (const [at, stream] of streams.entries()) {
      const request = { ...ALL, fragment: at % 2 === 0, prevKv: at > 1 };
      await stream.create(createWatchCreateRequest(request), log, state);
    }
    for (const fill of [1, 2, 3]) {
      const success = Array.from({ length: 3 }, (_, at) => putOf(`txn${at}`, LARGE_BYTES, fill));
      await change(KVService.txn, createTxnRequest({ success }));
    }
    // All values at once, as what was before.
    await change(KVService.deleteRange, createDeleteRangeRequest(ALL));
    await expectSame(streams);
  });

  test("many small changes reach watchers that start at every moment", async () => {
    const prng = new Prng(5);
    const streams = open(8);
    for (let at = 0; at < SMALL_CHANGES; at++) {
      const key = `k${prng.below(40)}`;
      if (prng.chance(0.2)) {
        await change(
          KVService.deleteRange,
          createDeleteRangeRequest({ key: bytesFromLatin1(key) }),
        );
      } else if (prng.chance(0.1)) {
        const success = [1, 2, 3].map((n) => putOf(`k1${n}`, n, at));
        await change(KVService.txn, createTxnRequest({ success }));
      } else {
        await change(KVService.put, createPutRequest({ key: bytesFromLatin1(key) }));
      }
      if (!prng.chance(0.02)) continue;
      const stream = prng.pick(streams);
      const startRevision = prng.chance(0.3) ? 0 : 2 + prng.below(state.revision - 1);
      const filters = prng.pick([[], [FilterType.NOPUT], [FilterType.NODELETE]]);
      const range = prng.pick([ALL, PREFIX, { key: bytesFromLatin1("k5") }]);
      const request = { ...range, startRevision, filters, prevKv: prng.chance(0.5) };
      await stream.create(createWatchCreateRequest(request), log, state);
      prng.pick(streams).setReceiving(prng.chance(0.7));
    }
    for (const stream of streams) stream.setReceiving(true);
    await expectSame(streams);
  });
});

function putOf(key: string, bytes: number, fill: number): RequestOp {
  const value = new Uint8Array(bytes).fill(fill);
  const put = createPutRequest({ key: bytesFromLatin1(key), value });
  return createRequestOp({ request: { case: "requestPut", value: put } });
}
