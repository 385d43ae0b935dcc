/**
 * The Auth service, as far as it is served: nobody can enable authentication here and a database with it is
 * refused at start, so whoever comes with a name and password learns that none is needed, and goes on.
 *
 * Source: etcd server/etcdserver/v3_server.go (Authenticate).
 */
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcMethodHandler } from "../http2/grpc-server-types.ts";
import { decodeAuthenticateRequest } from "../wire/gen/rpc.ts";
import type { ServiceContext } from "./context.ts";
import { fail } from "./status.ts";
import { unary } from "./unary.ts";

export function authMethods(context: ServiceContext): [string, GrpcMethodHandler][] {
  return [
    [
      "/etcdserverpb.Auth/Authenticate",
      unary(decodeAuthenticateRequest, (call) => {
        // As in etcd the answer is one of the whole cluster, not of this member alone.
        context.member.whenReadable({
          onReadable: () => fail(call, Errors.AuthNotEnabled),
          onFailed: (error: EtcdError) => fail(call, error),
        });
      }),
    ],
  ];
}
