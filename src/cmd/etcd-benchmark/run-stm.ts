/**
 * stm: transactions in memory over random keys, alone or each within a lock.
 *
 * Source: etcd tools/benchmark/cmd/stm.go (3.5).
 */
import { type Client, openClient } from "../../client/client.ts";
import { Mutex } from "../../client/mutex.ts";
import { openSession } from "../../client/session.ts";
import { bytesFromUtf8 } from "../../stdx/bytes.ts";
import { goQuote } from "../../stdx/go-quote.ts";
import { Prng } from "../../stdx/prng.ts";
import { LockService } from "../../wire/gen/services.ts";
import { byteString } from "../byte-text.ts";
import { Pacer } from "../pacer.ts";
import { zapLog } from "../zap-line.ts";
import { Bodies, keyOf } from "./key-space.ts";
import { KEY_SPACE_MAX, TXN_OPERATIONS_MAX, VALUE_BYTES_MAX } from "./limits.ts";
import type { LoadConnection, LoadTarget } from "./load-connection.ts";
import { randomValue } from "./run-put.ts";
import type { BenchmarkCall, BenchmarkSession } from "./session.ts";
import {
  ConnectionOpener,
  numberOf,
  openBar,
  openReport,
  rateOf,
  refuse,
  refuseUsage,
  showReport,
  totalOf,
} from "./settings.ts";
import { attemptStm, firstReadBody, type Isolation, type Reads } from "./stm-attempt.ts";

const KEY_BYTES = 16;
const LOCK_NAME = bytesFromUtf8("stmlock");

const ISOLATIONS: ReadonlyMap<string, Isolation> = new Map([
  ["c", "committed"],
  ["r", "repeatable"],
  ["s", "serializable"],
  ["ss", "snapshot"],
]);

/** What a caller holds while its transaction is made. */
interface Locker {
  lock(): Promise<void>;
  unlock(): Promise<void>;
  /** Gives up the lease. */
  close(): Promise<void>;
}

/** What is done, as the flags say. */
interface StmLoad {
  readonly keyCount: number;
  readonly keysPerTxn: number;
  readonly writes: number;
  readonly valueBytes: number;
  readonly isolation: Isolation;
  readonly total: number;
  readonly rate: number;
}

export async function runStm(session: BenchmarkSession, call: BenchmarkCall): Promise<void> {
  const load = stmLoadOf(call);
  const { clock } = session;
  const locker = call.flags.getString("stm-locker");
  if (!["stm", "lock-client", "lock-rpc"].includes(locker)) {
    refuse(`unexpected stm locker ${goQuote(locker)}`);
  }
  const opener = await ConnectionOpener.create(session, call);
  const connections = await opener.openForCallers(call);
  const client = locker === "stm" ? undefined : await openLockClient(session, opener.target);
  const report = openReport(session, call);
  const bar = openBar(session);
  const random = new Prng(session.random.below(2 ** 32));
  const pacer = load.rate > 0 ? new Pacer(load.rate, clock.nowMs()) : undefined;
  let begun = 0;
  let ended = 0;
  const { isolation } = load;
  const bodies = new Bodies((number) => firstReadBody(isolation, keyAt(load, number)));
  const runOne = async (connection: LoadConnection): Promise<void> => {
    const numbers = randomNumbers(load, random);
    const keys = numbers.map((number) => keyAt(load, number));
    const firstReads = numbers.map((number) => bodies.get(number));
    const values = keys.slice(0, load.writes).map(() => randomValue(session, load.valueBytes));
    let known: Reads | undefined = [];
    while (known !== undefined) {
      if (pacer !== undefined) await pacer.permit(clock);
      known = await attemptStm({ connection, isolation, keys, firstReads, values }, known);
    }
  };
  const work = async (connection: LoadConnection): Promise<void> => {
    const held = client === undefined ? undefined : await openLocker(locker, client, connection);
    while (begun < load.total && !session.interruption.hasCome) {
      begun++;
      const startMs = clock.nowMs();
      if (held !== undefined) await held.lock();
      let failure: Error | undefined;
      try {
        await runOne(connection);
      } catch (error) {
        failure = errorOf(error);
      }
      if (held !== undefined) await held.unlock();
      if (failure === undefined) report.took(startMs, clock.nowMs());
      else report.failed(failure.message);
      bar?.show(++ended, load.total);
    }
    await held?.close();
  };
  const startMs = clock.nowMs();
  try {
    await session.interruption.orDone(Promise.all(connections.map(work)));
  } catch (error) {
    // A lock that cannot be had ends it all.
    refuse(byteString(errorOf(error).message));
  }
  bar?.clear();
  showReport(session, call, "stm", report.figures(clock.nowMs() - startMs));
}

function stmLoadOf(call: BenchmarkCall): StmLoad {
  const { flags } = call;
  const keyCount = numberOf(flags, "keys", 1, KEY_SPACE_MAX);
  const percent = flags.getInteger("txn-wr-percent");
  if (percent < 0n || percent > 100n) {
    refuse(`expected [0, 100] --txn-wr-percent, got (${percent})`);
  }
  const keysPerTxn = flags.getInteger("keys-per-txn");
  if (keysPerTxn < 0n || keysPerTxn > BigInt(keyCount)) {
    refuse(`expected --keys-per-txn between 0 and ${keyCount}, got (${keysPerTxn})`);
  }
  const isolation = ISOLATIONS.get(flags.getString("isolation"));
  if (isolation === undefined) return refuseUsage(call);
  const perTxn = numberOf(flags, "keys-per-txn", 0, TXN_OPERATIONS_MAX);
  return {
    keyCount,
    keysPerTxn: perTxn,
    writes: Math.floor((perTxn * Number(percent)) / 100),
    valueBytes: numberOf(flags, "val-size", 0, VALUE_BYTES_MAX),
    isolation,
    total: totalOf(flags),
    rate: rateOf(flags),
  };
}

/** Numbers of different keys, in the order in which they were drawn. */
function randomNumbers({ keyCount, keysPerTxn }: StmLoad, random: Prng): number[] {
  const numbers = new Set<number>();
  while (numbers.size < keysPerTxn) numbers.add(random.below(keyCount));
  return [...numbers];
}

function keyAt({ keyCount }: StmLoad, number: number): Uint8Array {
  return keyOf({ size: keyCount, keyBytes: KEY_BYTES }, number);
}

/** A client for the sessions that locks need. */
async function openLockClient(
  session: BenchmarkSession,
  { endpoints, connector, secure, credentials }: LoadTarget,
): Promise<Client> {
  const { io, clock, random } = session;
  const write = (line: string): void => io.error(line);
  const caller = "client/channel.ts";
  try {
    const client = await openClient({
      endpoints: endpoints.all,
      connector,
      clock,
      random,
      secure,
      log: zapLog({ logger: "etcd-client", caller, level: "warn", clock, write }),
      ...credentials,
    });
    session.cleanups.push(() => client.close());
    return client;
  } catch (error) {
    return refuse(`dial error: ${byteString(errorOf(error).message)}`);
  }
}

/** A lock by the client, or by the lock service. */
async function openLocker(
  kind: string,
  client: Client,
  connection: LoadConnection,
): Promise<Locker> {
  const session = await openSession(client);
  if (kind === "lock-client") {
    const mutex = new Mutex(client, session, LOCK_NAME);
    return {
      lock: async () => {
        await mutex.lock();
      },
      unlock: () => mutex.unlock(),
      close: () => session.close(),
    };
  }
  let key = new Uint8Array();
  return {
    lock: async () => {
      const request = { name: LOCK_NAME, lease: session.leaseId };
      key = (await connection.ask(LockService.lock, request)).key.slice();
    },
    unlock: async () => {
      await connection.ask(LockService.unlock, { key });
    },
    close: () => session.close(),
  };
}

function errorOf(error: unknown): Error {
  if (error instanceof Error) return error;
  throw error;
}
