/**
 * The public entry of the package: members inside a Node program.
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
export { EtcdConfigError, EtcdStoppedError } from "./errors.ts";
export { Etcd, type StopOptions, startEtcd } from "./etcd.ts";
export { EtcdCluster, type ClusterOptions, startCluster } from "./cluster.ts";
export type {
  EtcdLogLine,
  EtcdOptions,
  FlagOptions,
  HostOptions,
  LeaderChange,
} from "./options.ts";
