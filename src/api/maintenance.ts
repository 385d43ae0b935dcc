/** The Maintenance service, as far as it is served: Status and Alarm. */
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import { assert } from "../stdx/assert.ts";
import {
  type AlarmMember,
  AlarmType,
  createAlarmMember,
  createStatusResponse,
  decodeAlarmRequest,
  decodeStatusRequest,
  encodeAlarmResponse,
  encodeStatusResponse,
} from "../wire/gen/rpc.ts";
import { InternalRaftRequestOperationField as Operation } from "../wire/gen/raft-internal.ts";
import { headerAt, type ServiceContext } from "./context.ts";
import { fail } from "./status.ts";
import { unary } from "./unary.ts";

export function maintenanceMethods(context: ServiceContext): [string, GrpcMethodHandler][] {
  return [
    [
      "/etcdserverpb.Maintenance/Status",
      unary(decodeStatusRequest, (call) => call.sendUnary(encodeStatusResponse(status(context)))),
    ],
    [
      "/etcdserverpb.Maintenance/Alarm",
      unary(decodeAlarmRequest, (call, _request, bytes) => {
        context.member.propose(Operation.alarm, bytes, {
          onApplied: (result) => {
            if (result instanceof EtcdError) {
              fail(call, result);
              return;
            }
            assert(result.kind === "alarm", "An alarm request answers alarms");
            sendAlarms(context, call, result.alarms);
          },
        });
      }),
    ],
  ];
}

function status(context: ServiceContext) {
  const { member, storage } = context;
  const { leader, term, committedIndex, appliedIndex, isLearner } = member.status();
  return createStatusResponse({
    header: headerAt(context, member.applier.store.revision),
    version: context.serverVersion,
    dbSize: storage.databaseBytes(),
    dbSizeInUse: storage.databaseBytesInUse(),
    leader,
    raftIndex: committedIndex,
    raftTerm: term,
    raftAppliedIndex: appliedIndex,
    isLearner,
    errors: statusErrors(context, leader),
  });
}

function statusErrors(context: ServiceContext, leader: bigint): string[] {
  const errors = leader === 0n ? [Errors.NoLeader.message] : [];
  for (const raised of context.member.applier.alarms.list(AlarmType.NONE)) {
    errors.push(describeAlarm(raised));
  }
  return errors;
}

/** An alarm as Go's text form of the message prints it; members of value zero are left out. */
export function describeAlarm({ memberId, alarm }: AlarmMember): string {
  const parts = [];
  if (memberId !== 0n) parts.push(`memberID:${memberId} `);
  if (alarm !== AlarmType.NONE) parts.push(`alarm:${ALARM_NAMES.get(alarm) ?? alarm} `);
  return parts.join("");
}

const ALARM_NAMES = new Map<number, string>(
  Object.entries(AlarmType).map(([name, value]) => [value, name]),
);

function sendAlarms(
  context: ServiceContext,
  call: GrpcServerCall,
  alarms: readonly AlarmMember[],
): void {
  const header = headerAt(context, context.member.applier.store.revision);
  call.sendUnary(encodeAlarmResponse({ header, alarms: alarms.map(createAlarmMember) }));
}
