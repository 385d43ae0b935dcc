/**
 * What a member tells the cluster once it runs: its name and client URLs. Until that is applied here, through
 * whoever leads, the member does not serve. Proposed as etcd 3.5 does, as a write of the v2 API.
 *
 * Source: etcd server/etcdserver/server.go (publish) (3.5).
 */
import { attributesPathOf } from "../apply/cluster-operations.ts";
import { Errors } from "../errors/table.ts";
import type { Member } from "../member/member.ts";
import { type Attributes, encodeAttributes, formatId } from "../membership/member-info.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { goDurationOfMs } from "../stdx/go-duration.ts";
import { PUBLISH_PAUSE_MS } from "./limits.ts";
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

/** Publishes the member's attributes; tries again until it is applied or the member stops. */
export function publishAttributes(publication: Publication, done: () => void): void {
  const { member, attributes, clock, log, timeoutMs, poke } = publication;
  const path = attributesPathOf(formatId(member.id));
  const fields = {
    "local-member-id": formatId(member.id),
    "local-member-attributes": goText(attributes),
    "request-path": path,
    "cluster-id": formatId(member.applier.cluster.id),
    "publish-timeout": goDurationOfMs(timeoutMs),
  };
  proposeV2Put(member, path, encodeAttributes(attributes), (failure) => {
    if (failure === undefined) {
      log.info("published local member to cluster through raft", fields);
      done();
      return;
    }
    const error = failure.message;
    if (failure === Errors.Stopped) {
      log.warn("stopped publish because server is stopped", { ...fields, error });
      return;
    }
    log.warn("failed to publish local member to cluster through raft", { ...fields, error });
    // What is refused at once, as while much is left to apply, would be refused at once again.
    clock.after(PUBLISH_PAUSE_MS, () => publishAttributes(publication, done));
  });
  poke();
}

/** Attributes as Go prints them with %+v. */
function goText({ name, clientUrls }: Attributes): string {
  return `{Name:${name} ClientURLs:[${clientUrls.join(" ")}]}`;
}
