/**
 * Auto-compaction: asks a policy from time to time and proposes the compaction that it wants. Only the
 * leader does; the others keep looking, so that whoever leads next knows as much.
 *
 * Source: etcd server/etcdserver/api/v3compactor/periodic.go, revision.go (3.5).
 */
import { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import type { CompactionPolicy } from "../../member/compaction-policy.ts";
import type { Member } from "../../member/member.ts";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Log, LogFields } from "../../ports/log.ts";
import { formatGoDuration } from "../../stdx/go-duration.ts";
import { InternalRaftRequestOperationField } from "../../wire/gen/raft-internal.ts";
import { createCompactionRequest, encodeCompactionRequest } from "../../wire/gen/rpc.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";

export interface AutoCompactorParts {
  readonly policy: CompactionPolicy;
  readonly member: Member;
  readonly clock: Clock;
  readonly log: Log;
  /** Called after the member was given a proposal. */
  readonly poke: () => void;
}

export class AutoCompactor {
  readonly #parts: AutoCompactorParts;
  readonly #retention: LogFields;
  #timer: Timer | undefined;

  constructor(parts: AutoCompactorParts) {
    this.#parts = parts;
    const { mode, retention } = parts.policy;
    this.#retention =
      mode === "periodic"
        ? { "compact-period": formatGoDuration(retention) }
        : { "revision-compaction-retention": Number(retention) };
  }

  start(): void {
    this.#scheduleCheck();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  get #revision(): number {
    return this.#parts.member.applier.store.revision;
  }

  #scheduleCheck(): void {
    const { policy, clock } = this.#parts;
    policy.observe(this.#revision);
    this.#timer = clock.after(policy.checkIntervalMs, () => this.#check());
  }

  #check(): void {
    const { policy, clock, member } = this.#parts;
    const target = member.isLeader() ? policy.check(clock.nowMs(), this.#revision) : undefined;
    if (target === undefined) this.#scheduleCheck();
    else this.#compact(target);
  }

  #compact(revision: number): void {
    const { policy, clock, log, member, poke } = this.#parts;
    const { mode } = policy;
    const fields = { revision, ...this.#retention };
    log.info(`starting auto ${mode} compaction`, fields);
    const startMs = clock.nowMs();
    const body = encodeCompactionRequest(createCompactionRequest({ revision }));
    member.propose(InternalRaftRequestOperationField.compaction, body, {
      onApplied: (result) => {
        if (result === Errors.Stopped) return;
        const nowMs = clock.nowMs();
        if (result instanceof EtcdError && result !== Errors.Compacted) {
          log.warn(`failed auto ${mode} compaction`, {
            ...fields,
            "retry-interval": goDurationOfMs(policy.checkIntervalMs),
            error: result.message,
          });
        } else {
          log.info(`completed auto ${mode} compaction`, {
            ...fields,
            took: goDurationOfMs(nowMs - startMs),
          });
          policy.compacted(nowMs, revision);
        }
        this.#scheduleCheck();
      },
    });
    poke();
  }
}
