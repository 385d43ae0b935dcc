/** Keeps a client on the members that the cluster has, while they come and go. */
import { onAbort } from "../client/cancel-signal.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { EtcdClient } from "./etcd-client.ts";

export interface HostSyncSettings {
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds from the end of one question to the next. */
  readonly everyMs: number;
  /** Ends it. */
  readonly closing: AbortSignal;
}

/** Asks for the members from now on, until the client is closed; where nobody answers, the hosts stay as they are. */
export function keepHostsInSync(client: EtcdClient, settings: HostSyncSettings): void {
  const { clock, log, everyMs, closing } = settings;
  let timer: Timer | undefined;
  const wait = (): void => {
    if (!closing.aborted) timer = clock.after(everyMs, () => void ask());
  };
  const ask = async (): Promise<void> => {
    try {
      await client.syncHosts();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (!closing.aborted) log.warn("cannot ask for the members of the cluster", { error: text });
    }
    wait();
  };
  onAbort(closing, () => timer?.cancel());
  wait();
}
