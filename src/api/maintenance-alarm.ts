/** Maintenance.Alarm: raising, lifting and listing alarms, through the log. */
import { EtcdError } from "../errors/etcd-error.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import { assert } from "../stdx/assert.ts";
import {
  AlarmAction,
  type AlarmMember,
  createAlarmMember,
  decodeAlarmRequest,
  encodeAlarmResponse,
} from "../wire/gen/rpc.ts";
import { InternalRaftRequestOperationField as Operation } from "../wire/gen/raft-internal.ts";
import { adminRefusal, strangerRefusal } from "./caller-checks.ts";
import { headerAt, type ServiceContext } from "./context.ts";
import { proposeForCall } from "./proposed-call.ts";
import { fail } from "./status.ts";
import { unary } from "./unary.ts";

export function alarmMethod(context: ServiceContext): GrpcMethodHandler {
  return unary(decodeAlarmRequest, (call, { action }, bytes) => {
    const isQuestion = action === AlarmAction.GET;
    const refused = isQuestion ? strangerRefusal(context, call) : adminRefusal(context, call);
    if (refused !== undefined) {
      fail(call, refused);
      return;
    }
    proposeForCall(context, call, Operation.alarm, bytes, {
      onApplied: (result) => {
        if (result instanceof EtcdError) {
          fail(call, result);
          return;
        }
        assert(result.kind === "alarm", "An alarm request answers alarms");
        sendAlarms(context, call, result.alarms);
      },
    });
  });
}

function sendAlarms(
  context: ServiceContext,
  call: GrpcServerCall,
  alarms: readonly AlarmMember[],
): void {
  const header = headerAt(context, context.member.applier.store.revision);
  call.sendUnary(encodeAlarmResponse({ header, alarms: alarms.map(createAlarmMember) }));
}
