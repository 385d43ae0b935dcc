/**
 * A client whose calls are recorded: each is sent once, and what became of it goes into a history, in the
 * form that the checkers of `sim/` judge.
 */
import type { Client } from "../../src/client/client.ts";
import { WatchCanceledError } from "../../src/client/watch-entry.ts";
import { GrpcCode } from "../../src/errors/codes.ts";
import { EtcdError } from "../../src/errors/etcd-error.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import type { ResponseHeader } from "../../src/wire/gen/rpc.ts";
import { LeaseService } from "../../src/wire/gen/services.ts";
import {
  type History,
  type KeyRange,
  type Operation,
  type Outcome,
  outcomeOfError,
  type Request,
  type Result,
  type WatchRecord,
  type WatchResponse,
} from "../../sim/history.ts";
import {
  deleteResult,
  putResult,
  rangeResult,
  txnResult,
  watchEvent,
  wireDelete,
  wirePut,
  wireRange,
  wireTxn,
} from "../../sim/history-wire.ts";

/** Gathers what all clients of a run do and see. */
export class HistoryRecorder implements History {
  readonly operations: Operation[] = [];
  readonly watches: WatchRecord[] = [];
  readonly #startMs = systemClock.nowMs();
  #clients = 0;

  /** Milliseconds since the run began. */
  nowMs(): number {
    return systemClock.nowMs() - this.#startMs;
  }

  /** A number for one more client. */
  nextClient(): number {
    return this.#clients++;
  }
}

/** What a call came to, before it is put down as an outcome. */
interface Answer {
  readonly header: ResponseHeader | undefined;
  readonly result: Result;
}

interface CallLimits {
  readonly deadlineMs: number;
}

export interface WatchPlan extends KeyRange {
  /** The first revision to be shown. */
  readonly start: number;
  readonly prevKv?: boolean;
}

export class RecordedClient {
  readonly number: number;
  /** Whom it asks, for people; undefined for any. */
  readonly member: string | undefined;
  readonly #recorder: HistoryRecorder;
  readonly #client: Client;

  constructor(recorder: HistoryRecorder, client: Client, member?: string) {
    this.#recorder = recorder;
    this.#client = client;
    this.member = member;
    this.number = recorder.nextClient();
  }

  /** Makes one call and records it; gives up after `timeoutMs`. */
  async call(request: Request, timeoutMs: number): Promise<Operation> {
    const call = this.#recorder.nowMs();
    const limits = { deadlineMs: systemClock.nowMs() + timeoutMs };
    const outcome = await this.#perform(request, limits).then(
      ({ header, result }): Outcome => ({ kind: "ok", revision: header?.revision ?? 0, result }),
      (error: unknown): Outcome => {
        if (error instanceof EtcdError) return outcomeOfError(error.code, error.message);
        throw error;
      },
    );
    const operation: Operation = {
      client: this.number,
      call,
      return: this.#recorder.nowMs(),
      request,
      outcome,
      ...(this.member === undefined ? {} : { member: this.member }),
    };
    this.#recorder.operations.push(operation);
    return operation;
  }

  /**
   * Watches until `signal` aborts or the server ends it for a compaction, and records what was shown. The
   * watch goes on by itself over lost connections. Returns the last revision that was shown whole.
   */
  async watch(
    { start, key, end, prevKv }: WatchPlan,
    signal: AbortSignal,
    onShown: (revision: number) => void,
  ): Promise<void> {
    const responses: WatchResponse[] = [];
    const record = {
      client: this.number,
      ...(this.member === undefined ? {} : { member: this.member }),
      key,
      ...(end === undefined ? {} : { end }),
      start,
      prevKv: prevKv === true,
      responses,
    };
    const at = this.#recorder.watches.push(record) - 1;
    const request = {
      key: bytesFromLatin1(key),
      rangeEnd: bytesFromLatin1(end ?? ""),
      startRevision: start,
      prevKv: prevKv === true,
      progressNotify: true,
    };
    try {
      const watcher = await this.#client.watch.open(request, { signal, ownStream: true });
      for await (const { header, events } of watcher) {
        const revision = header?.revision ?? 0;
        const time = this.#recorder.nowMs();
        responses.push({ time, revision, events: events.map(watchEvent) });
        onShown(events.at(-1)?.kv?.modRevision ?? revision);
      }
    } catch (error) {
      if (signal.aborted) return;
      const compacted = error instanceof WatchCanceledError ? error.response.compactRevision : 0;
      if (compacted === 0) throw error;
      this.#recorder.watches[at] = { ...record, compacted };
    }
  }

  async #perform(request: Request, limits: CallLimits): Promise<Answer> {
    const { kv, lease } = this.#client;
    switch (request.kind) {
      case "range": {
        const answer = await kv.range(wireRange(request), limits);
        return { header: answer.header, result: rangeResult(answer) };
      }
      case "put": {
        const answer = await kv.put(wirePut(request), limits);
        return { header: answer.header, result: putResult(answer) };
      }
      case "delete": {
        const answer = await kv.deleteRange(wireDelete(request), limits);
        return { header: answer.header, result: deleteResult(answer) };
      }
      case "txn": {
        const answer = await kv.txn(wireTxn(request), limits);
        return { header: answer.header, result: txnResult(answer) };
      }
      case "compact": {
        const { header } = await kv.compact({ revision: request.revision }, limits);
        return { header, result: {} };
      }
      case "grant": {
        const id = BigInt(request.lease);
        const { header, ttl } = await lease.grant({ id, ttl: request.ttlSeconds }, limits);
        return { header, result: { ttlSeconds: ttl } };
      }
      case "revoke": {
        const { header } = await lease.revoke(BigInt(request.lease), limits);
        return { header, result: {} };
      }
      case "alive":
        return this.#keepAlive(BigInt(request.lease), limits);
    }
  }

  /** One keep-alive on a stream of its own, so that the server's word on a lost lease has its header. */
  async #keepAlive(id: bigint, limits: CallLimits): Promise<Answer> {
    const { channel } = this.#client;
    const answers = channel.serverStream(LeaseService.leaseKeepAlive, { id }, limits);
    for await (const { header, ttl } of answers) return { header, result: { ttlSeconds: ttl } };
    throw new EtcdError(GrpcCode.Unavailable, "the stream ended without an answer");
  }
}
