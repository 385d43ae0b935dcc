/**
 * Maintenance.Defragment: answered when the database has been rewritten. Requests go on meanwhile.
 *
 * Source: etcd server/etcdserver/api/v3rpc/maintenance.go (3.5).
 */
import type { GrpcMethodHandler } from "../http2/grpc-server-types.ts";
import { decodeDefragmentRequest, encodeDefragmentResponse } from "../wire/gen/rpc.ts";
import type { ServiceContext } from "./context.ts";
import { fail } from "./status.ts";
import { unary } from "./unary.ts";

export function defragmentMethod(context: ServiceContext): GrpcMethodHandler {
  const log = context.log.named("api/maintenance-defragment.ts");
  return unary(decodeDefragmentRequest, (call) => {
    log.info("starting defragment");
    if (context.stopsServingOnDefrag) context.serving.stop("defrag is active");
    context.defragment((failure) => {
      if (context.stopsServingOnDefrag) context.serving.start();
      if (failure !== undefined) {
        log.warn("failed to defragment", { error: failure.message });
        fail(call, failure);
        return;
      }
      log.info("finished defragment");
      call.sendUnary(encodeDefragmentResponse({ header: undefined }));
    });
  });
}
