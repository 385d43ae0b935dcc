/** What needs no types of Node.js. */
import * as bolt from "etcd-ts/bolt";
import * as raft from "etcd-ts/raft";

export const options: bolt.DbOptions = {};
export const storage: raft.Storage = new raft.MemoryStorage();

export function isRefused(error: unknown): error is bolt.BoltError {
  return error instanceof bolt.BoltError;
}

export type All = typeof bolt | typeof raft;
