/**
 * Everything about a connection that happens because time passes. The clock is looked at in `tick` only;
 * a moment that begins outside of it (output waits, a queue stands still) is dated by the next tick.
 */
import type { Connection } from "./connection.ts";
import type { FrameReader } from "./frame-reader.ts";
import { writePing } from "./frame-writer.ts";
import type { Keepalive } from "./keepalive.ts";
import { DEADLINE_GRANULARITY_MS, DRAIN_PING_TIMEOUT_MS, OUTPUT_IDLE_MS } from "./limits.ts";
import { ErrorCode } from "./protocol.ts";

const NEVER = Number.POSITIVE_INFINITY;

/** Part of the stall timeout between two looks at all queues. */
const STALL_LOOKS = 4;

const KEEPALIVE_PING = new Uint8Array(8);

export class ConnectionTimers {
  readonly #connection: Connection;
  readonly #reader: FrameReader;
  readonly #keepalive: Keepalive;
  #startMs = 0;
  #deadlinesLookedMs = Number.NEGATIVE_INFINITY;
  #queuesLookedMs = 0;
  #idleLookedMs = 0;

  constructor(connection: Connection, reader: FrameReader, keepalive: Keepalive) {
    this.#connection = connection;
    this.#reader = reader;
    this.#keepalive = keepalive;
  }

  start(nowMs: number): void {
    this.#startMs = nowMs;
    this.#queuesLookedMs = nowMs;
    this.#idleLookedMs = nowMs;
    this.#keepalive.onRead(nowMs);
  }

  tick(nowMs: number): void {
    const connection = this.#connection;
    if (connection.ended) return;
    connection.nowMs = nowMs;
    this.#checkHandshake(nowMs);
    if (nowMs - this.#reader.incompleteSinceMs >= connection.limits.partialFrameTimeoutMs) {
      connection.fail(ErrorCode.ENHANCE_YOUR_CALM, "a frame was not completed in time");
    }
    this.#checkKeepalive(nowMs);
    if (
      connection.drainState === "announced" &&
      nowMs - connection.drainPingMs >= DRAIN_PING_TIMEOUT_MS
    ) {
      connection.finishDrainAnnouncement();
    }
    this.#checkDeadlines(nowMs);
    if (!connection.ended) connection.role.onTick(nowMs);
    this.#checkOutput(nowMs);
    this.#checkQueues(nowMs);
    this.#releaseIdleMemory(nowMs);
  }

  nextTickMs(): number {
    const connection = this.#connection;
    const { limits } = connection;
    if (connection.ended) return NEVER;
    let next = Math.min(
      this.#reader.incompleteSinceMs + limits.partialFrameTimeoutMs,
      this.#keepalive.nextTickMs(this.#keepaliveActive()),
      connection.role.nextTickMs(),
      Math.max(connection.earliestDeadlineMs, this.#deadlinesLookedMs + DEADLINE_GRANULARITY_MS),
    );
    if (!this.#reader.handshakeDone)
      next = Math.min(next, this.#startMs + limits.handshakeTimeoutMs);
    if (!this.#reader.settingsAcked) {
      next = Math.min(next, this.#startMs + limits.settingsAckTimeoutMs);
    }
    if (connection.drainState === "announced") {
      next = Math.min(next, connection.drainPingMs + DRAIN_PING_TIMEOUT_MS);
    }
    if (connection.out.length > 0 || connection.scheduler.keptBytes > 0) {
      next = Math.min(next, this.#queuesLookedMs + limits.sendStallTimeoutMs / STALL_LOOKS);
    }
    return next;
  }

  #checkHandshake(nowMs: number): void {
    const connection = this.#connection;
    const sinceMs = nowMs - this.#startMs;
    if (!this.#reader.handshakeDone) {
      if (sinceMs < connection.limits.handshakeTimeoutMs) return;
      connection.close("the peer did not complete the HTTP/2 handshake in time");
    } else if (!this.#reader.settingsAcked) {
      if (sinceMs < connection.limits.settingsAckTimeoutMs) return;
      connection.fail(ErrorCode.SETTINGS_TIMEOUT, "SETTINGS were not acknowledged in time");
    }
  }

  #keepaliveActive(): boolean {
    const connection = this.#connection;
    if (connection.role.isServer || connection.limits.keepalivePermitWithoutStream) return true;
    return connection.streams.size > 0;
  }

  #checkKeepalive(nowMs: number): void {
    const connection = this.#connection;
    if (connection.ended) return;
    switch (this.#keepalive.tick(nowMs, this.#keepaliveActive())) {
      case "nothing":
        return;
      case "ping":
        writePing(connection.out, false, KEEPALIVE_PING, 0);
        connection.signalOutput();
        return;
      case "dead":
        connection.end(
          connection.role.isServer
            ? `keepalive ping not acked within timeout ${this.#keepalive.timeoutMs / 1000}s`
            : "keepalive ping failed to receive ACK within timeout",
        );
        return;
    }
  }

  /** O(open streams), at most every DEADLINE_GRANULARITY_MS, and only when a deadline may have passed. */
  #checkDeadlines(nowMs: number): void {
    const connection = this.#connection;
    if (nowMs < connection.earliestDeadlineMs || connection.ended) return;
    if (nowMs - this.#deadlinesLookedMs < DEADLINE_GRANULARITY_MS) return;
    this.#deadlinesLookedMs = nowMs;
    let earliest = NEVER;
    for (const stream of connection.streams.values()) {
      const { deadlineMs } = stream.owner;
      if (deadlineMs <= nowMs) stream.owner.onDeadline();
      else if (deadlineMs < earliest) earliest = deadlineMs;
    }
    connection.earliestDeadlineMs = earliest;
  }

  /** A peer that does not read its socket. */
  #checkOutput(nowMs: number): void {
    const connection = this.#connection;
    if (connection.ended || connection.out.length === 0) return;
    if (connection.outputSinceMs < 0) connection.outputSinceMs = nowMs;
    else if (nowMs - connection.outputSinceMs >= connection.limits.sendStallTimeoutMs) {
      connection.end("the peer does not read");
    }
  }

  /** Peers that do not open their windows. */
  #checkQueues(nowMs: number): void {
    const connection = this.#connection;
    const stallMs = connection.limits.sendStallTimeoutMs;
    if (connection.ended || nowMs - this.#queuesLookedMs < stallMs / STALL_LOOKS) return;
    this.#queuesLookedMs = nowMs;
    if (connection.scheduler.keptBytes === 0) return;
    for (const stream of connection.streams.values()) {
      const { queue } = stream;
      if (queue === undefined) continue;
      if (queue.progressMs < 0) queue.progressMs = nowMs;
      else if (nowMs - queue.progressMs >= stallMs) {
        connection.streamError(stream.id, stream, ErrorCode.CANCEL, "the peer grants no window");
        if (connection.ended) return;
      }
    }
  }

  #releaseIdleMemory(nowMs: number): void {
    const connection = this.#connection;
    if (nowMs - this.#idleLookedMs < OUTPUT_IDLE_MS) return;
    this.#idleLookedMs = nowMs;
    if (connection.out.length > 0) return;
    connection.out.release();
    this.#reader.releaseMemory();
  }
}
