/**
 * The public entry of the client library.
 *
 * ```ts
 * const client = await openClient({ endpoints: ["127.0.0.1:2379"], connector, clock, random, log });
 * const { kvs } = await client.kv.range({ key: bytesFromUtf8("name") });
 * client.close();
 * ```
 */
export { EtcdError } from "../errors/etcd-error.ts";
export { Errors } from "../errors/table.ts";
export type { CallOptions } from "./call-options.ts";
export type { CancelSignal } from "./cancel-signal.ts";
export type { Client, ClientOptions } from "./client.ts";
export { NoEndpointsError, openClient } from "./client.ts";
export type { Connector, ConnectTarget } from "./connector.ts";
export type { LeaseKeeper } from "./lease.ts";
export type { KeepOptions } from "./lease-session.ts";
export type { RawConnection, RawConnectionOptions } from "./raw-connection.ts";
export type { Watcher, WatchOptions } from "./watch.ts";
export { WatchCanceledError } from "./watch-entry.ts";
export type { ReconnectPauses } from "./link.ts";
export { UnknownOutcomeError } from "./unknown-outcome.ts";
export { NO_DEADLINE, openRawConnection } from "./raw-connection.ts";
export type { HeldLock } from "../concurrency/lock.ts";
export type { LeaderValue } from "../concurrency/election.ts";
export { Election } from "./election.ts";
export { Mutex } from "./mutex.ts";
export type { SessionOptions } from "./session.ts";
export { openSession, Session } from "./session.ts";
