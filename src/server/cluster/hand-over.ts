/**
 * Giving leadership away: to the voter that has been reachable for the longest time, when this member stops or
 * its disk does not keep up.
 *
 * Source: etcd server/etcdserver/server.go (TransferLeadership, MoveLeader), cluster_util.go
 * (longestConnected) (3.5).
 */
import type { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import type { Member } from "../../member/member.ts";
import { formatId } from "../../membership/member-info.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";

export interface HandOverParts {
  readonly member: Member;
  /** Since when a member answers; see `Transport`. */
  readonly activeSinceMs: (id: bigint) => number | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Called after the member was given something. */
  readonly poke: () => void;
}

/**
 * Hands leadership over; in later attempts to the next ones in line. `done` is called once, maybe before this returns: without an error when another
 * member leads or this one need not, because it does not lead or is the only voter. Errors:
 * UnhealthyCluster when nobody can be reached, TransferTimeout, Stopped.
 */
export function handOverLeadership(
  parts: HandOverParts,
  done: (failure: EtcdError | undefined) => void,
  attempt = 0,
): void {
  const { member, clock, log, poke } = parts;
  const { leader } = member.status();
  const local = { "local-member-id": formatId(member.id) };
  const fields = { ...local, "current-leader-member-id": formatId(leader) };
  if (leader !== member.id) {
    log.info("skipped leadership transfer; local server is not leader", fields);
    done(undefined);
    return;
  }
  const members = member.applier.cluster.members();
  const voters = members.filter(({ id, isLearner }) => id !== member.id && !isLearner);
  if (voters.length === 0) {
    log.info("skipped leadership transfer for single voting member cluster", fields);
    done(undefined);
    return;
  }
  const finish = (failure: EtcdError | undefined): void => {
    if (failure !== undefined) {
      log.warn("leadership transfer failed", { ...local, error: failure.message });
    }
    done(failure);
  };
  const target = longestActive(parts, voters, attempt);
  if (target === undefined) {
    finish(Errors.UnhealthyCluster);
    return;
  }
  const startMs = clock.nowMs();
  log.info("leadership transfer starting", {
    ...fields,
    "transferee-member-id": formatId(target),
  });
  member.moveLeader(target, (failure) => {
    if (failure === undefined) {
      log.info("leadership transfer finished", {
        ...local,
        "old-leader-member-id": formatId(member.id),
        "new-leader-member-id": formatId(target),
        took: goDurationOfMs(clock.nowMs() - startMs),
      });
    }
    finish(failure);
  });
  poke();
}

/** Who has answered for the longest time, or in a later attempt the next ones after it in turn. */
function longestActive(
  { activeSinceMs }: HandOverParts,
  voters: readonly { readonly id: bigint }[],
  attempt: number,
): bigint | undefined {
  const active: { readonly id: bigint; readonly sinceMs: number }[] = [];
  for (const { id } of voters) {
    const sinceMs = activeSinceMs(id);
    if (sinceMs !== undefined) active.push({ id, sinceMs });
  }
  active.sort((a, b) => a.sinceMs - b.sinceMs);
  return active.length === 0 ? undefined : active[attempt % active.length].id;
}
