/** A program that uses each of the entries. */
import { EtcdConfigError, type EtcdOptions, startCluster, startEtcd } from "etcd-ts";
import * as bolt from "etcd-ts/bolt";
import { compare, connect, type EtcdClient, EtcdError, op } from "etcd-ts/client";
import * as raft from "etcd-ts/raft";

export async function embed(options: EtcdOptions): Promise<string | undefined> {
  const etcd = await startEtcd({ temporary: true, heartbeatInterval: 100, ...options });
  const cluster = await startCluster({ size: 3 });
  const leader: string | undefined = (await cluster.leader())?.name;
  const client: EtcdClient = etcd.client;
  await client.kv.put("name", leader ?? "");
  await cluster.stop();
  await etcd.stop();
  return (await client.kv.get("name"))?.value;
}

export async function swap(hosts: string[], signal: AbortSignal): Promise<boolean> {
  const client = await connect({ hosts, timeoutMs: 1000 });
  const { succeeded } = await client
    .txn()
    .if(compare.value("key", "=", "old"))
    .then(op.put("key", "new"))
    .commit({ signal });
  client.close();
  return succeeded;
}

export function explain(error: unknown): string {
  if (error instanceof EtcdConfigError || error instanceof EtcdError) return error.message;
  return error instanceof bolt.BoltError ? error.code : String(error);
}

export const storage: raft.Storage = new raft.MemoryStorage();
