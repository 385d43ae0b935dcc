/** Members that break rules of Raft. */
import { RaftLog } from "../../src/raft/log.ts";
import type { Member } from "../../src/member/member.ts";
import { EntryType, type Message, MessageType } from "../../src/wire/gen/raft.ts";
import type { Variant } from "../cluster/variant.ts";

/** Replaces what a member is told. */
function hearing(change: (message: Message) => Message | readonly Message[]): Variant {
  return {
    opened: (opened) => {
      const { member } = opened;
      const step = member.step.bind(member);
      member.step = (message) => {
        const changed = change(message);
        if (Array.isArray(changed)) for (const each of changed as Message[]) step(each);
        else step(changed as Message);
      };
      return opened;
    },
  };
}

/** Replaces what a member says to others. */
function saying(change: (message: Message, member: Member) => Message): Variant {
  return {
    opened: (opened) => {
      const { member } = opened;
      const takeReady = member.takeReady.bind(member);
      member.takeReady = () => {
        const ready = takeReady();
        if (ready === undefined) return ready;
        return { ...ready, messages: ready.messages.map((message) => change(message, member)) };
      };
      const appended = member.appended.bind(member);
      member.appended = (append) => appended(append).map((message) => change(message, member));
      return opened;
    },
  };
}

function isVoteRequest({ type }: Message): boolean {
  return type === MessageType.MsgVote || type === MessageType.MsgPreVote;
}

/** Whoever asks seems to have the newest log. */
export const VOTES_WITHOUT_LOG_CHECK: Variant = hearing((message) =>
  isVoteRequest(message) ? { ...message, logTerm: 2 ** 31, index: 2 ** 31 } : message,
);

/** Every vote is given. */
export const VOTES_FOR_ALL: Variant = saying((message) =>
  message.type === MessageType.MsgVoteResp ? { ...message, reject: false } : message,
);

function committedAtOnce(message: Message): Message {
  return { ...message, commit: message.index + message.entries.length };
}

/** A follower takes for committed what it is only given. */
export const COMMITS_WHAT_IT_GETS: Variant = hearing((message) =>
  message.type === MessageType.MsgApp && message.entries.length > 0
    ? committedAtOnce(message)
    : message,
);

/** A follower takes changes of the membership for committed when it is given them. */
export const CONF_CHANGE_TOO_EARLY: Variant = hearing((message) =>
  message.type === MessageType.MsgApp && message.entries.at(-1)?.type === EntryType.EntryConfChange
    ? committedAtOnce(message)
    : message,
);

/** Heartbeats say what is committed, also to those that do not have it. */
export const HEARTBEATS_COMMIT_TOO_MUCH: Variant = saying((message, member) =>
  message.type === MessageType.MsgHeartbeat
    ? { ...message, commit: member.status().committedIndex }
    : message,
);

/** A proposal that was sent here by another member is taken twice. */
export const PROPOSALS_TWICE: Variant = hearing((message) =>
  message.type === MessageType.MsgProp ? [message, { ...message }] : message,
);

/** A leader counts itself before its own write is done. */
export const LEADER_COUNTS_ITSELF_EARLY: Variant = {
  opened: (opened) => {
    const { member } = opened;
    const takeReady = member.takeReady.bind(member);
    member.takeReady = () => {
      const ready = takeReady();
      for (const response of ready?.append?.responses ?? []) {
        if (response.type === MessageType.MsgAppResp && response.to === member.id) {
          member.step(response);
        }
      }
      return ready;
    };
    return opened;
  },
};

/**
 * Entries of earlier terms are committed by counting (figure 8). A message holds one entry, or followers would
 * always have one of the leader's own term as well when they answer. Returns how to undo it.
 */
export function commitOldTerms(): () => void {
  const log: object = RaftLog.prototype;
  const maybeCommit = Reflect.get(log, "maybeCommit") as RaftLog["maybeCommit"];
  const entriesFrom = Reflect.get(log, "entriesFrom") as RaftLog["entriesFrom"];
  Object.assign(log, {
    entriesFrom(this: RaftLog, from: number) {
      return entriesFrom.call(this, from, 0);
    },
    maybeCommit(this: RaftLog, index: number, term: number) {
      return maybeCommit.call(this, index, this.termOrZero(index) || term);
    },
  });
  return () => {
    Object.assign(log, { maybeCommit, entriesFrom });
  };
}
