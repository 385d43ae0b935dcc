/**
 * When a cluster takes writes: small puts go to every member all the time, whatever became of those before,
 * so that one which is stuck hides nothing. They are part of the history.
 */
import { openRawConnection, type RawConnection } from "../../src/client/raw-connection.ts";
import { socketConnector } from "../../src/cmd/socket-connector.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { NO_DEADLINE } from "../../src/client/raw-connection.ts";
import { KVService } from "../../src/wire/gen/services.ts";
import { outcomeOfError, type Outcome, type PutRequest } from "../../sim/history.ts";
import { putResult, wirePut } from "../../sim/history-wire.ts";
import type { ClusterMember } from "./cluster-member.ts";
import type { HistoryRecorder } from "./recorded-client.ts";

/** Milliseconds between two puts to one member: how exact the figures are. */
const STEP_MS = 40;

/** Puts to one member that wait for an answer. */
const WAITING_MAX = 500;

/** Milliseconds until a put to a member counts as unknown in the history. */
const GIVE_UP_MS = 30_000;

/** A put that was acknowledged, in milliseconds of the history. */
interface Acknowledged {
  readonly sentMs: number;
  readonly returnMs: number;
}

/** Probes one member. */
class MemberProbe {
  readonly acknowledged: Acknowledged[] = [];
  readonly #recorder: HistoryRecorder;
  readonly #member: ClusterMember;
  readonly #client: number;
  readonly #waiting = new Map<PutRequest, number>();
  #connection: RawConnection | undefined;
  #isDialing = false;
  #count = 0;

  constructor(recorder: HistoryRecorder, member: ClusterMember) {
    this.#recorder = recorder;
    this.#member = member;
    this.#client = recorder.nextClient();
  }

  tick(): void {
    const nowMs = this.#recorder.nowMs();
    for (const [request, call] of this.#waiting) {
      if (nowMs - call > GIVE_UP_MS) this.#end(request, { kind: "unknown", error: "no answer" });
    }
    if (this.#connection === undefined) void this.#dial();
    else if (this.#waiting.size < WAITING_MAX) this.#put(this.#connection);
  }

  stop(): void {
    this.#connection?.close();
    this.#connection = undefined;
    for (const request of [...this.#waiting.keys()]) {
      this.#end(request, { kind: "unknown", error: "the run ended" });
    }
  }

  async #dial(): Promise<void> {
    if (this.#isDialing) return;
    this.#isDialing = true;
    try {
      const connection = await openRawConnection({
        endpoint: this.#member.endpoint,
        connector: socketConnector(undefined),
        clock: systemClock,
        onClosed: () => {
          if (this.#connection === connection) this.#connection = undefined;
        },
      });
      this.#connection = connection;
    } catch {
      // It does not run; the next tick tries again.
    }
    this.#isDialing = false;
  }

  #put({ grpc, metadata }: RawConnection): void {
    const key = `probe/${this.#member.name}`;
    const request: PutRequest = { kind: "put", key, value: `${this.#client}-${this.#count++}` };
    const { put } = KVService;
    const call = this.#recorder.nowMs();
    this.#waiting.set(request, call);
    const body = put.request.encode(wirePut(request));
    grpc.unary(put.path, metadata, body, NO_DEADLINE, ({ code, message }, answer) => {
      if (!this.#waiting.has(request)) return;
      if (answer === undefined) {
        this.#end(request, outcomeOfError(code, message));
        return;
      }
      const response = put.response.decode(answer);
      const revision = response.header?.revision ?? 0;
      this.acknowledged.push({ sentMs: call, returnMs: this.#recorder.nowMs() });
      this.#end(request, { kind: "ok", revision, result: putResult(response) });
    });
  }

  #end(request: PutRequest, outcome: Outcome): void {
    const call = this.#waiting.get(request) ?? 0;
    this.#waiting.delete(request);
    const operation = { client: this.#client, call, return: this.#recorder.nowMs(), request };
    this.#recorder.operations.push({ ...operation, outcome, member: this.#member.name });
  }
}

export class AvailabilityProbe {
  readonly #recorder: HistoryRecorder;
  readonly #members: ReadonlyMap<string, MemberProbe>;
  readonly #timer: NodeJS.Timeout;

  constructor(recorder: HistoryRecorder, members: readonly ClusterMember[]) {
    this.#recorder = recorder;
    this.#members = new Map(
      members.map((member) => [member.name, new MemberProbe(recorder, member)]),
    );
    this.#timer = setInterval(() => {
      for (const probe of this.#members.values()) probe.tick();
    }, STEP_MS);
  }

  /**
   * Milliseconds from `sinceMs` until a put that was sent after it was acknowledged: by any member, and by
   * every one. Undefined when that has not happened within `timeoutMs`.
   */
  async recovery(
    sinceMs: number,
    timeoutMs: number,
  ): Promise<{ readonly any: number | undefined; readonly all: number | undefined }> {
    const deadlineMs = sinceMs + timeoutMs;
    for (;;) {
      const firsts = [...this.#members.values()].map(({ acknowledged }) =>
        firstSince(acknowledged, sinceMs),
      );
      const known = firsts.filter((first) => first !== undefined);
      const isComplete = known.length === firsts.length;
      if (isComplete || this.#recorder.nowMs() > deadlineMs) {
        const any = known.length === 0 ? undefined : Math.min(...known) - sinceMs;
        return { any, all: isComplete ? Math.max(...known) - sinceMs : undefined };
      }
      await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const probe of this.#members.values()) probe.stop();
  }
}

/** When the first answer came to a put that was sent since then. */
function firstSince(acknowledged: readonly Acknowledged[], sinceMs: number): number | undefined {
  let first: number | undefined;
  for (let at = acknowledged.length - 1; at >= 0; at--) {
    const { sentMs, returnMs } = acknowledged[at];
    if (returnMs < sinceMs) break;
    if (sentMs >= sinceMs && (first === undefined || returnMs < first)) first = returnMs;
  }
  return first;
}
