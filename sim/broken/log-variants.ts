/** Members that are wrong about what is durable. */
import type { OpenedMember } from "../../src/server/start/bootstrap.ts";
import type { WalBatch } from "../../src/wal/types.ts";
import type { Variant } from "../cluster/variant.ts";

/** Replaces what is written to the log. */
function writing(change: (batch: WalBatch) => WalBatch): Variant {
  return {
    opened: (opened) => {
      const { wal } = opened;
      const append = wal.append.bind(wal);
      wal.append = (batch, done) => append(change(batch), done);
      return opened;
    },
  };
}

export const VOTE_NOT_WRITTEN: Variant = writing((batch) =>
  batch.hardState === undefined ? batch : { ...batch, hardState: { ...batch.hardState, vote: 0n } },
);

export const TERM_NOT_WRITTEN: Variant = writing((batch) =>
  batch.entries.length > 0 ? batch : { ...batch, hardState: undefined },
);

/** What is told to replace the end of the log is left out. */
export const TRUNCATION_LOST: Variant = {
  opened: (opened) => {
    const { wal } = opened;
    const append = wal.append.bind(wal);
    let lastIndex = 0;
    wal.append = (batch, done) => {
      const entries = batch.entries.filter(({ index }) => index > lastIndex);
      lastIndex = Math.max(lastIndex, entries.at(-1)?.index ?? 0);
      append({ ...batch, entries }, done);
    };
    return opened;
  },
};

export const SNAPSHOT_NOT_RECORDED: Variant = writing((batch) => ({
  ...batch,
  snapshot: undefined,
}));

/** Says that a write is durable when it was only begun. */
export const DURABLE_TOO_EARLY: Variant = {
  opened: (opened, environment) => {
    const { wal } = opened;
    const append = wal.append.bind(wal);
    wal.append = (batch, done) => {
      append(batch, () => {});
      environment.clock.defer(() => done(undefined));
    };
    return opened;
  },
};

/** Answers of a follower that should wait for its disk are sent at once. */
export const ANSWERS_BEFORE_WRITING: Variant = {
  opened: (opened) => {
    const { member } = opened;
    const takeReady = member.takeReady.bind(member);
    member.takeReady = () => {
      const ready = takeReady();
      if (ready?.append === undefined) return ready;
      const early = ready.append.responses.filter(({ to }) => to !== member.id);
      const later = ready.append.responses.filter(({ to }) => to === member.id);
      return {
        ...ready,
        messages: [...ready.messages, ...early],
        append: { ...ready.append, responses: later },
      };
    };
    return opened;
  },
};

/** The database says that it holds less than it does. */
export const CONSISTENT_INDEX_BEHIND: Variant = {
  opened: (opened: OpenedMember) => {
    const { backend } = opened;
    const commit = backend.commit.bind(backend);
    let before = backend.position();
    backend.commit = (position, done) => {
      commit(before, done);
      before = position;
    };
    return opened;
  },
};
