/** Members that keep the log right and are wrong to their clients. */
import { Errors } from "../../src/errors/table.ts";
import { Prng } from "../../src/stdx/prng.ts";
import type { WatchReceiver } from "../../src/mvcc/watch-stream.ts";
import type { Variant } from "../cluster/variant.ts";

/** Every read is answered from what is there. */
export const READS_WITHOUT_QUORUM: Variant = {
  opened: (opened) => {
    opened.member.whenReadable = (waiter) => waiter.onReadable();
    return opened;
  },
};

/** Who thinks that it leads answers reads without asking whether it still does. */
export const READS_OF_DEPOSED_LEADER: Variant = {
  opened: (opened) => {
    const { member } = opened;
    const whenReadable = member.whenReadable.bind(member);
    member.whenReadable = (waiter) => {
      if (member.isLeader()) waiter.onReadable();
      else whenReadable(waiter);
    };
    return opened;
  },
};

/** What an entry does depends on the time at which it is applied. */
export const STATE_DEPENDS_ON_TIME: Variant = {
  opened: (opened) => {
    const { applier } = opened.member;
    const apply = applier.apply.bind(applier);
    applier.apply = (entry, data, nowMs) => {
      if (Math.floor(nowMs / 3) % 50 !== 0) return apply(entry, data, nowMs);
      applier.skip(entry);
      return { id: 0n, result: Errors.Stopped, operation: undefined };
    };
    return opened;
  },
};

/** Users and roles change in memory alone. */
export const USERS_NOT_STORED: Variant = {
  opened: (opened) => {
    const { backend } = opened;
    const put = backend.put.bind(backend);
    backend.put = (bucket, key, value) => {
      if (!bucket.startsWith("auth")) put(bucket, key, value);
    };
    return opened;
  },
};

/** Keep-alives are answered and nothing is renewed. */
export const KEEP_ALIVES_FORGOTTEN: Variant = {
  opened: (opened) => {
    const { lessor } = opened.member.applier;
    lessor.renew = (id) => lessor.lease(id)?.ttlSeconds ?? 0;
    return opened;
  },
};

/** A new leader counts leases from when they were granted. */
export const LEASES_NOT_EXTENDED: Variant = {
  opened: (opened) => {
    const { lessor } = opened.member.applier;
    const granted = new Map<bigint, number>();
    const grant = lessor.grant.bind(lessor);
    lessor.grant = (id, ttlSeconds, nowMs) => {
      granted.set(id, nowMs);
      return grant(id, ttlSeconds, nowMs);
    };
    const promote = lessor.promote.bind(lessor);
    lessor.promote = (nowMs, extendMs) => {
      promote(nowMs, extendMs);
      for (const [id, atMs] of granted) lessor.renew(id, atMs);
    };
    return opened;
  },
};

/** A watch of the past begins one revision late. */
export const WATCHES_RESUME_LATE: Variant = {
  opened: (opened) => {
    const { watches } = opened;
    const create = watches.create.bind(watches);
    watches.create = (stream, request) => {
      const { startRevision } = request;
      const later = startRevision > 0 ? startRevision + 1 : startRevision;
      return create(stream, { ...request, startRevision: later });
    };
    return opened;
  },
};

/** Replaces what the streams of watchers get. */
function watching(change: (receiver: WatchReceiver) => Partial<WatchReceiver>): Variant {
  return {
    opened: (opened) => {
      const { watches } = opened;
      const open = watches.open.bind(watches);
      watches.open = (receiver, connection, intervalMs) => {
        const bound: WatchReceiver = {
          onEvents: (id, fragment, batch) => receiver.onEvents(id, fragment, batch),
          onCompacted: (id, revision) => receiver.onCompacted(id, revision),
          onProgress: (id, revision) => receiver.onProgress(id, revision),
          onStreamProgress: (revision) => receiver.onStreamProgress(revision),
        };
        return open({ ...bound, ...change(bound) }, connection, intervalMs);
      };
      return opened;
    },
  };
}

/** One response in ten is lost on the way. */
export const WATCHES_LOSE_RESPONSES: Variant = watching((receiver) => {
  const random = new Prng(1);
  return {
    onEvents: (id, fragment, batch) =>
      random.below(10) === 0 || receiver.onEvents(id, fragment, batch),
  };
});

/** Notifications of progress promise more than was shown. */
export const PROGRESS_AHEAD: Variant = watching((receiver) => ({
  onStreamProgress: (revision) => receiver.onStreamProgress(revision + 1),
}));
