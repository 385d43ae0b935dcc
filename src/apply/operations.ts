/**
 * Operations on data: the checks of alarms, rights and the quota, in etcd's order, and then the operation
 * itself.
 *
 * Source: etcd server/etcdserver/apply.go (applierV3Corrupt > applierV3Capped > authApplierV3 > quotaApplierV3 >
 * backend).
 */
import type { AuthInfo } from "../auth/auth-info.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { executeCompaction, executeDeleteRange, executePut } from "../mvcc/kv-requests.ts";
import { executeTxn } from "../mvcc/txn.ts";
import type { InternalRaftRequestOperation } from "../wire/gen/raft-internal.ts";
import {
  AlarmAction,
  type AlarmMember,
  type AlarmRequest,
  AlarmType,
  createAlarmMember,
} from "../wire/gen/rpc.ts";
import type { Applier } from "./applier.ts";
import { applyAuthOperation } from "./auth-operations.ts";
import { checkOperation } from "./authorization.ts";
import { UnsupportedEntryError } from "./cluster-operations.ts";
import { checkpointLeases, grantLease, revokeLease } from "./lease-operations.ts";
import { costOf } from "./quota.ts";
import { type ApplyResult, DONE } from "./result.ts";

/** Executes an operation of entry `index` for `caller`, or refuses it with nothing changed. */
export function executeOperation(
  applier: Applier,
  caller: AuthInfo,
  operation: InternalRaftRequestOperation,
  index: number,
  nowMs: number,
): ApplyResult | EtcdError {
  const refused = refusal(applier, caller, operation);
  if (refused !== undefined) return refused;
  const { store } = applier;
  switch (operation.case) {
    case "put":
      return result("put", executePut(store, operation.value));
    case "deleteRange":
      return result("deleteRange", executeDeleteRange(store, operation.value));
    case "txn":
      return result("txn", executeTxn(store, operation.value));
    case "compaction":
      return result("compaction", executeCompaction(store, operation.value));
    case "leaseGrant":
      return grantLease(applier, operation.value, nowMs);
    case "leaseRevoke":
      return revokeLease(applier, operation.value.id);
    case "leaseCheckpoint":
      return checkpointLeases(applier, operation.value, nowMs);
    case "alarm":
      return { kind: "alarm", alarms: applyAlarm(applier, operation.value) };
    case "range":
      // A read that once was proposed: nobody waits for it on replay.
      return DONE;
    default: {
      const answer = applyAuthOperation(applier, caller, operation, index);
      if (answer !== undefined) return answer;
      throw new UnsupportedEntryError(`entry ${index} of the log is a ${operation.case} request`);
    }
  }
}

/** What alarms, the rights of the caller and the quota say to an operation. */
function refusal(
  applier: Applier,
  caller: AuthInfo,
  operation: InternalRaftRequestOperation,
): EtcdError | undefined {
  const { alarms, quota } = applier;
  if (alarms.isRaised(AlarmType.CORRUPT) && CORRUPT_REFUSES.has(operation.case)) {
    return Errors.Corrupt;
  }
  const hasCost = costOf(operation) > 0;
  if (hasCost && alarms.isRaised(AlarmType.NOSPACE)) return Errors.NoSpace;
  const unauthorized = checkOperation(applier, caller, operation);
  if (unauthorized !== undefined) return unauthorized;
  return !hasCost || quota.admits(operation) ? undefined : Errors.NoSpace;
}

const CORRUPT_REFUSES: ReadonlySet<string> = new Set([
  "put",
  "range",
  "deleteRange",
  "txn",
  "compaction",
  "leaseGrant",
  "leaseRevoke",
]);

type Answered = Extract<ApplyResult, { readonly response: unknown }>;

/** Wraps a response, and lets an error through. */
function result<K extends Answered["kind"]>(
  kind: K,
  response: Extract<Answered, { kind: K }>["response"] | EtcdError,
): ApplyResult | EtcdError {
  return response instanceof EtcdError ? response : ({ kind, response } as ApplyResult);
}

function applyAlarm(applier: Applier, request: AlarmRequest): AlarmMember[] {
  const { alarms, records, log } = applier;
  const alarm = createAlarmMember({ memberId: request.memberId, alarm: request.alarm });
  const fields = { alarm: ALARM_NAMES.get(alarm.alarm) ?? "", from: alarm.memberId.toString(16) };
  switch (request.action) {
    case AlarmAction.GET:
      return alarms.list(request.alarm);
    case AlarmAction.ACTIVATE:
      if (request.alarm === AlarmType.NONE) return [];
      if (alarms.activate(alarm)) {
        records.putAlarm(alarm);
        log.warn("alarm raised", fields);
      }
      return [alarm];
    case AlarmAction.DEACTIVATE:
      if (!alarms.deactivate(alarm)) return [];
      records.removeAlarm(alarm);
      log.warn("alarm disarmed", fields);
      return [alarm];
    default:
      // Differs from etcd: an alarm request with an unknown action crashes it.
      return [];
  }
}

const ALARM_NAMES = new Map<number, string>(
  Object.entries(AlarmType).map(([name, value]) => [value, name]),
);
