/**
 * Members inside a Node program, and clients of them without a socket. docs/embedding.md tells how, with programs that
 * run as they are printed.
 *
 * ```ts
 * await using etcd = await startEtcd({ temporary: true });
 * await etcd.client.kv.put("name", "value");
 * ```
 *
 * @module etcd-ts
 */
export { EtcdError } from "../errors/etcd-error.ts";
export { Errors } from "../errors/table.ts";
export { StartError } from "../server/start/start-error.ts";
export { RemovedError } from "../server/member-host.ts";
export type { Credentials } from "../node-client/connect.ts";
export type { EtcdClient } from "../node-client/etcd-client.ts";
export type { FlagOptions } from "./flag-options.ts";
export { EtcdConfigError, EtcdStoppedError } from "./errors.ts";
export type { BoundUrls } from "./bound-member.ts";
export { Etcd, type StopOptions, startEtcd } from "./etcd.ts";
export { EtcdCluster, type ClusterOptions, startCluster } from "./cluster.ts";
export type { LogFields, LogLevel, LogValue } from "../ports/log.ts";
export type {
  EtcdLogLine,
  EtcdOptions,
  HostOptions,
  LeaderChange,
} from "./options.ts";
