/** Warnings of requests that took long: the same texts as the real etcd's for the same requests. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import {
  CompareResult,
  CompareTarget,
  createCompare,
  createDeleteRangeRequest,
  createPutRequest,
  createRangeRequest,
  createRequestOp,
  createTxnRequest,
  type RequestOp,
  SortOrder,
  SortTarget,
} from "../../src/wire/gen/rpc.ts";
import { KVService, LeaseService, MaintenanceService } from "../../src/wire/gen/services.ts";
import { REFERENCE } from "../harness/reference.ts";
import { type RunningServer, ServerPair } from "../harness/server-pair.ts";

const key = bytesFromLatin1;
const op = (request: RequestOp["request"]): RequestOp => createRequestOp({ request });
const putOp = (name: string, size: number): RequestOp =>
  op({
    case: "requestPut",
    value: createPutRequest({ key: key(name), value: new Uint8Array(size) }),
  });
const getOp = (name: string, serializable = false): RequestOp =>
  op({ case: "requestRange", value: createRangeRequest({ key: key(name), serializable }) });
const deleteOp = (name: string): RequestOp =>
  op({ case: "requestDeleteRange", value: createDeleteRangeRequest({ key: key(name) }) });
const txnOp = (...success: RequestOp[]): RequestOp =>
  op({ case: "requestTxn", value: createTxnRequest({ success }) });

/** The warnings so far about requests of clients, without what is each server's own. */
function warningsOf({ server }: RunningServer): string[] {
  const found: string[] = [];
  for (const line of server.log().split("\n")) {
    if (!line.includes("apply request took too long")) continue;
    const { prefix, request, response, error } = JSON.parse(line) as Record<string, string>;
    // What members tell each other at start, and the read of /health.
    if (request.startsWith("ID:") || request.startsWith("limit:1 keys_only:true")) continue;
    const own = request.replace(/ID:\d+/, "ID");
    // The size of an answer depends on when its header is filled in; errors have another name inside.
    const size = prefix === "" ? response : response.replace(/ ?size:\d+/, "");
    found.push([prefix, own, error === undefined ? size : "failed"].join("|"));
  }
  return found;
}

describe.skipIf(REFERENCE === undefined)("slow requests", { timeout: 60_000 }, () => {
  let pair: ServerPair;

  beforeAll(async () => {
    pair = await ServerPair.start({ flags: ["--experimental-warning-apply-duration=1ns"] });
  }, 60_000);

  afterAll(() => pair.remove());

  test("are warned of with the same text", async () => {
    const { put, range, deleteRange, txn, compact } = KVService;
    await pair.same(put, { key: key('a\n\r\t"\\\x01\x7f\xe9'), value: key("value"), prevKv: true });
    await pair.same(put, { key: key("foo"), ignoreValue: true, ignoreLease: true });
    await pair.same(put, { key: key("foo"), lease: 12n });
    await pair.same(range, {
      key: key("a"),
      rangeEnd: key("z"),
      limit: 5,
      sortOrder: SortOrder.ASCEND,
      sortTarget: SortTarget.MOD,
      keysOnly: true,
      minModRevision: 1,
      maxCreateRevision: 9,
    });
    await pair.same(range, { key: key("a"), countOnly: true, sortOrder: SortOrder.DESCEND });
    await pair.same(range, { key: key("foo"), serializable: true, revision: 99 });
    await pair.same(deleteRange, { key: key("foo"), rangeEnd: key("\0"), prevKv: true });
    const { EQUAL, GREATER, LESS, NOT_EQUAL } = CompareResult;
    const { CREATE, LEASE, MOD, VALUE, VERSION } = CompareTarget;
    const compared = { key: key("a"), rangeEnd: key("b") };
    await pair.same(txn, {
      compare: [
        createCompare({
          key: key("a"),
          target: VALUE,
          result: EQUAL,
          targetUnion: { case: "value", value: key("vvv") },
        }),
        createCompare({
          ...compared,
          target: VERSION,
          result: GREATER,
          targetUnion: { case: "version", value: 7 },
        }),
        createCompare({
          ...compared,
          target: CREATE,
          result: LESS,
          targetUnion: { case: "createRevision", value: 0 },
        }),
        createCompare({
          key: key("a"),
          target: MOD,
          result: NOT_EQUAL,
          targetUnion: { case: "modRevision", value: 3 },
        }),
        createCompare({
          key: key("a"),
          target: LEASE,
          targetUnion: { case: "lease", value: 5n },
        }),
      ],
      success: [putOp("x", 2), getOp("x"), txnOp(putOp("n", 1))],
      failure: [deleteOp("q"), putOp("x2", 0)],
    });
    await pair.same(txn, { success: [getOp("x"), getOp("y", true)] });
    await pair.same(txn, { success: [getOp("x", true)] });
    await pair.same(txn, {});
    await pair.same(LeaseService.leaseGrant, { id: 77n, ttl: 100 });
    await pair.same(LeaseService.leaseRevoke, { id: 77n });
    await pair.same(LeaseService.leaseRevoke, { id: -1n });
    await pair.same(compact, { revision: 2, physical: true });
    await pair.same(MaintenanceService.alarm);
    await new Promise((resolve) => setTimeout(resolve, 300));
    // The real one logs some sizes with a header already.
    const withoutLeaseSizes = (lines: string[]): string[] =>
      lines.map((line) => (line.includes("lease_") ? line.replace(/size:\d+$/, "size") : line));
    const expected = withoutLeaseSizes(warningsOf(pair.real));
    expect(expected.length).toBeGreaterThan(12);
    expect(withoutLeaseSizes(warningsOf(pair.ours))).toEqual(expected);
  });
});
