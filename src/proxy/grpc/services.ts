/**
 * All methods of the gRPC proxy, by path. Source: etcd server/etcdmain/grpc_proxy.go (newGRPCProxyServer).
 */
import type { Client } from "../../client/client.ts";
import { GrpcCode } from "../../errors/codes.ts";
import type { GrpcMethodHandler } from "../../http2/grpc-server-types.ts";
import type { GrpcServerConfig } from "../../http2/options.ts";
import { createMemberListResponse, encodeMemberListResponse } from "../../wire/gen/rpc.ts";
import {
  AuthService,
  ClusterService,
  ElectionService,
  LockService,
  MaintenanceService,
} from "../../wire/gen/services.ts";
import { type KvParts, kvMethods } from "./kv.ts";
import { type LeaseParts, leaseMethods } from "./lease.ts";
import { serverStreamPassThrough, unaryPassThrough } from "./pass-through.ts";
import type { Registration } from "./registration.ts";
import { type WatchParts, watchMethods } from "./watch.ts";

export type ServiceParts = KvParts &
  LeaseParts &
  WatchParts & {
    readonly client: Client;
    /** What members are told to be: this proxy; empty for the servers themselves. */
    readonly advertised: string;
    readonly hostname: string;
    /** Present where proxies register. */
    readonly registration: Registration | undefined;
  };

export function proxyServices(
  parts: ServiceParts,
): Required<Pick<GrpcServerConfig, "lookup" | "knowsService">> {
  const methods = new Map<string, GrpcMethodHandler>([
    ...passedThrough(parts),
    ...kvMethods(parts),
    ...leaseMethods(parts),
    ...watchMethods(parts),
    ...clusterMethods(parts),
    ["/etcdserverpb.Auth/AuthEnable", enabling(parts)],
  ]);
  const services = new Set([...methods.keys()].map((path) => path.split("/")[1]));
  return {
    lookup: (path) => methods.get(path),
    knowsService: (service) => services.has(service),
  };
}

/** Methods that change nothing: they may be asked again when a server is lost. */
const REPEATABLE =
  /\/(?:Status|Hash|HashKV|AuthStatus|UserGet|UserList|RoleGet|RoleList|MemberList|Leader)$/;

function passedThrough({ upstream }: ServiceParts): [string, GrpcMethodHandler][] {
  const services = [AuthService, ClusterService, MaintenanceService, LockService, ElectionService];
  return services
    .flatMap((service) => Object.values(service))
    .map(({ path, serverStreaming }) => {
      if (serverStreaming) return [path, serverStreamPassThrough(upstream)];
      const repeatability = REPEATABLE.test(path) ? "repeatable" : "once";
      return [path, unaryPassThrough(upstream, repeatability)];
    });
}

/** From then on what was kept for anybody is for nobody. */
function enabling({ upstream, cache }: ServiceParts): GrpcMethodHandler {
  return unaryPassThrough(upstream, "once", () => cache.clear());
}

function clusterMethods(parts: ServiceParts): [string, GrpcMethodHandler][] {
  const promote: GrpcMethodHandler = {
    kind: "unary",
    // In the words of etcd's proxy, which does not pass this call on either.
    onMessage: (call) => call.sendStatus(GrpcCode.Unknown, "not implemented"),
    onHalfClose() {},
    onCancel() {},
  };
  const methods: [string, GrpcMethodHandler][] = [["/etcdserverpb.Cluster/MemberPromote", promote]];
  if (parts.advertised !== "") {
    methods.push(["/etcdserverpb.Cluster/MemberList", memberList(parts)]);
  }
  return methods;
}

/** Members as clients are to see them: the proxies of the prefix, or this one alone. */
function memberList({ advertised, hostname, registration }: ServiceParts): GrpcMethodHandler {
  return {
    kind: "unary",
    onMessage(call) {
      const known = registration?.proxies() ?? [];
      const shown = known.length > 0 ? known : [{ address: advertised, name: hostname }];
      const members = shown.map(({ address, name }) => ({
        id: 0n,
        name,
        peerUrls: [],
        clientUrls: [address],
        isLearner: false,
      }));
      call.sendUnary(encodeMemberListResponse(createMemberListResponse({ members })));
    },
    onHalfClose() {},
    onCancel() {},
  };
}
