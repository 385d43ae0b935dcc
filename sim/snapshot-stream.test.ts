/**
 * Maintenance.Snapshot over frames in memory, on a whole member: a client that does not read, one that goes
 * away, and a disk that cannot be read.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Backups } from "../src/api/context.ts";
import { snapshotMethod } from "../src/api/maintenance-snapshot.ts";
import { PinnedState } from "../src/backend/pinned-state.ts";
import { openRawConnection, type RawConnection } from "../src/client/raw-connection.ts";
import type { GrpcClientCall } from "../src/http2/grpc-client-types.ts";
import { sha256 } from "../src/platform/digest.ts";
import { DiskError } from "../src/ports/disk.ts";
import { bytesFromUtf8, hexFromBytes } from "../src/stdx/bytes.ts";
import { Prng } from "../src/stdx/prng.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import { createPutRequest, decodeSnapshotResponse, encodePutRequest } from "../src/wire/gen/rpc.ts";
import { MemoryNetwork, MemoryServer } from "../test/harness/memory-grpc.ts";
import { SimulatedDisk } from "./disk.ts";
import { SimulatedMember } from "./simulated-member.ts";

const SNAPSHOT = "/etcdserverpb.Maintenance/Snapshot";

/** More than all windows and queues between server and client take. */
const DATABASE_BYTES = 12_000_000;
const VALUE_BYTES = 400_000;

/** What came of a call. */
class Download {
  readonly call: GrpcClientCall;
  readonly digest = sha256();
  bytes = 0;
  /** The last message. */
  trailer: Uint8Array = new Uint8Array(0);
  ended: { readonly code: number; readonly text: string } | undefined;

  constructor({ grpc, metadata }: RawConnection) {
    this.call = grpc.stream(SNAPSHOT, metadata, {
      onMessage: (_, message) => {
        const { blob, remainingBytes } = decodeSnapshotResponse(message);
        if (blob.length === 32 && remainingBytes === 0) {
          this.trailer = blob.slice();
          return;
        }
        this.digest.update(blob);
        this.bytes += blob.length;
      },
      onStatus: (_, { code, message }) => {
        this.ended = { code, text: message };
      },
    });
    this.call.sendMessage(new Uint8Array(0));
    this.call.halfClose();
  }
}

describe("a snapshot", () => {
  let member: SimulatedMember;
  let raw: RawConnection;
  /** The state that the newest call reads. */
  let state: PinnedState | undefined;
  let readError: DiskError | undefined;

  beforeEach(async () => {
    readError = undefined;
    state = undefined;
    member = new SimulatedMember(new SimulatedDisk({ random: new Prng(3) }), 1_000_000);
    expect(await member.start(new Prng(1), { maxRequestBytes: 10_000_000 })).toBe(true);
    for (let at = 0; at * VALUE_BYTES < DATABASE_BYTES; at++) await put(`key${at}`, VALUE_BYTES);
    const network = new MemoryNetwork();
    const handlers = { [SNAPSHOT]: snapshotMethod({ ...contextParts(), backups: backups() }) };
    network.servers.set("one:1", new MemoryServer(member.clock, {}, handlers));
    let opened: RawConnection | undefined;
    const opening = openRawConnection({
      endpoint: "one:1",
      connector: network,
      clock: member.clock,
      onClosed: () => undefined,
    });
    void opening.then((connection) => {
      opened = connection;
    });
    await settle(() => opened !== undefined);
    raw = await opening;
  });

  afterEach(() => {
    raw.close();
  });

  function contextParts() {
    return { clock: member.clock, log: member.log };
  }

  /** The member's, watched. */
  function backups(): Backups {
    const { current } = member.host;
    return {
      ...current.backups,
      open: (done) =>
        current.backups.open((result) => {
          if (result instanceof PinnedState) state = failing(result);
          done(state ?? result);
        }),
    };
  }

  /** The state itself, whose reads fail from when `readError` is there. */
  function failing(pinned: PinnedState): PinnedState {
    const read = pinned.readCopy.bind(pinned);
    pinned.readCopy = (into, position) => {
      if (readError !== undefined) throw readError;
      return read(into, position);
    };
    return pinned;
  }

  async function put(key: string, size: number): Promise<void> {
    const value = new Uint8Array(size).fill(size);
    const body = encodePutRequest(createPutRequest({ key: bytesFromUtf8(key), value }));
    let isDone = false;
    member.propose(Operation.put, body, () => {
      isDone = true;
    });
    expect(await member.until(() => isDone)).toBe(true);
  }

  /** Lets frames travel and the member work until `holds`. */
  async function settle(holds: () => boolean): Promise<void> {
    for (let turns = 0; turns < 20_000 && !holds(); turns++) await turn();
    expect(holds()).toBe(true);
  }

  async function turn(): Promise<void> {
    member.host.poke();
    await member.until(() => true);
    await new Promise((resolve) => setImmediate(resolve));
    await member.pass(1);
  }

  /** Lets frames travel until nothing moves any more. */
  async function standStill(download: Download): Promise<void> {
    for (let before = -1; before !== download.bytes; ) {
      before = download.bytes;
      for (let turns = 0; turns < 200; turns++) await turn();
    }
  }

  test("waits for a client that does not read, without delaying puts, and is whole", async () => {
    const download = new Download(raw);
    await settle(() => download.bytes > 0);
    download.call.setReceiving(false);
    await standStill(download);
    const stoppedAt = download.bytes;
    expect(stoppedAt).toBeLessThan(DATABASE_BYTES / 2);
    for (let at = 0; at < 10; at++) await put("later", VALUE_BYTES);
    expect(state?.isOpen).toBe(true);
    await member.pass(31_000);
    const warnings = member.log.lines.filter(
      ({ message }) => message === "snapshotting taking too long to transfer",
    );
    expect(warnings).toHaveLength(1);
    expect(download.bytes).toBe(stoppedAt);
    download.call.setReceiving(true);
    await settle(() => download.ended !== undefined);
    expect(download.ended).toEqual({ code: 0, text: "" });
    expect(download.bytes).toBe(state?.bytes);
    expect(hexFromBytes(download.trailer)).toBe(hexFromBytes(download.digest.finish()));
    expect(state?.isOpen).toBe(false);
  });

  test("of a client that goes away gives its state back", async () => {
    const download = new Download(raw);
    await settle(() => download.bytes > 0);
    download.call.setReceiving(false);
    await standStill(download);
    expect(state?.isOpen).toBe(true);
    download.call.cancel();
    await settle(() => state?.isOpen === false);
    const gone = new Download(raw);
    gone.call.cancel();
    await settle(() => state?.isOpen === false);
    const whole = new Download(raw);
    await settle(() => whole.ended !== undefined);
    expect(whole.ended?.code).toBe(0);
  });

  test("that cannot be read to its end says why", async () => {
    const download = new Download(raw);
    await settle(() => download.bytes > 0);
    readError = new DiskError("read", "db", "EIO", "input/output error");
    await settle(() => download.ended !== undefined);
    expect(download.ended).toEqual({ code: 2, text: 'Cannot read "db": input/output error' });
    expect(state?.isOpen).toBe(false);
  });
});
