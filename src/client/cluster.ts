/** The members of the cluster, and how they change. */
import type {
  MemberAddResponse,
  MemberListResponse,
  MemberPromoteResponse,
  MemberRemoveResponse,
  MemberUpdateResponse,
} from "../wire/gen/rpc.ts";
import { ClusterService } from "../wire/gen/services.ts";
import type { CallOptions } from "./call-options.ts";
import type { Channel } from "./channel.ts";

/** Every method throws `EtcdError`. */
export class Cluster {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** The members as a quorum knows them; with `linearizable` false as whichever member is asked knows them. */
  memberList(options?: CallOptions, linearizable = true): Promise<MemberListResponse> {
    const request = { linearizable };
    return this.#channel.call(ClusterService.memberList, request, "repeatable", options);
  }

  /** Adds a member, which is started afterwards; a learner has no vote until it is promoted. */
  memberAdd(
    peerUrls: string[],
    isLearner: boolean,
    options?: CallOptions,
  ): Promise<MemberAddResponse> {
    const request = { peerUrls, isLearner };
    return this.#channel.call(ClusterService.memberAdd, request, "once", options);
  }

  /** Removes a member for good. */
  memberRemove(id: bigint, options?: CallOptions): Promise<MemberRemoveResponse> {
    return this.#channel.call(ClusterService.memberRemove, { id }, "once", options);
  }

  /** Gives a member other peer URLs. */
  memberUpdate(
    id: bigint,
    peerUrls: string[],
    options?: CallOptions,
  ): Promise<MemberUpdateResponse> {
    return this.#channel.call(ClusterService.memberUpdate, { id, peerUrls }, "once", options);
  }

  /** Makes a voter of a learner that has caught up. */
  memberPromote(id: bigint, options?: CallOptions): Promise<MemberPromoteResponse> {
    return this.#channel.call(ClusterService.memberPromote, { id }, "once", options);
  }
}
