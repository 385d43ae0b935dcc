/**
 * The members of the cluster, and how they change.
 *
 * ```ts
 * const { id } = await client.cluster.add("http://etcd-4:2380", { isLearner: true });
 * // … start it, with the flags for a member that joins …
 * await client.cluster.promote(id);
 * ```
 */
import type { Cluster } from "../../client/cluster.ts";
import type { Member as WireMember } from "../../wire/gen/rpc.ts";
import type { CallBounds, Deadlines } from "../call-bounds.ts";

/** A member as the cluster knows it. */
export interface Member {
  /** 64 bits without sign; etcdctl shows it in hexadecimal. */
  readonly id: bigint;
  /** Empty until it has started for the first time. */
  readonly name: string;
  /** Where the other members reach it. */
  readonly peerUrls: readonly string[];
  /** Where it serves clients; none until it has started. */
  readonly clientUrls: readonly string[];
  /** Whether it has no vote. */
  readonly isLearner: boolean;
}

/** Every method throws `EtcdError`. */
export class MemberAdmin {
  readonly #cluster: Cluster;
  readonly #deadlines: Deadlines;

  /** Made by clients. @internal */
  constructor(cluster: Cluster, deadlines: Deadlines) {
    this.#cluster = cluster;
    this.#deadlines = deadlines;
  }

  /** The members as a quorum knows them. */
  async members(bounds?: CallBounds): Promise<readonly Member[]> {
    return (await this.#cluster.memberList(this.#deadlines.of(bounds))).members.map(memberOf);
  }

  /**
   * Adds a member, which is started afterwards: with a vote at once, or as a learner, which catches up first and is
   * promoted then.
   */
  async add(
    peerUrls: string | readonly string[],
    options: { readonly isLearner?: boolean | undefined } & CallBounds = {},
  ): Promise<Member> {
    const { isLearner = false } = options;
    const call = this.#deadlines.of(options);
    const { member } = await this.#cluster.memberAdd(listOf(peerUrls), isLearner, call);
    return memberOf(member ?? UNKNOWN_MEMBER);
  }

  /** Removes a member for good; it ends by itself. */
  async remove(id: bigint, bounds?: CallBounds): Promise<void> {
    await this.#cluster.memberRemove(id, this.#deadlines.of(bounds));
  }

  /** Gives a member other peer URLs. */
  async update(
    id: bigint,
    peerUrls: string | readonly string[],
    bounds?: CallBounds,
  ): Promise<void> {
    await this.#cluster.memberUpdate(id, listOf(peerUrls), this.#deadlines.of(bounds));
  }

  /** Gives a learner its vote. Throws `Errors.LearnerNotReady` while it has not caught up. */
  async promote(id: bigint, bounds?: CallBounds): Promise<void> {
    await this.#cluster.memberPromote(id, this.#deadlines.of(bounds));
  }
}

/** What is said of a member by a server that does not say which it added. */
const UNKNOWN_MEMBER: WireMember = {
  id: 0n,
  name: "",
  peerUrls: [],
  clientUrls: [],
  isLearner: false,
};

function memberOf({ id, name, peerUrls, clientUrls, isLearner }: WireMember): Member {
  return { id, name, peerUrls, clientUrls, isLearner };
}

function listOf(urls: string | readonly string[]): string[] {
  return typeof urls === "string" ? [urls] : [...urls];
}
