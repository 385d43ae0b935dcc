/** The members of the cluster. */
import type { MemberListResponse } from "../wire/gen/rpc.ts";
import { ClusterService } from "../wire/gen/services.ts";
import type { CallOptions } from "./call-options.ts";
import type { Channel } from "./channel.ts";

/** Every method throws `EtcdError`. */
export class Cluster {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** The members as a quorum knows them. */
  memberList(options?: CallOptions): Promise<MemberListResponse> {
    const request = { linearizable: true };
    return this.#channel.call(ClusterService.memberList, request, "repeatable", options);
  }
}
