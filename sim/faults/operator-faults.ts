/** What operators do while a cluster serves: not faults, but as hard on it. */
import {
  createDefragmentRequest,
  createMoveLeaderRequest,
  encodeDefragmentRequest,
  encodeMoveLeaderRequest,
} from "../../src/wire/gen/rpc.ts";
import type { Fault } from "./faults.ts";

const ignored = { onMessage: () => {}, onEnd: () => {} };

export const OPERATOR_FAULTS: Readonly<Record<string, Fault>> = {
  moveLeader: ({ cluster, channel }, random) => {
    const leader = cluster.leader();
    const target = random.pick(cluster.machines).host?.member.id;
    if (leader === undefined || target === undefined) return false;
    const request = encodeMoveLeaderRequest(createMoveLeaderRequest({ targetId: target }));
    channel.call(leader, "/etcdserverpb.Maintenance/MoveLeader", request, ignored);
    return true;
  },

  defragment: ({ cluster, channel }, random) => {
    const request = encodeDefragmentRequest(createDefragmentRequest());
    const machine = random.pick(cluster.machines);
    channel.call(machine, "/etcdserverpb.Maintenance/Defragment", request, ignored);
    return true;
  },
};
