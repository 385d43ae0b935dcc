/**
 * Maintenance.Snapshot: streams one durable state of the database, as the file it would be, and at last the
 * SHA-256 of it. The state is held until the client has everything or goes away; a client that reads slowly
 * is waited for, and neither it nor a fast one delays anybody else.
 *
 * Source: etcd server/etcdserver/api/v3rpc/maintenance.go (Snapshot), server/storage/backend (3.5).
 */
import type { PinnedState } from "../backend/pinned-state.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { GrpcCode } from "../errors/codes.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import type { Timer } from "../ports/clock.ts";
import { DiskError } from "../ports/disk.ts";
import type { Digest } from "../ports/digest.ts";
import type { Log } from "../ports/log.ts";
import { assert } from "../stdx/assert.ts";
import { goDurationOfMs } from "../stdx/go-duration.ts";
import { humanAgo, humanBytes } from "../stdx/humanize.ts";
import { decodeSnapshotRequest, encodeSnapshotResponse } from "../wire/gen/rpc.ts";
import { SNAPSHOT_CHUNK_HEAD_BYTES, snapshotChunk } from "../wire/snapshot-chunk.ts";
import type { BackgroundTask, ServiceContext } from "./context.ts";
import {
  SNAPSHOT_CHUNK_BYTES,
  SNAPSHOT_CHUNKS_PER_SLICE,
  SNAPSHOT_CHUNKS_WAITING_MAX,
  SNAPSHOT_WARNING_BYTES_PER_MS,
  SNAPSHOT_WARNING_MS_MIN,
} from "./limits.ts";
import { decodeStreamed, fail } from "./status.ts";

/** What a snapshot needs of its service. */
type SnapshotContext = Pick<ServiceContext, "backups" | "clock" | "log">;

export function snapshotMethod(context: SnapshotContext): GrpcMethodHandler {
  const log = context.log.named("api/maintenance-snapshot.ts");
  return {
    kind: "unary",
    onMessage(call, bytes) {
      if (decodeStreamed(call, bytes, decodeSnapshotRequest) === undefined) return;
      context.backups.open((result) => {
        if (result instanceof EtcdError) fail(call, result);
        else if (call.open) call.context = new SnapshotStream(context, call, result, log);
        else result.close();
      });
    },
    onHalfClose() {},
    onWritable(call) {
      if (call.context instanceof SnapshotStream) call.context.goOn();
    },
    onCancel(call) {
      if (call.context instanceof SnapshotStream) call.context.close();
    },
  };
}

class SnapshotStream implements BackgroundTask {
  readonly #context: SnapshotContext;
  readonly #call: GrpcServerCall;
  readonly #state: PinnedState;
  readonly #log: Log;
  readonly #digest: Digest;
  readonly #startedMs: number;
  #warning: Timer | undefined;
  /**
   * A message must not change before it is written. Nothing is sent while the call has no room, so that
   * fewer messages than these wait; a new one for each chunk would keep the garbage collector busy.
   */
  readonly #memory = Array.from(
    { length: SNAPSHOT_CHUNKS_WAITING_MAX + 1 },
    () => new Uint8Array(SNAPSHOT_CHUNK_HEAD_BYTES + SNAPSHOT_CHUNK_BYTES),
  );
  #chunks = 0;
  #sent = 0;
  #open = true;

  constructor(context: SnapshotContext, call: GrpcServerCall, state: PinnedState, log: Log) {
    this.#context = context;
    this.#call = call;
    this.#state = state;
    this.#log = log;
    this.#digest = context.backups.sha256();
    this.#startedMs = context.clock.nowMs();
    log.info("sending database snapshot to client", {
      "total-bytes": state.bytes,
      size: humanBytes(state.bytes),
    });
    this.#scheduleWarning();
    this.goOn();
  }

  /** There is room for more. */
  goOn(): void {
    if (this.#open) this.#context.backups.runInSlices(this);
  }

  step(): boolean {
    try {
      return this.#sendSome();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#call.sendStatus(GrpcCode.Unknown, error.message);
      this.close();
      return false;
    }
  }

  #sendSome(): boolean {
    for (let chunks = 0; chunks < SNAPSHOT_CHUNKS_PER_SLICE; chunks++) {
      if (!this.#open) return false;
      if (this.#sent === this.#state.bytes) {
        this.#finish();
        return false;
      }
      if (!this.#sendChunk()) return false;
    }
    return true;
  }

  /** Gives the state back. */
  close(): void {
    this.#open = false;
    this.#warning?.cancel();
    this.#state.close();
  }

  /** Returns false when the client has to take something first. */
  #sendChunk(): boolean {
    const left = this.#state.bytes - this.#sent;
    const memory = this.#memory[this.#chunks++ % this.#memory.length];
    const end = SNAPSHOT_CHUNK_HEAD_BYTES + Math.min(SNAPSHOT_CHUNK_BYTES, left);
    const blob = memory.subarray(SNAPSHOT_CHUNK_HEAD_BYTES, end);
    const count = this.#state.readCopy(blob, this.#sent);
    assert(count === blob.length, "A state of the database must have the size that it says");
    this.#digest.update(blob);
    this.#sent += count;
    return this.#call.sendMessage(snapshotChunk(memory, count, left - count));
  }

  #finish(): void {
    const total = { "total-bytes": this.#state.bytes };
    const blob = this.#digest.finish();
    this.#log.info("sending database sha256 checksum to client", {
      ...total,
      "checksum-size": blob.length,
    });
    this.#call.sendMessage(encodeSnapshotResponse({ header: undefined, remainingBytes: 0, blob }));
    this.#call.sendStatus(GrpcCode.OK, "");
    this.#log.info("successfully sent database snapshot to client", {
      ...total,
      size: humanBytes(this.#state.bytes),
      took: humanAgo(this.#context.clock.nowMs() - this.#startedMs),
    });
    this.close();
  }

  /** Again and again while it lasts: the database cannot use pages again meanwhile. */
  #scheduleWarning(): void {
    const expectedMs = this.#state.bytes / SNAPSHOT_WARNING_BYTES_PER_MS;
    this.#warning = this.#context.clock.after(Math.max(SNAPSHOT_WARNING_MS_MIN, expectedMs), () => {
      this.#log.warn("snapshotting taking too long to transfer", {
        taking: goDurationOfMs(this.#context.clock.nowMs() - this.#startedMs),
        bytes: this.#state.bytes,
        size: humanBytes(this.#state.bytes),
      });
      this.#scheduleWarning();
    });
  }
}
