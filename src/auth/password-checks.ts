/**
 * Looks at passwords: whether one is right for a user, and the hash of a new one. The work itself is done by
 * `PasswordWorkers`, beside everything else; here is whose turn it is, and what need not be worked out again.
 *
 * A name that nobody has costs as much as a wrong password, so that names cannot be found out by time.
 *
 * Differs from etcd: what waits has a bound, callers with wrong passwords pause, and a right password is
 * remembered. There every call takes a processor for as long as bcrypt takes, at once.
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { PasswordWorkers, SecretDigest } from "../ports/passwords.ts";
import { bytesFromUtf8, latin1FromBytes } from "../stdx/bytes.ts";
import { PasswordLanes } from "./password-lanes.ts";
import { VerifiedPasswords } from "./verified-passwords.ts";

/** Who wants a password looked at. */
export interface PasswordCaller {
  /** The host that the caller is at: hosts do not wait for each other. */
  readonly host: string;
  /** Whether the caller is not interested any more. */
  isGone(): boolean;
}

/** `undefined` for a right password. Errors: AuthFailed, TooManyRequests, Stopped. */
export type PasswordVerdict = EtcdError | undefined;

interface Job {
  readonly isGone: () => boolean;
  /** Does the work and calls `done` at its end. */
  readonly run: (done: () => void) => void;
  readonly refuse: (error: EtcdError) => void;
}

/** Bytes of a bcrypt hash. */
const HASH_BYTES = 60;

/** Where a hash names its cost: "$2a$10$". */
const COST_START = 4;
const COST_END = 6;

export interface PasswordCheckOptions {
  readonly workers: PasswordWorkers;
  readonly digest: SecretDigest;
  readonly clock: Clock;
  /** Of new hashes. */
  readonly cost: number;
}

export class PasswordChecks {
  readonly #options: PasswordCheckOptions;
  readonly #lanes = new PasswordLanes<Job>();
  readonly #verified: VerifiedPasswords;
  #running = 0;
  #pause: Timer | undefined;
  #stopped = false;

  constructor(options: PasswordCheckOptions) {
    this.#options = options;
    this.#verified = new VerifiedPasswords(options.digest);
  }

  /** Passwords that wait. */
  get waiting(): number {
    return this.#lanes.size;
  }

  /**
   * Calls `done`, maybe before it returns, with whether `password` is that of the user with the stored `hash`;
   * `undefined` for a user that is not there, where `likeHash` tells what a wrong password would cost.
   */
  check(
    name: string,
    password: string,
    {
      hash,
      likeHash,
    }: { readonly hash: Uint8Array | undefined; readonly likeHash: Uint8Array | undefined },
    caller: PasswordCaller,
    done: (verdict: PasswordVerdict) => void,
  ): void {
    if (hash !== undefined && this.#verified.has(name, password, hash)) {
      done(undefined);
      return;
    }
    const { workers, clock } = this.#options;
    const stored = hash?.length === HASH_BYTES ? hash : undefined;
    // Names that nobody has share a lane: there are too many of them.
    const lane = `${stored === undefined ? "" : name}\0${caller.host}`;
    const compared = stored ?? this.#dummyHash(likeHash);
    this.#add(lane, {
      isGone: () => caller.isGone(),
      run: (finished) => {
        workers.compare(password, compared, (isSame) => {
          const isRight = isSame && stored !== undefined;
          this.#lanes.looked(lane, isRight, clock.nowMs());
          if (isRight) this.#verified.add(name, password, stored);
          done(isRight ? undefined : Errors.AuthFailed);
          finished();
        });
      },
      refuse: done,
    });
  }

  /** Calls `done` later with the hash of a new password. Errors: PasswordTooLong, TooManyRequests, Stopped. */
  hash(
    password: string,
    caller: PasswordCaller,
    done: (hash: Uint8Array | EtcdError) => void,
  ): void {
    if (bytesFromUtf8(password).length > PASSWORD_BYTES_MAX) {
      done(Errors.PasswordTooLong);
      return;
    }
    const { workers, cost } = this.#options;
    this.#add(`\0new\0${caller.host}`, {
      isGone: () => caller.isGone(),
      run: (finished) => {
        workers.hash(password, cost, (hash) => {
          done(hash);
          finished();
        });
      },
      refuse: done,
    });
  }

  /** Nothing is looked at any more; who waits is told. */
  stop(): void {
    this.#stopped = true;
    this.#pause?.cancel();
    for (const { refuse } of this.#lanes.takeAll()) refuse(Errors.Stopped);
    this.#options.workers.close();
  }

  #add(lane: string, job: Job): void {
    if (this.#stopped) job.refuse(Errors.Stopped);
    else if (this.#lanes.add(lane, job)) this.#runNext();
    else job.refuse(Errors.TooManyRequests);
  }

  #runNext(): void {
    const { workers, clock } = this.#options;
    const nowMs = clock.nowMs();
    while (this.#running < workers.count) {
      const job = this.#lanes.take(nowMs);
      if (job === undefined) break;
      this.#running++;
      job.run(() => {
        this.#running--;
        if (!this.#stopped) this.#runNext();
      });
    }
    this.#waitForPause(nowMs);
  }

  /** Where all lanes with jobs pause, the first that may go on does so. */
  #waitForPause(nowMs: number): void {
    this.#pause?.cancel();
    this.#pause = undefined;
    if (this.#running >= this.#options.workers.count) return;
    const pauseMs = this.#lanes.pauseMs(nowMs);
    if (pauseMs === undefined) return;
    this.#pause = this.#options.clock.after(pauseMs, () => this.#runNext());
  }

  /** A hash that no password has, of the cost of another. */
  #dummyHash(likeHash: Uint8Array | undefined): Uint8Array {
    const like = likeHash === undefined ? "" : latin1FromBytes(likeHash);
    const shown = like.slice(COST_START, COST_END);
    const cost = /^\d\d$/.test(shown) ? shown : String(this.#options.cost).padStart(2, "0");
    return bytesFromUtf8(`$2a$${cost}$${"0".repeat(HASH_BYTES - COST_END - 1)}`);
  }
}

/** Bytes of a password that bcrypt looks at. */
const PASSWORD_BYTES_MAX = 72;
