/** Maintenance.Status: what this member says of itself. Not linearizable, and answered by learners too. */
import { Errors } from "../errors/table.ts";
import type { GrpcMethodHandler } from "../http2/grpc-server-types.ts";
import {
  type AlarmMember,
  AlarmType,
  createStatusResponse,
  decodeStatusRequest,
  encodeStatusResponse,
  type StatusResponse,
} from "../wire/gen/rpc.ts";
import { headerAt, type ServiceContext } from "./context.ts";
import { unary } from "./unary.ts";

export function statusMethod(context: ServiceContext): GrpcMethodHandler {
  return unary(decodeStatusRequest, (call) => {
    call.sendUnary(encodeStatusResponse(status(context)));
  });
}

function status(context: ServiceContext): StatusResponse {
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
