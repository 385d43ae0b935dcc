/**
 * lock: takes a lock and holds it until a signal comes, or while a program runs.
 *
 * Source: etcd etcdctl/ctlv3/command/lock_command.go.
 */
import { Canceller } from "../../client/cancel-signal.ts";
import { Mutex } from "../../client/mutex.ts";
import { openSession, type Session as LeaseSession } from "../../client/session.ts";
import { bytesFromLatin1, latin1FromBytes } from "../../stdx/bytes.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { connect } from "./client-config.ts";
import { type EtcdctlCall, orExit, type Session } from "./session.ts";
import { safeNumber } from "./requests.ts";

export async function runLock(session: Session, call: EtcdctlCall): Promise<void> {
  const [name, ...program] = call.args;
  if (name === undefined) {
    const message = "lock takes a lock name argument and an optional command to execute";
    throw new ToolExit(ExitCode.BAD_ARGUMENTS, message);
  }
  const { client, printer } = await connect(session, call);
  const ttlSeconds = safeNumber(call.flags.getInteger("ttl"));
  const lease = await orExit(openSession(client, { ttlSeconds }));
  const mutex = new Mutex(client, lease, bytesFromLatin1(name));
  const interrupted = interruption(session);
  const { key, revision, header } = await orExit(mutex.lock({ signal: interrupted.signal }));
  if (program.length > 0) {
    await runHolding(session, mutex, program, latin1FromBytes(key), header?.revision ?? revision);
    return;
  }
  const response = await orExit(client.kv.range({ key }, { signal: interrupted.signal }));
  if (response.kvs.length === 0) throw new ToolExit(ExitCode.ERROR, "lock lost on init");
  printer.get(response, false);
  await untilEnd(interrupted, lease, "session expired");
  await orExit(mutex.unlock());
}

/** Runs a program while the lock is held; its exit code is that of the tool. */
async function runHolding(
  { io }: Session,
  mutex: Mutex,
  program: readonly string[],
  key: string,
  revision: number,
): Promise<void> {
  // What the environment has already counts.
  const added = [
    { name: "ETCD_LOCK_KEY", value: key },
    { name: "ETCD_LOCK_REV", value: String(revision) },
  ].filter(({ name }) => !io.environment.some((present) => present.name === name));
  const failure = await io.execute(program, added);
  const unlocked = orExit(mutex.unlock());
  if (failure === undefined) await unlocked;
  else {
    await unlocked.catch(() => undefined);
    throw new ToolExit(failure.code, failure.reason);
  }
}

/** What a signal to the tool ends. */
export interface Interruption {
  readonly signal: Canceller;
  readonly came: Promise<void>;
}

export function interruption({ io, cleanups }: Session): Interruption {
  const signal = new Canceller();
  const came = new Promise<void>((resolve) => {
    const forget = io.onInterrupt(() => {
      signal.abort();
      resolve();
    });
    cleanups.push(forget);
  });
  return { signal, came };
}

/** Waits for a signal; ends the tool with `lostText` when the session is lost before. */
export async function untilEnd(
  { came }: Interruption,
  lease: Pick<LeaseSession, "lost">,
  lostText: string,
): Promise<void> {
  const isLost = await Promise.race([came.then(() => false), lease.lost.then(() => true)]);
  if (isLost) throw new ToolExit(ExitCode.ERROR, lostText);
}
