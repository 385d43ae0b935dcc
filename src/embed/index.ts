/**
 * The public entry of the package: members inside a Node program.
 *
 * ```ts
 * await using etcd = await startEtcd({ temporary: true });
 * await etcd.client.kv.put({ key: bytesFromUtf8("name"), value: bytesFromUtf8("value") });
 * ```
 */
export { bytesFromUtf8, utf8FromBytes } from "../stdx/bytes.ts";
export { EtcdError } from "../errors/etcd-error.ts";
export { Errors } from "../errors/table.ts";
export { StartError } from "../server/start-error.ts";
export { RemovedError } from "../server/member-host.ts";
export type { Client } from "../client/client.ts";
export { EtcdConfigError, EtcdStoppedError } from "./errors.ts";
export { Etcd, type EtcdUser, type StopOptions, startEtcd } from "./etcd.ts";
export { EtcdCluster, type ClusterOptions, startCluster } from "./cluster.ts";
export type { EtcdLogLine, EtcdOptions, FlagOptions, HostOptions } from "./options.ts";
