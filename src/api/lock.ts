/**
 * The lock service: Lock, Unlock.
 *
 * Source: etcd server/etcdserver/api/v3lock/lock.go.
 */
import { acquireLock, releaseLock } from "../concurrency/lock.ts";
import type { GrpcMethodHandler } from "../http2/grpc-server-types.ts";
import { LockService } from "../wire/gen/services.ts";
import { sessionLease, waitingMethod } from "./concurrency-call.ts";
import type { InnerCalls } from "./inner-call.ts";

export function lockMethods(calls: InnerCalls): [string, GrpcMethodHandler][] {
  const { lock, unlock } = LockService;
  return [
    [
      lock.path,
      waitingMethod(calls, lock, async (store, { name, lease }) => {
        const { header, key } = await acquireLock(store, name, await sessionLease(store, lease));
        return { header, key };
      }),
    ],
    [
      unlock.path,
      waitingMethod(calls, unlock, async (store, { key }) => ({
        header: await releaseLock(store, key),
      })),
    ],
  ];
}
