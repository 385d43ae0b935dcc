/**
 * Maintenance.MoveLeader: hands leadership to another voter, and answers when it leads. The answer has no
 * header, as in etcd.
 *
 * Source: etcd server/etcdserver/api/v3rpc/maintenance.go (MoveLeader) (3.5).
 */
import { Errors } from "../errors/table.ts";
import type { GrpcMethodHandler } from "../http2/grpc-server-types.ts";
import { formatId } from "../membership/member-info.ts";
import { goDurationOfMs } from "../stdx/go-duration.ts";
import {
  createMoveLeaderResponse,
  decodeMoveLeaderRequest,
  encodeMoveLeaderResponse,
} from "../wire/gen/rpc.ts";
import type { ServiceContext } from "./context.ts";
import { fail } from "./status.ts";
import { unary } from "./unary.ts";

export function moveLeaderMethod(context: ServiceContext): GrpcMethodHandler {
  const { member, clock } = context;
  const log = context.log.named("api/maintenance-move-leader.ts");
  return unary(decodeMoveLeaderRequest, (call, { targetId }) => {
    if (!member.isLeader()) {
      fail(call, Errors.NotLeader);
      return;
    }
    const own = member.applier.cluster.member(targetId);
    if (own === undefined || own.isLearner) {
      fail(call, Errors.BadLeaderTransferee);
      return;
    }
    const startMs = clock.nowMs();
    const from = { "local-member-id": formatId(member.id) };
    log.info("leadership transfer starting", {
      ...from,
      "current-leader-member-id": formatId(member.id),
      "transferee-member-id": formatId(targetId),
    });
    member.moveLeader(targetId, (failure) => {
      if (failure !== undefined) {
        fail(call, failure);
        return;
      }
      log.info("leadership transfer finished", {
        ...from,
        "old-leader-member-id": formatId(member.id),
        "new-leader-member-id": formatId(targetId),
        took: goDurationOfMs(clock.nowMs() - startMs),
      });
      call.sendUnary(encodeMoveLeaderResponse(createMoveLeaderResponse()));
    });
  });
}
