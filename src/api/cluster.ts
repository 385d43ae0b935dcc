/** The Cluster service: who the members are. */
import type { EtcdError } from "../errors/etcd-error.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import type { ReadWaiter } from "../member/ready.ts";
import {
  createMember,
  decodeMemberListRequest,
  encodeMemberListResponse,
} from "../wire/gen/rpc.ts";
import { headerAt, type ServiceContext } from "./context.ts";
import { fail } from "./status.ts";
import { unary } from "./unary.ts";

export function clusterMethods(context: ServiceContext): [string, GrpcMethodHandler][] {
  return [
    [
      "/etcdserverpb.Cluster/MemberList",
      unary(decodeMemberListRequest, (call, request) => {
        const list = new MemberList(context, call);
        if (request.linearizable) context.member.whenReadable(list);
        else list.onReadable();
      }),
    ],
  ];
}

class MemberList implements ReadWaiter {
  readonly #context: ServiceContext;
  readonly #call: GrpcServerCall;

  constructor(context: ServiceContext, call: GrpcServerCall) {
    this.#context = context;
    this.#call = call;
  }

  onReadable(): void {
    const members = this.#context.member.applier.cluster.members().map((member) =>
      createMember({
        id: member.id,
        name: member.name,
        peerUrls: [...member.peerUrls],
        clientUrls: [...member.clientUrls],
        isLearner: member.isLearner,
      }),
    );
    const header = headerAt(this.#context, 0);
    this.#call.sendUnary(encodeMemberListResponse({ header, members }));
  }

  onFailed(error: EtcdError): void {
    fail(this.#call, error);
  }
}
