/** The Maintenance service: one file a method, put together here. */
import type { GrpcMethodHandler } from "../http2/grpc-server-types.ts";
import { forAdmins, forAdminsInOtherWords } from "./caller-checks.ts";
import type { ServiceContext } from "./context.ts";
import { alarmMethod } from "./maintenance-alarm.ts";
import { defragmentMethod } from "./maintenance-defragment.ts";
import { downgradeMethod } from "./maintenance-downgrade.ts";
import { hashKeyspaceMethod, hashMethod } from "./maintenance-hash.ts";
import { moveLeaderMethod } from "./maintenance-move-leader.ts";
import { snapshotMethod } from "./maintenance-snapshot.ts";
import { statusMethod } from "./maintenance-status.ts";

export function maintenanceMethods(context: ServiceContext): [string, GrpcMethodHandler][] {
  return [
    ["/etcdserverpb.Maintenance/Status", forAdmins(context, statusMethod(context))],
    ["/etcdserverpb.Maintenance/Alarm", alarmMethod(context)],
    [
      "/etcdserverpb.Maintenance/Defragment",
      forAdminsInOtherWords(context, defragmentMethod(context)),
    ],
    ["/etcdserverpb.Maintenance/Hash", forAdminsInOtherWords(context, hashMethod(context))],
    [
      "/etcdserverpb.Maintenance/HashKV",
      forAdminsInOtherWords(context, hashKeyspaceMethod(context)),
    ],
    ["/etcdserverpb.Maintenance/MoveLeader", forAdmins(context, moveLeaderMethod(context))],
    ["/etcdserverpb.Maintenance/Downgrade", forAdmins(context, downgradeMethod(context))],
    ["/etcdserverpb.Maintenance/Snapshot", forAdminsInOtherWords(context, snapshotMethod(context))],
  ];
}
