/**
 * What a member tells the cluster once it runs: its name and client URLs. Until that is applied here, through
 * whoever leads, the member does not serve. Proposed as etcd 3.5 does, as a write of the v2 API.
 *
 * Source: etcd server/etcdserver/server.go (publish) (3.5).
 */
import { attributesPathOf } from "../../apply/cluster-operations.ts";
import type { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import type { Member } from "../../member/member.ts";
import { type Attributes, encodeAttributes, formatId } from "../../membership/member-info.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log, LogFields } from "../../ports/log.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import { PUBLISH_PAUSE_MS } from "../limits.ts";
import { proposeV2Put } from "./v2-proposal.ts";

export interface Publication {
  readonly member: Member;
  readonly attributes: Attributes;
  readonly clock: Clock;
  readonly log: Log;
  /** How long one attempt may take. Told in the log. */
  readonly timeoutMs: number;
  /** Called after the member was given a proposal. */
  readonly poke: () => void;
}

/** Publishes the member's attributes; tries again until that is applied or the member stops. */
export class Publisher {
  readonly #publication: Publication;
  readonly #fields: LogFields;
  #done: () => void = () => undefined;
  #isPublished = false;

  constructor(publication: Publication) {
    this.#publication = publication;
    const { member, attributes, timeoutMs } = publication;
    this.#fields = {
      "local-member-id": formatId(member.id),
      "local-member-attributes": goText(attributes),
      "request-path": attributesPathOf(formatId(member.id)),
      "cluster-id": formatId(member.applier.cluster.id),
      "publish-timeout": goDurationOfMs(timeoutMs),
    };
  }

  /** Begins; `done` is called once. */
  start(done: () => void): void {
    this.#done = done;
    this.#attempt();
  }

  /**
   * The state came from a snapshot of the leader. Differs from etcd: what was published may be part of it, and
   * is then never applied here on its own; etcd waits for that until the attempt times out, seven seconds in
   * which a member that has caught up does not serve.
   */
  onSnapshot(): void {
    const { member, attributes } = this.#publication;
    const own = member.applier.cluster.member(member.id);
    if (own !== undefined && goText(own) === goText(attributes)) this.#published();
  }

  #attempt(): void {
    const { member, attributes, poke } = this.#publication;
    const path = attributesPathOf(formatId(member.id));
    proposeV2Put(member, path, encodeAttributes(attributes), (failure) => {
      if (this.#isPublished) return;
      if (failure === undefined) this.#published();
      else this.#failed(failure);
    });
    poke();
  }

  #published(): void {
    if (this.#isPublished) return;
    this.#isPublished = true;
    this.#publication.log.info("published local member to cluster through raft", this.#fields);
    this.#done();
  }

  #failed(failure: EtcdError): void {
    const { log, clock } = this.#publication;
    const fields = { ...this.#fields, error: failure.message };
    if (failure === Errors.Stopped) {
      log.warn("stopped publish because server is stopped", fields);
      return;
    }
    log.warn("failed to publish local member to cluster through raft", fields);
    // What is refused at once, as while much is left to apply, would be refused at once again.
    clock.after(PUBLISH_PAUSE_MS, () => {
      if (!this.#isPublished) this.#attempt();
    });
  }
}

/** Attributes as Go prints them with %+v. */
function goText({ name, clientUrls }: Attributes): string {
  return `{Name:${name} ClientURLs:[${clientUrls.join(" ")}]}`;
}
