/**
 * Takes the hashes that corruption checks compare, asks the peers for theirs, and raises the CORRUPT alarm.
 * What the hashes say is decided in member/corruption-check.ts.
 *
 * Source: etcd server/etcdserver/corrupt.go, server.go (monitorKVHash, monitorCompactHash) (3.5).
 */
import type { Hashes } from "../../api/context.ts";
import { EtcdError } from "../../errors/etcd-error.ts";
import {
  CompactHashCheck,
  passesInitialCheck,
  passesPeriodicCheck,
  type PeerHash,
  type TakenHash,
} from "../../member/corruption-check.ts";
import type { Member } from "../../member/member.ts";
import { formatId } from "../../membership/member-info.ts";
import { HashJob } from "../../mvcc/hash-job.ts";
import type { KeyValueHash } from "../../mvcc/kv-hash.ts";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Log, LogFields } from "../../ports/log.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import { InternalRaftRequestOperationField as Operation } from "../../wire/gen/raft-internal.ts";
import {
  AlarmAction,
  AlarmType,
  createAlarmRequest,
  encodeAlarmRequest,
} from "../../wire/gen/rpc.ts";
import { CORRUPTION_CHECK_MS_MIN, INITIAL_HASH_ITEMS } from "../limits.ts";
import { StartError } from "../start/start-error.ts";

/** The other members, as far as their hashes go. */
export interface HashPeers {
  /** Calls `done` once with the answers of all of them: their hash up to `revision`. */
  hashesAt(revision: number, done: (answers: readonly PeerHash[]) => void): void;
}

export interface CorruptionCheckOptions {
  /** Time between two checks of the whole keyspace; 0 means never. */
  readonly intervalMs: number;
  /** Time between two checks of what compactions left; 0 means never. */
  readonly compactHashIntervalMs: number;
  /** How long a member waits for a peer's answer. Told in the log. */
  readonly requestTimeoutMs: number;
}

export interface CorruptionCheckParts {
  readonly member: Member;
  readonly hashes: Hashes;
  readonly peers: HashPeers;
  readonly clock: Clock;
  readonly log: Log;
  /** Called after the member was given something. */
  readonly poke: () => void;
}

export class CorruptionChecks {
  readonly #parts: CorruptionCheckParts;
  readonly #options: CorruptionCheckOptions;
  readonly #compactHashes: CompactHashCheck;
  readonly #timers = new Set<Timer>();
  #stopped = false;

  constructor(parts: CorruptionCheckParts, options: CorruptionCheckOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#compactHashes = new CompactHashCheck(parts.log);
  }

  /** To be waited for before a member serves. Rejects with a `StartError` when it differs from its peers. */
  initialCheck(): Promise<void> {
    const { member, peers, log } = this.#parts;
    log.info("starting initial corruption check", this.#startFields());
    return new Promise((resolve, reject) => {
      const id = formatId(member.id);
      const own = this.#hashAtOnce();
      if (own instanceof EtcdError) {
        reject(new StartError(`${id} failed to fetch hash (${own.message})`));
        return;
      }
      peers.hashesAt(own.currentRevision, (answers) => {
        if (!passesInitialCheck(member.id, own, answers, log)) {
          reject(new StartError(`${id} found data inconsistency with peers`));
          return;
        }
        log.info("initial corruption checking passed; no corruption", { "local-member-id": id });
        resolve();
      });
    });
  }

  start(): void {
    const { log, member } = this.#parts;
    const { intervalMs, compactHashIntervalMs } = this.#options;
    if (intervalMs !== 0) {
      log.info("enabled corruption checking", {
        "local-member-id": formatId(member.id),
        interval: goDurationOfMs(intervalMs),
      });
      this.#repeat(intervalMs, (done) => this.#periodicCheck(done));
    }
    if (compactHashIntervalMs !== 0) {
      this.#repeat(compactHashIntervalMs, (done) => this.#compactHashCheck(done));
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  /** Lets the leader do `work`, which calls its argument at the end, again and again. */
  #repeat(intervalMs: number, work: (done: () => void) => void): void {
    if (this.#stopped) return;
    const { clock, member } = this.#parts;
    const timer = clock.after(Math.max(intervalMs, CORRUPTION_CHECK_MS_MIN), () => {
      this.#timers.delete(timer);
      const again = (): void => this.#repeat(intervalMs, work);
      if (member.isLeader()) work(again);
      else again();
    });
    this.#timers.add(timer);
  }

  #periodicCheck(done: () => void): void {
    const { member, hashes, peers, log, poke } = this.#parts;
    const fail = (error: EtcdError): void => {
      log.warn("failed to check hash KV", { error: error.message });
      done();
    };
    hashes.ofKeyspace(0, (before) => {
      if (before instanceof EtcdError) return fail(before);
      peers.hashesAt(before.currentRevision, (answers) => {
        const compare = (): void =>
          hashes.ofKeyspace(0, (after) => {
            if (after instanceof EtcdError) return fail(after);
            if (!passesPeriodicCheck(before, after, answers, log)) this.#raiseCorrupt();
            done();
          });
        member.whenReadable({ onReadable: compare, onFailed: fail });
        poke();
      });
    });
  }

  #compactHashCheck(done: () => void): void {
    const { member, log } = this.#parts;
    log.info("starting compact hash check", this.#startFields());
    const hashes = this.#compactHashes.unchecked(member.applier.store.compactionHashes);
    this.#compareNext(hashes, 0, done);
  }

  #compareNext(hashes: readonly KeyValueHash[], index: number, done: () => void): void {
    const { peers, log } = this.#parts;
    const own = hashes.at(index);
    if (own === undefined) {
      log.info("finished compaction hash check", { "number-of-hashes-checked": index });
      done();
      return;
    }
    peers.hashesAt(own.revision, (answers) => {
      const verdict = this.#compactHashes.compare(own, answers);
      if (verdict === "unknown") {
        this.#compareNext(hashes, index + 1, done);
        return;
      }
      if (verdict === "mismatch") this.#raiseCorrupt();
      done();
    });
  }

  /** The hash of the keyspace without pauses: there is nobody yet whom it could delay. */
  #hashAtOnce(): TakenHash | EtcdError {
    const { store, backend } = this.#parts.member.applier;
    const currentRevision = store.revision;
    const opened = store.openHash(0);
    if (!(opened instanceof HashJob)) {
      return opened instanceof EtcdError ? opened : { hash: opened, currentRevision };
    }
    return backend.whilePassing(() => {
      for (;;) {
        const hash = opened.step(INITIAL_HASH_ITEMS);
        if (hash !== undefined) return { hash, currentRevision };
      }
    });
  }

  /** It stays raised until somebody disarms it; raising it again changes nothing. */
  #raiseCorrupt(): void {
    const { member, log, poke } = this.#parts;
    const request = createAlarmRequest({ action: AlarmAction.ACTIVATE, alarm: AlarmType.CORRUPT });
    member.propose(Operation.alarm, encodeAlarmRequest(request), {
      onApplied: (result) => {
        if (!(result instanceof EtcdError)) return;
        log.error("failed to raise the CORRUPT alarm", { error: result.message });
      },
    });
    poke();
  }

  #startFields(): LogFields {
    return {
      "local-member-id": formatId(this.#parts.member.id),
      timeout: goDurationOfMs(this.#options.requestTimeoutMs),
    };
  }
}
