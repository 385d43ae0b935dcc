import { describe, expect, test } from "vitest";
import { ManualClock } from "../../sim/manual-clock.ts";
import { plainDigest } from "../../sim/plain-passwords.ts";
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { bytesFromUtf8, utf8FromBytes } from "../stdx/bytes.ts";
import {
  PASSWORD_FAILURES_FREE,
  PASSWORD_JOBS_MAX,
  PASSWORD_JOBS_PER_LANE_MAX,
  VERIFIED_USERS_MAX,
} from "./limits.ts";
import { type PasswordCaller, PasswordChecks } from "./password-checks.ts";
import { VerifiedPasswords } from "./verified-passwords.ts";

const HASHES = new Map<string, Uint8Array>();
/** The hash of a password, as a worker of this test understands it. */
function hashOf(password: string, cost = "10"): Uint8Array {
  const hash = bytesFromUtf8(`$2a$${cost}$${password}`.padEnd(60, "."));
  HASHES.set(password, hash);
  return hash;
}

/** Workers whose jobs are done when the test says so. */
class SlowWorkers {
  count = 1;
  readonly jobs: { readonly password: string; readonly hash: string; readonly end: () => void }[] =
    [];
  closed = false;

  hash(password: string, cost: number, done: (hash: Uint8Array) => void): void {
    this.jobs.push({ password, hash: "", end: () => done(hashOf(password, String(cost))) });
  }

  compare(password: string, hash: Uint8Array, done: (isSame: boolean) => void): void {
    const shown = utf8FromBytes(hash);
    const isSame = shown.slice(7) === password.padEnd(53, ".");
    this.jobs.push({ password, hash: shown, end: () => done(isSame) });
  }

  close(): void {
    this.closed = true;
  }

  /** Ends the job that is being done; the password that was looked at. */
  endOne(): string | undefined {
    const job = this.jobs.shift();
    job?.end();
    return job?.password;
  }
}

function open() {
  const clock = new ManualClock();
  const workers = new SlowWorkers();
  const checks = new PasswordChecks({ workers, digest: plainDigest, clock, cost: 12 });
  const verdicts: (EtcdError | "right")[] = [];
  const check = (
    name: string,
    password: string,
    right: string | undefined,
    caller: PasswordCaller = { host: "10.0.0.1", isGone: () => false },
  ): void => {
    const hash = right === undefined ? undefined : hashOf(right);
    checks.check(name, password, { hash, likeHash: hashOf("root", "07") }, caller, (refused) =>
      verdicts.push(refused ?? "right"),
    );
  };
  return { clock, workers, checks, verdicts, check };
}

describe("PasswordChecks", () => {
  test("tells right passwords from wrong ones", () => {
    const { workers, verdicts, check } = open();
    check("alice", "secret", "secret");
    check("alice", "guess", "secret");
    while (workers.endOne() !== undefined);
    expect(verdicts).toEqual(["right", Errors.AuthFailed]);
  });

  test("a password that was right costs nothing the next time, until it changes", () => {
    const { workers, verdicts, check } = open();
    check("alice", "secret", "secret");
    workers.endOne();
    for (let time = 0; time < 10; time++) check("alice", "secret", "secret");
    expect(verdicts).toHaveLength(11);
    expect(workers.jobs).toHaveLength(0);
    check("alice", "secret", "changed");
    check("bob", "secret", "secret");
    expect(workers.endOne()).toBe("secret");
    expect(workers.endOne()).toBe("secret");
    expect(verdicts.slice(11)).toEqual([Errors.AuthFailed, "right"]);
  });

  test("a name that nobody has costs as much as that of root, whatever the password", () => {
    const { workers, verdicts, check } = open();
    check("nobody", "0".repeat(53), undefined);
    expect(workers.jobs[0].hash).toBe(`$2a$07$${"0".repeat(53)}`);
    workers.endOne();
    // A user with an empty hash has no password that is right.
    const { checks } = open();
    checks.check(
      "emptied",
      "",
      { hash: new Uint8Array(0), likeHash: undefined },
      { host: "", isGone: () => false },
      (refused) => verdicts.push(refused ?? "right"),
    );
    expect(verdicts).toEqual([Errors.AuthFailed]);
  });

  test("a flood of wrong passwords costs others one job each", () => {
    const { workers, verdicts, check } = open();
    for (let at = 0; at < 10_000; at++) check("root", `guess ${at}`, "toor");
    for (let at = 0; at < 10_000; at++) check(`name ${at}`, "x", undefined);
    const refused = verdicts.filter((verdict) => verdict === Errors.TooManyRequests);
    // One more of the first lane is being looked at.
    expect(refused).toHaveLength(20_000 - 2 * PASSWORD_JOBS_PER_LANE_MAX - 1);
    check("alice", "secret", "secret");
    check("root", "toor", "toor", { host: "10.0.0.2", isGone: () => false });
    const looked = [1, 2, 3, 4, 5].map(() => workers.endOne());
    expect(looked.slice(1)).toContain("secret");
    expect(looked.slice(1)).toContain("toor");
    expect(workers.jobs).toHaveLength(1);
  });

  test("what waits has a bound, from however many hosts it comes", () => {
    const { checks, verdicts, check } = open();
    for (let at = 0; at < 5000; at++) {
      check("root", "guess", "toor", { host: `10.0.${at >> 8}.${at & 255}`, isGone: () => false });
    }
    expect(checks.waiting).toBe(PASSWORD_JOBS_MAX);
    expect(verdicts).toHaveLength(5000 - PASSWORD_JOBS_MAX - 1);
  });

  test("nothing is looked at for who has gone", () => {
    const { workers, verdicts, check } = open();
    let gone = false;
    check("alice", "first", "secret");
    const caller = { host: "10.0.0.1", isGone: () => gone };
    for (let at = 0; at < PASSWORD_JOBS_PER_LANE_MAX; at++) check("alice", `${at}`, "x", caller);
    gone = true;
    check("alice", "last", "secret");
    expect([workers.endOne(), workers.endOne(), workers.endOne()]).toEqual([
      "first",
      "last",
      undefined,
    ]);
    expect(verdicts).toHaveLength(2);
  });

  test("who keeps being wrong waits longer and longer, and others do not", () => {
    const { clock, workers, verdicts, check } = open();
    const guess = (times: number): void => {
      for (let at = 0; at < times; at++) check("alice", `guess ${at}`, "secret");
    };
    guess(PASSWORD_FAILURES_FREE + 2);
    while (workers.endOne() !== undefined);
    expect(verdicts).toHaveLength(PASSWORD_FAILURES_FREE + 1);
    check("bob", "secret", "secret");
    expect(workers.endOne()).toBe("secret");
    clock.advance(49);
    expect(workers.jobs).toHaveLength(0);
    clock.advance(1);
    expect(workers.endOne()).toBeDefined();
    // From now on twice as long; at last no longer than that.
    guess(1);
    clock.advance(99);
    expect(workers.jobs).toHaveLength(0);
    clock.advance(1);
    expect(workers.endOne()).toBeDefined();
    for (let round = 0; round < 20; round++) {
      guess(1);
      clock.advance(1600);
      expect(workers.endOne()).toBeDefined();
    }
    check("alice", "secret", "secret");
    clock.advance(1600);
    workers.endOne();
    guess(1);
    expect(workers.endOne()).toBeDefined();
  });

  test("a new password is hashed with the cost of the flags, unless it is too long", () => {
    const { checks, workers } = open();
    const caller = { host: "", isGone: () => false };
    const hashes: (Uint8Array | EtcdError)[] = [];
    checks.hash("new", caller, (hash) => hashes.push(hash));
    checks.hash("x".repeat(73), caller, (hash) => hashes.push(hash));
    checks.hash("é".repeat(36), caller, (hash) => hashes.push(hash));
    while (workers.endOne() !== undefined);
    expect(hashes).toHaveLength(3);
    expect(hashes[0]).toBe(Errors.PasswordTooLong);
    expect(utf8FromBytes(hashes[1] as Uint8Array)).toMatch(/^\$2a\$12\$new/);
  });

  test("at the end whoever waits is told, and what comes later", () => {
    const { checks, workers, verdicts, check } = open();
    check("alice", "secret", "secret");
    check("alice", "secret", "secret");
    checks.stop();
    check("alice", "secret", "secret");
    expect(verdicts).toEqual([Errors.Stopped, Errors.Stopped]);
    expect(workers.closed).toBe(true);
  });
});

test("VerifiedPasswords: remembers one password a user, and a limited number of users", () => {
  const known = new VerifiedPasswords(plainDigest);
  const hash = hashOf("x");
  known.add("alice", "one", hash);
  known.add("alice", "two", hash);
  expect([known.has("alice", "one", hash), known.has("alice", "two", hash)]).toEqual([false, true]);
  expect(known.has("alic", "etwo", hash)).toBe(false);
  for (let at = 0; at < VERIFIED_USERS_MAX + 5; at++) {
    known.add(`user ${at}`, "x", hash);
    expect(known.has("alice", "two", hash)).toBe(true);
  }
  expect(known.size).toBe(VERIFIED_USERS_MAX);
});
