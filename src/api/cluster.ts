/**
 * The Cluster service: who the members are, and how that changes. Its headers tell no revision.
 *
 * Source: etcd server/etcdserver/api/v3rpc/member.go (3.5).
 */
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import type { MembershipWaiter, ReadWaiter } from "../member/ready.ts";
import type { MemberInfo } from "../membership/member-info.ts";
import { peerUrlsOf } from "../membership/member-url.ts";
import {
  createMember,
  decodeMemberAddRequest,
  decodeMemberListRequest,
  decodeMemberPromoteRequest,
  decodeMemberRemoveRequest,
  decodeMemberUpdateRequest,
  encodeMemberAddResponse,
  encodeMemberListResponse,
  encodeMemberPromoteResponse,
  encodeMemberRemoveResponse,
  encodeMemberUpdateResponse,
  type Member,
  type ResponseHeader,
} from "../wire/gen/rpc.ts";
import { adminRefusal, forAdmins, strangerRefusal } from "./caller-checks.ts";
import { headerAt, type ServiceContext } from "./context.ts";
import { fail } from "./status.ts";
import { unary } from "./unary.ts";

/** Marshals an answer that holds the members. */
type Encode = (answer: { header: ResponseHeader; members: Member[] }) => Uint8Array;

export function clusterMethods(context: ServiceContext): [string, GrpcMethodHandler][] {
  const { membership } = context;
  const answer = (call: GrpcServerCall, encode: Encode): MembersAnswer =>
    new MembersAnswer(context, call, encode);
  return [
    [
      "/etcdserverpb.Cluster/MemberList",
      unary(decodeMemberListRequest, (call, { linearizable }) => {
        const list = answer(call, encodeMemberListResponse);
        if (linearizable) context.member.whenReadable(list);
        else list.onReadable();
      }),
    ],
    ["/etcdserverpb.Cluster/MemberAdd", addMethod(context)],
    [
      "/etcdserverpb.Cluster/MemberRemove",
      forAdmins(
        context,
        unary(decodeMemberRemoveRequest, (call, { id }) => {
          membership.remove(id, answer(call, encodeMemberRemoveResponse));
        }),
      ),
    ],
    [
      "/etcdserverpb.Cluster/MemberUpdate",
      forAdmins(
        context,
        unary(decodeMemberUpdateRequest, (call, { id, peerUrls }) => {
          // Differs from etcd: URLs that are none end every other member of it when they are applied.
          if (peerUrlsOf(peerUrls) === undefined) fail(call, Errors.BadMemberUrls);
          else membership.update(id, [...peerUrls], answer(call, encodeMemberUpdateResponse));
        }),
      ),
    ],
    [
      "/etcdserverpb.Cluster/MemberPromote",
      forAdmins(
        context,
        unary(decodeMemberPromoteRequest, (call, { id }) => {
          const token = call.get("token") ?? call.get("authorization");
          const { applier } = context.member;
          // Differs from etcd: whom a certificate names is told at once that only the leader can do it. There
          // the leader is asked until the time is over, and does not know in whose name.
          if (token === undefined && applier.auth.enabled && !context.member.isLeader()) {
            fail(call, Errors.NotLeader);
          } else {
            membership.promote(id, answer(call, encodeMemberPromoteResponse), token);
          }
        }),
      ),
    ],
  ];
}

function addMethod(context: ServiceContext): GrpcMethodHandler {
  return unary(decodeMemberAddRequest, (call, request) => {
    const peerUrls = peerUrlsOf(request.peerUrls);
    if (peerUrls === undefined) {
      fail(call, Errors.BadMemberUrls);
      return;
    }
    const refused = adminRefusal(context, call);
    if (refused !== undefined) {
      fail(call, refused);
      return;
    }
    const added = context.membership.newMember(peerUrls, request.isLearner);
    const member = memberMessage(added);
    const encode: Encode = (members) => encodeMemberAddResponse({ ...members, member });
    context.membership.add(added, new MembersAnswer(context, call, encode));
  });
}

/** A call that is answered with the members. */
class MembersAnswer implements ReadWaiter, MembershipWaiter {
  readonly #context: ServiceContext;
  readonly #call: GrpcServerCall;
  readonly #encode: Encode;

  constructor(context: ServiceContext, call: GrpcServerCall, encode: Encode) {
    this.#context = context;
    this.#call = call;
    this.#encode = encode;
  }

  isGone(): boolean {
    return !this.#call.open;
  }

  onReadable(): void {
    const refused = strangerRefusal(this.#context, this.#call);
    if (refused !== undefined) fail(this.#call, refused);
    else this.onChanged(this.#context.member.applier.cluster.members());
  }

  onChanged(result: readonly MemberInfo[] | EtcdError): void {
    if (result instanceof EtcdError) {
      fail(this.#call, result);
      return;
    }
    const header = headerAt(this.#context, 0);
    this.#call.sendUnary(this.#encode({ header, members: result.map(memberMessage) }));
  }

  onFailed(error: EtcdError): void {
    fail(this.#call, error);
  }
}

function memberMessage(member: MemberInfo): Member {
  return createMember({
    id: member.id,
    name: member.name,
    peerUrls: [...member.peerUrls],
    clientUrls: [...member.clientUrls],
    isLearner: member.isLearner,
  });
}
