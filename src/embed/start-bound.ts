/** From a bound member to one that runs, or to nothing at all. */
import { type EtcdServer, startOn } from "../server/etcd-server.ts";
import type { FirstLife } from "../server/start/bootstrap.ts";
import { closeListeners } from "../server/listeners.ts";
import { type BoundMember, initialClusterOf, releaseMember } from "./bound-member.ts";
import { FAILED_STOP_MS } from "./limits.ts";
import { configOf } from "./read-options.ts";

/** What a member is told while it runs. It may be told before anybody listens. */
export interface Reports {
  reason: Error | undefined;
  onReason: (reason: Error) => void;
  onLeader: (leader: bigint) => void;
}

/** What a member of a whole cluster is started with. */
export interface Founder {
  /** "name=URL,name=URL" of all. */
  readonly initialCluster: string;
  readonly firstLife: FirstLife;
}

/**
 * Starts what is bound: as a member of the cluster that `founder` tells of, or as its options say. Rejects with the
 * reason of `signal` when that aborts before. Nothing runs when it rejects, and nothing is left behind; only an
 * answer of the network may be waited for, which is ignored when it comes.
 */
export async function startServer(
  bound: BoundMember,
  reports: Reports,
  founder: Founder | undefined,
  signal: AbortSignal | undefined,
): Promise<EtcdServer> {
  const { values } = bound.read;
  if (founder !== undefined) values["initial-cluster"] = founder.initialCluster;
  else if (isAlone(bound)) values["initial-cluster"] = initialClusterOf(bound.read);
  try {
    signal?.throwIfAborted();
    const environment = {
      ...bound.environment,
      isCancelled: () => signal?.aborted === true,
      ...(founder === undefined ? {} : { firstLife: founder.firstLife }),
    };
    const events = {
      onFatal: (reason: Error) => {
        reports.reason = reason;
        reports.onReason(reason);
      },
      onLeader: (leader: bigint) => reports.onLeader(leader),
    };
    const starting = startOn(bound.listeners, configOf(bound.read), environment, events);
    return await unlessAborted(starting, bound, signal);
  } catch (error) {
    await releaseMember(bound);
    throw error;
  }
}

/** Whether nothing names other members. */
function isAlone({ read: { values, given } }: BoundMember): boolean {
  const isDiscovered =
    values.discovery !== "" ||
    values["discovery-srv"] !== "" ||
    values["discovery-endpoints"].length > 0;
  return !isDiscovered && !given.has("initial-cluster");
}

/** The server that starts; when `signal` aborts, what was started is undone. */
async function unlessAborted(
  starting: Promise<EtcdServer>,
  { listeners }: BoundMember,
  signal: AbortSignal | undefined,
): Promise<EtcdServer> {
  if (signal === undefined) return starting;
  let onAbort = (): void => undefined;
  const aborted = new Promise<undefined>((resolve) => {
    onAbort = () => resolve(undefined);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    const server = await Promise.race([starting, aborted]);
    if (server !== undefined && !signal.aborted) return server;
    closeListeners(listeners);
    const undone = starting.then(stopAtOnce, () => undefined);
    await endWithin(undone, FAILED_STOP_MS);
    throw signal.reason;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Stops a member that nobody may have an answer of any more, waiting for nothing but the disk, and not for long. */
export function stopAtOnce(server: EtcdServer): Promise<void> {
  return endWithin(server.stop({ handsOver: false, graceMs: 0 }), FAILED_STOP_MS);
}

/** Waits for `ending`, whatever becomes of it, for so long at most. */
async function endWithin(ending: Promise<void>, ms: number): Promise<void> {
  let timeout: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timeout = setTimeout(resolve, ms);
  });
  await Promise.race([ending.catch(() => undefined), late]);
  clearTimeout(timeout);
}
