/**
 * The Auth service: users, roles, and tokens for users. Everything goes through the log, also what only asks.
 * Passwords do not: what is proposed is their hash, or that one was checked. `authenticate.ts` has the latter.
 *
 * Source: etcd server/etcdserver/api/v3rpc/auth.go, server/etcdserver/v3_server.go (3.5).
 */
import { EtcdError } from "../errors/etcd-error.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import { base64FromBytes } from "../stdx/base64.ts";
import { InternalRaftRequestOperationField as Operation } from "../wire/gen/raft-internal.ts";
import {
  decodeAuthDisableRequest,
  decodeAuthEnableRequest,
  decodeAuthRoleAddRequest,
  decodeAuthRoleDeleteRequest,
  decodeAuthRoleGetRequest,
  decodeAuthRoleGrantPermissionRequest,
  decodeAuthRoleListRequest,
  decodeAuthRoleRevokePermissionRequest,
  decodeAuthStatusRequest,
  decodeAuthUserAddRequest,
  decodeAuthUserChangePasswordRequest,
  decodeAuthUserDeleteRequest,
  decodeAuthUserGetRequest,
  decodeAuthUserGrantRoleRequest,
  decodeAuthUserListRequest,
  decodeAuthUserRevokeRoleRequest,
  encodeAuthUserAddRequest,
  encodeAuthUserChangePasswordRequest,
} from "../wire/gen/rpc.ts";
import { authenticateMethod } from "./authenticate.ts";
import { adminRefusal } from "./caller-checks.ts";
import type { ServiceContext } from "./context.ts";
import { passwordCallerOf } from "./password-caller.ts";
import { proposeForCall, ProposedCall } from "./proposed-call.ts";
import { fail } from "./status.ts";
import { unary } from "./unary.ts";

export function authMethods(context: ServiceContext): [string, GrpcMethodHandler][] {
  /** A method that proposes what it is given, as it came. */
  const proposing = (
    method: string,
    decode: (bytes: Uint8Array) => unknown,
    field: number,
  ): [string, GrpcMethodHandler] => [
    `/etcdserverpb.Auth/${method}`,
    unary(decode, (call, _request, bytes) => {
      proposeForCall(context, call, field, bytes, new ProposedCall(context, call));
    }),
  ];
  return [
    ["/etcdserverpb.Auth/Authenticate", authenticateMethod(context)],
    ["/etcdserverpb.Auth/UserAdd", userAddMethod(context)],
    ["/etcdserverpb.Auth/UserChangePassword", changePasswordMethod(context)],
    proposing("AuthEnable", decodeAuthEnableRequest, Operation.authEnable),
    proposing("AuthDisable", decodeAuthDisableRequest, Operation.authDisable),
    proposing("AuthStatus", decodeAuthStatusRequest, Operation.authStatus),
    proposing("UserGet", decodeAuthUserGetRequest, Operation.authUserGet),
    proposing("UserList", decodeAuthUserListRequest, Operation.authUserList),
    proposing("UserDelete", decodeAuthUserDeleteRequest, Operation.authUserDelete),
    proposing("UserGrantRole", decodeAuthUserGrantRoleRequest, Operation.authUserGrantRole),
    proposing("UserRevokeRole", decodeAuthUserRevokeRoleRequest, Operation.authUserRevokeRole),
    proposing("RoleAdd", decodeAuthRoleAddRequest, Operation.authRoleAdd),
    proposing("RoleGet", decodeAuthRoleGetRequest, Operation.authRoleGet),
    proposing("RoleList", decodeAuthRoleListRequest, Operation.authRoleList),
    proposing("RoleDelete", decodeAuthRoleDeleteRequest, Operation.authRoleDelete),
    proposing(
      "RoleGrantPermission",
      decodeAuthRoleGrantPermissionRequest,
      Operation.authRoleGrantPermission,
    ),
    proposing(
      "RoleRevokePermission",
      decodeAuthRoleRevokePermissionRequest,
      Operation.authRoleRevokePermission,
    ),
  ];
}

/**
 * Differs from etcd: a password that comes with a user who shall have none does not go into the log; there it
 * stands in it as it is.
 */
function userAddMethod(context: ServiceContext): GrpcMethodHandler {
  return unary(decodeAuthUserAddRequest, (call, request) => {
    const { password } = request;
    request.password = "";
    const propose = (hashedPassword: string): void => {
      const body = encodeAuthUserAddRequest({ ...request, hashedPassword });
      proposeForCall(context, call, Operation.authUserAdd, body, new ProposedCall(context, call));
    };
    if (request.options?.noPassword === true) propose("");
    else withHash(context, call, password, propose);
  });
}

/** Without a password, what is proposed is the hash that the client has made itself, or none. */
function changePasswordMethod(context: ServiceContext): GrpcMethodHandler {
  const field = Operation.authUserChangePassword;
  return unary(decodeAuthUserChangePasswordRequest, (call, request) => {
    const { password } = request;
    request.password = "";
    const propose = (hashedPassword: string): void => {
      const body = encodeAuthUserChangePasswordRequest({ ...request, hashedPassword });
      proposeForCall(context, call, field, body, new ProposedCall(context, call));
    };
    if (password === "") propose(request.hashedPassword);
    else withHash(context, call, password, propose);
  });
}

/**
 * Goes on with the hash of a new password.
 *
 * Differs from etcd: who may not set it is told so before it is hashed. There anybody has the server work.
 */
function withHash(
  context: ServiceContext,
  call: GrpcServerCall,
  password: string,
  goOn: (hash: string) => void,
): void {
  const refused = adminRefusal(context, call);
  if (refused !== undefined) {
    fail(call, refused);
    return;
  }
  context.passwords.hash(password, passwordCallerOf(call), (hash) => {
    if (hash instanceof EtcdError) fail(call, hash);
    else goOn(base64FromBytes(hash));
  });
}
