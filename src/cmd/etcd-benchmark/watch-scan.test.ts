import { expect, test } from "vitest";
import { createKeyValue, createEvent } from "../../wire/gen/kv.ts";
import {
  createResponseHeader,
  createWatchResponse,
  encodeWatchResponse,
} from "../../wire/gen/rpc.ts";
import { WatchScan } from "./watch-scan.ts";

const HEADER = createResponseHeader({
  clusterId: 2n ** 63n,
  memberId: 2n ** 64n - 1n,
  revision: 9,
});

test.each([0, 1, 2, 500])("WatchScan counts %d events, whatever is in them", (count) => {
  // Values that look like fields.
  const kv = createKeyValue({ key: new Uint8Array(300).fill(0x5a), value: Uint8Array.of(0x18, 1) });
  const events = Array.from({ length: count }, () => createEvent({ kv, prevKv: kv }));
  const scan = new WatchScan();
  scan.read(encodeWatchResponse(createWatchResponse({ header: HEADER, watchId: 300n, events })));
  expect(scan).toMatchObject({ watchId: 300, isCreated: false, isCanceled: false, events: count });
});

test("WatchScan forgets the response before", () => {
  const scan = new WatchScan();
  scan.read(
    encodeWatchResponse(createWatchResponse({ watchId: 7n, created: true, canceled: true })),
  );
  expect(scan).toMatchObject({ watchId: 7, isCreated: true, isCanceled: true, events: 0 });
  scan.read(encodeWatchResponse(createWatchResponse({ header: HEADER })));
  expect(scan).toMatchObject({ watchId: 0, isCreated: false, isCanceled: false, events: 0 });
});

test("WatchScan ends where bytes end", () => {
  const whole = encodeWatchResponse(
    createWatchResponse({ header: HEADER, events: [createEvent({}), createEvent({})] }),
  );
  const scan = new WatchScan();
  for (let length = 0; length < whole.length; length++) {
    scan.read(whole.subarray(0, length));
    expect(scan.events).toBeLessThanOrEqual(2);
  }
});
