/**
 * Maintenance.Downgrade: asks whether the cluster may go back by one minor version, begins it, or gives it up.
 *
 * Differs from etcd: 3.5 lets the calls that begin a downgrade and give it up time out, after it has carried
 * them out; here they are answered when they are carried out.
 *
 * Source: etcd server/etcdserver/v3_server.go (Downgrade) (3.5).
 */
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import { checkDowngrade, checkDowngradeCancel } from "../membership/downgrade.ts";
import type { Log } from "../ports/log.ts";
import {
  createDowngradeInfoSetRequest,
  encodeDowngradeInfoSetRequest,
} from "../wire/gen/membership.ts";
import { InternalRaftRequestOperationField as Operation } from "../wire/gen/raft-internal.ts";
import {
  createDowngradeResponse,
  decodeDowngradeRequest,
  DowngradeAction,
  encodeDowngradeResponse,
} from "../wire/gen/rpc.ts";
import { headerAt, type ServiceContext } from "./context.ts";
import { proposeForCall } from "./proposed-call.ts";
import { fail } from "./status.ts";
import { unary } from "./unary.ts";

export function downgradeMethod(context: ServiceContext): GrpcMethodHandler {
  const log = context.log.named("api/maintenance-downgrade.ts");
  return unary(decodeDowngradeRequest, (call, { action, version }) => {
    // What is decided is decided on everything that was acknowledged before.
    context.member.whenReadable({
      onReadable: () => act(context, log, call, action, version),
      onFailed: (error) => fail(call, error),
    });
  });
}

function act(
  context: ServiceContext,
  log: Log,
  call: GrpcServerCall,
  action: DowngradeAction,
  version: string,
): void {
  const { cluster } = context.member.applier;
  switch (action) {
    case DowngradeAction.VALIDATE: {
      const checked = checkDowngrade(cluster, version);
      if (checked instanceof EtcdError) fail(call, checked);
      else succeed(context, call);
      return;
    }
    case DowngradeAction.ENABLE: {
      const checked = checkDowngrade(cluster, version);
      if (checked instanceof EtcdError) {
        log.warn("reject downgrade request", { error: checked.message });
        fail(call, checked);
      } else {
        setDowngrade(context, call, true, checked.targetVersion);
      }
      return;
    }
    case DowngradeAction.CANCEL: {
      const refused = checkDowngradeCancel(cluster);
      if (refused !== undefined) fail(call, refused);
      else setDowngrade(context, call, false, "");
      return;
    }
    default:
      fail(call, Errors.UnknownMethod);
  }
}

function setDowngrade(
  context: ServiceContext,
  call: GrpcServerCall,
  enabled: boolean,
  ver: string,
): void {
  const body = encodeDowngradeInfoSetRequest(createDowngradeInfoSetRequest({ enabled, ver }));
  proposeForCall(context, call, Operation.downgradeInfoSet, body, {
    onApplied: (result) => {
      if (result instanceof EtcdError) fail(call, result);
      else succeed(context, call);
    },
  });
}

function succeed(context: ServiceContext, call: GrpcServerCall): void {
  const { store, cluster } = context.member.applier;
  const response = createDowngradeResponse({
    header: headerAt(context, store.revision),
    version: cluster.version ?? "",
  });
  call.sendUnary(encodeDowngradeResponse(response));
}
