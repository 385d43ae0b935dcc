/** What was seen of all endpoints, put together: who is a member, who answers, who leads. */
import type { Member } from "../../../wire/gen/rpc.ts";
import type { EndpointView } from "./endpoint-view.ts";

/** A member, and the endpoint by which it answered. */
export interface MemberView {
  readonly member: Member;
  readonly view: EndpointView | undefined;
}

export class ClusterView {
  readonly endpoints: readonly EndpointView[];
  /** By id; where nobody told who they are, those that answered. */
  readonly members: readonly MemberView[];
  /** When it was looked at, in milliseconds since 1970. */
  readonly atMs: number;

  constructor(endpoints: readonly EndpointView[], atMs: number) {
    this.endpoints = endpoints;
    this.atMs = atMs;
    const known = new Map<bigint, Member>();
    for (const { members } of endpoints) {
      for (const member of members?.members ?? []) known.set(member.id, member);
    }
    const listed = [...known.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    this.members = listed.map((member) => ({ member, view: this.#answerOf(member.id) }));
  }

  /** Endpoints that told their state. */
  get answering(): readonly EndpointView[] {
    return this.endpoints.filter(({ status }) => status !== undefined);
  }

  get voters(): readonly MemberView[] {
    return this.members.filter(({ member }) => !member.isLearner);
  }

  /** How many voters must answer for the cluster to work. */
  get quorum(): number {
    return Math.floor(this.voters.length / 2) + 1;
  }

  get votersAnswering(): number {
    return this.voters.filter(({ view }) => view !== undefined).length;
  }

  /** Whether somebody could read what a quorum confirmed. */
  get isReadable(): boolean {
    return this.endpoints.some(({ readMs }) => readMs !== undefined);
  }

  /** The member that most of those that answer take for the leader; 0 for none. */
  get leaderId(): bigint {
    const leaders = this.answering
      .map(({ status }) => status?.leader ?? 0n)
      .filter((id) => id > 0n);
    const votes = (id: bigint): number => leaders.filter((each) => each === id).length;
    return leaders.toSorted((a, b) => votes(b) - votes(a))[0] ?? 0n;
  }

  /** The newest of what members say of themselves. */
  newest(count: "raftIndex" | "raftTerm" | "revision"): number {
    const all = this.answering.map(({ status }) =>
      count === "revision" ? (status?.header?.revision ?? 0) : (status?.[count] ?? 0),
    );
    return Math.max(0, ...all);
  }

  /** A name for people: that of the member, and where it was reached. */
  nameOf(view: EndpointView): string {
    const found =
      this.members.find(({ view: own }) => own === view) ??
      this.members.find(({ member }) =>
        member.clientUrls.some((url) => isSamePlace(url, view.endpoint)),
      );
    const name = found?.member.name ?? "";
    return name === "" ? view.endpoint : `${name} (${view.endpoint})`;
  }

  memberName(id: bigint): string {
    const name = this.members.find(({ member }) => member.id === id)?.member.name ?? "";
    return name === "" ? id.toString(16) : `${name} (${id.toString(16)})`;
  }

  #answerOf(id: bigint): EndpointView | undefined {
    return this.endpoints.find(({ status }) => status?.header?.memberId === id);
  }
}

/** Whether two endpoints name the same host and port. */
export function isSamePlace(a: string, b: string): boolean {
  return placeOf(a) === placeOf(b);
}

/** An endpoint without its scheme. */
export function placeOf(endpoint: string): string {
  return endpoint.replace(/^https?:\/\//, "").replace(/\/$/, "");
}
