/**
 * The election service: Campaign, Proclaim, Leader, Observe, Resign.
 *
 * Source: etcd server/etcdserver/api/v3election/election.go.
 */
import { campaign, leaderOf, observe, proclaim, resign } from "../concurrency/election.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcMethodHandler } from "../http2/grpc-server-types.ts";
import type { LeaderKey } from "../wire/gen/election.ts";
import { ElectionService } from "../wire/gen/services.ts";
import type { CallerStore } from "./caller-store.ts";
import { observingMethod, sessionLease, waitingMethod } from "./concurrency-call.ts";
import type { InnerCalls } from "./inner-call.ts";

export function electionMethods(calls: InnerCalls): [string, GrpcMethodHandler][] {
  const methods = ElectionService;
  return [
    [
      methods.campaign.path,
      waitingMethod(calls, methods.campaign, async (store, { name, lease, value }) =>
        campaign(store, name, await sessionLease(store, lease), value),
      ),
    ],
    [
      methods.proclaim.path,
      waitingMethod(calls, methods.proclaim, async (store, { leader, value }) => ({
        header: await proclaim(store, await withLease(store, leader), value),
      })),
    ],
    [
      methods.leader.path,
      waitingMethod(calls, methods.leader, (store, { name }) => leaderOf(store, name)),
    ],
    [
      methods.observe.path,
      observingMethod(calls, methods.observe, (store, { name }) => observe(store, name)),
    ],
    [
      methods.resign.path,
      waitingMethod(calls, methods.resign, async (store, { leader }) => ({
        header: await resign(store, await withLease(store, leader)),
      })),
    ],
  ];
}

/** The key of a leader with a lease, which is made where it names none. */
async function withLease(store: CallerStore, leader: LeaderKey | undefined): Promise<LeaderKey> {
  if (leader === undefined) throw Errors.LeaderKeyMissing;
  return { ...leader, lease: await sessionLease(store, leader.lease) };
}
