/**
 * Maintenance.Hash and HashKV: what members compare to find out whether they hold the same. Not
 * linearizable: the answer is about this member.
 *
 * Source: etcd server/etcdserver/api/v3rpc/maintenance.go (3.5).
 */
import { EtcdError } from "../errors/etcd-error.ts";
import type { GrpcMethodHandler } from "../http2/grpc-server-types.ts";
import {
  decodeHashKVRequest,
  decodeHashRequest,
  encodeHashKVResponse,
  encodeHashResponse,
} from "../wire/gen/rpc.ts";
import { headerAt, type ServiceContext } from "./context.ts";
import { fail } from "./status.ts";
import { unary } from "./unary.ts";

export function hashMethod(context: ServiceContext): GrpcMethodHandler {
  return unary(decodeHashRequest, (call) => {
    context.hashes.ofDatabase((result) => {
      if (result instanceof EtcdError) {
        fail(call, result);
        return;
      }
      const header = headerAt(context, result.revision);
      call.sendUnary(encodeHashResponse({ header, hash: result.hash }));
    });
  });
}

export function hashKeyspaceMethod(context: ServiceContext): GrpcMethodHandler {
  return unary(decodeHashKVRequest, (call, { revision }) => {
    context.hashes.ofKeyspace(revision, (result) => {
      if (result instanceof EtcdError) {
        fail(call, result);
        return;
      }
      const { hash, compactRevision } = result.hash;
      const header = headerAt(context, result.currentRevision);
      call.sendUnary(encodeHashKVResponse({ header, hash, compactRevision }));
    });
  });
}
