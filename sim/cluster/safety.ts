/**
 * What must hold in a cluster at every moment, whatever happens to it, checked when it happens. It looks at
 * what members hand out (messages, appends, applied entries), never into Raft, and is given nothing but
 * what every member says and does:
 *
 * 1. One leader a term, and one vote a term for each member, over all its lives (thesis 3.4, 3.6).
 * 2. Log matching: an entry is known by index and term; it has one content and one predecessor (3.5). That
 *    makes whole logs equal, by induction.
 * 3. Leader completeness: what a leader begins with holds everything committed in earlier terms (3.6.3).
 * 4. State machine safety: at each index all members apply the same entry, without gaps; and what it gives
 *    (the answer, the revision) is the same for all.
 * 5. What is applied anywhere is durable on a quorum.
 * 6. A leader commits by counting only entries of its own term (3.6.2).
 *
 * Source: Ongaro, "Consensus: Bridging Theory and Practice" (2014), figure 3.2.
 */
import type { Applier } from "../../src/apply/applier.ts";
import { EtcdError } from "../../src/errors/etcd-error.ts";
import type { Member } from "../../src/member/member.ts";
import { describeConfState } from "../../src/raft/describe.ts";
import { NONE } from "../../src/raft/node-id.ts";
import {
  ConfChangeType,
  type Entry,
  type HardState,
  type Message,
  MessageType,
} from "../../src/wire/gen/raft.ts";
import type { DurableLog } from "./durable-log.ts";
import { Violation } from "./violation.ts";

interface KnownEntry {
  readonly hash: number;
  /** The term of the entry before; `undefined` until a leader has said it. */
  previousTerm: number | undefined;
}

interface Committed {
  readonly term: number;
  readonly hash: number;
  /** What applying gave, on the first member that did. */
  outcome: string | undefined;
}

interface Vote {
  readonly term: number;
  readonly vote: bigint;
}

/** More terms than this do not fit beside an index in one number. */
const TERM_STEP = 2 ** 32;

export class Safety {
  readonly #leaders = new Map<number, string>();
  /** By term: what its leader knew to be committed when it began. */
  readonly #inheritedCommits = new Map<number, number>();
  readonly #checkedLeaders = new Set<number>();
  readonly #votes = new Map<string, bigint>();
  readonly #lastVotes = new Map<bigint, Vote>();
  readonly #entries = new Map<number, KnownEntry>();
  /** By index. */
  readonly #committed: Committed[] = [];
  /** Terms of durable entries, by member and index. */
  readonly #durable = new Map<bigint, number[]>();
  readonly #damaged = new Set<bigint>();
  readonly #foundingEntries: number;
  #appliedMax = 0;
  /** Voters of the newest configuration that anybody applied, and of the one before. */
  #voters: readonly bigint[] = [];
  #votersBefore: readonly bigint[] = [];
  #votersIndex = 0;
  /** Over everything applied, in order: two runs of a seed are the same when it is. */
  #digest = 0;

  /** The first entries, up to this index, are on every founding member from the start. */
  constructor(foundingEntries: number) {
    this.#foundingEntries = foundingEntries;
  }

  get digest(): number {
    return this.#digest >>> 0;
  }

  /** Members that a committed entry has removed. */
  readonly removedIds = new Set<bigint>();
  /** Changes of the configuration, as whoever applied them first saw them. */
  confChanges = 0;

  /** Terms with a leader. */
  get elections(): number {
    return this.#leaders.size;
  }

  get appliedMax(): number {
    return this.#appliedMax;
  }

  /** Looks at what `member` does from now on. */
  attach(name: string, member: Member): void {
    const takeReady = member.takeReady.bind(member);
    member.takeReady = () => {
      const ready = takeReady();
      if (member.isLeader()) this.#commits(name, member);
      if (ready === undefined) return ready;
      for (const message of ready.messages) this.#sent(name, message);
      for (const entry of ready.append?.entries ?? []) this.#know(entry);
      return ready;
    };
    const appended = member.appended.bind(member);
    member.appended = (append) => {
      const remote = appended(append);
      this.#stored(member.id, append);
      for (const message of remote) this.#sent(name, message);
      return remote;
    };
    const apply = member.apply.bind(member);
    member.apply = (committed, nowMs) => {
      for (const entry of committed.entries) this.#commit(name, entry);
      return apply(committed, nowMs);
    };
    this.#attachApplier(name, member.applier);
    const install = member.install.bind(member);
    member.install = (snapshot, applier) => {
      install(snapshot, applier);
      this.#attachApplier(name, applier);
    };
  }

  #attachApplier(name: string, applier: Applier): void {
    const applyEntry = applier.apply.bind(applier);
    applier.apply = (entry, data, nowMs) => {
      // What the backend held already is only passed over.
      const isNew = entry.index > applier.position().index;
      const applied = applyEntry(entry, data, nowMs);
      if (!isNew) return applied;
      const { result } = applied;
      const text = result instanceof EtcdError ? result.message : "done";
      this.#applied(name, entry.index, `${text} at revision ${applier.store.revision}`);
      return applied;
    };
    const applyConfChange = applier.applyConfChange.bind(applier);
    applier.applyConfChange = (entry, change, confState) => {
      this.#configured(entry.index, confState.voters);
      if (change.type === ConfChangeType.ConfChangeRemoveNode) this.removedIds.add(change.nodeId);
      this.#applied(name, entry.index, describeConfState(confState));
      return applyConfChange(entry, change, confState);
    };
  }

  /** The configuration after `index` was applied on some member. */
  #configured(index: number, voters: readonly bigint[]): void {
    if (index <= this.#votersIndex) return;
    this.#votersIndex = index;
    this.confChanges++;
    this.#votersBefore = this.#voters;
    this.#voters = voters;
  }

  /** The files of a member were damaged: what it called durable may be gone at any start from now on. */
  damaged(memberId: bigint): void {
    this.#damaged.add(memberId);
  }

  /** A member is about to start on this log: all that it ever called durable must be there. */
  restarts(name: string, { memberId, start, content }: DurableLog): void {
    if (this.#damaged.has(memberId)) return;
    const terms = this.#durableOf(memberId);
    const { entries, hardState } = content;
    for (let index = start.index + 1; index < terms.length; index++) {
      const found = entries[index - start.index - 1]?.term;
      if (terms[index] === undefined || found === terms[index]) continue;
      // A later term may have replaced it and what followed, which was on its way when the member died.
      if (found !== undefined && found > terms[index]) break;
      throw new Violation(
        "durable is durable",
        `the log of ${name} has lost entry ${index} of term ${terms[index]}`,
      );
    }
    const vote = this.#lastVotes.get(memberId);
    if (vote !== undefined && !keepsVote(hardState, vote)) {
      throw new Violation(
        "durable is durable",
        `the log of ${name} has lost its vote in term ${vote.term}: it is at term ${hardState.term}`,
      );
    }
    terms.length = Math.min(terms.length, start.index + entries.length + 1);
    if (start.index > 0) terms[start.index] = start.term;
    for (const entry of entries) {
      this.#know(entry);
      terms[entry.index] = entry.term;
    }
  }

  /**
   * A member has begun anew: nothing that it had counts any more. Its term is above those of all others, so the
   * only vote it may have given there is the one for itself, which nobody has answered.
   */
  beginsAnew(memberId: bigint): void {
    this.#durable.set(memberId, []);
    const last = this.#lastVotes.get(memberId);
    this.#lastVotes.delete(memberId);
    if (last?.vote === memberId) this.#votes.delete(`${memberId} ${last.term}`);
  }

  #durableOf(id: bigint): number[] {
    let terms = this.#durable.get(id);
    if (terms === undefined) {
      terms = [];
      this.#durable.set(id, terms);
    }
    return terms;
  }

  /** A leader knows of a commit index. */
  #commits(name: string, member: Member): void {
    const { term, committedIndex } = member.status();
    this.#leads(name, term);
    const inherited = this.#inheritedCommits.get(term);
    if (inherited === undefined) this.#inheritedCommits.set(term, committedIndex);
    else if (committedIndex > inherited && !this.#entries.has(keyOf(committedIndex, term))) {
      throw new Violation(
        "commits its own term",
        `${name} leads in term ${term} and commits up to ${committedIndex}, an entry of an earlier term`,
      );
    }
  }

  #leads(name: string, term: number): void {
    const known = this.#leaders.get(term);
    if (known === undefined) this.#leaders.set(term, name);
    else if (known !== name) {
      throw new Violation("one leader a term", `${known} and ${name} both lead in term ${term}`);
    }
  }

  #sent(name: string, message: Message): void {
    switch (message.type) {
      case MessageType.MsgApp:
        this.#leads(name, message.term);
        this.#appends(name, message);
        break;
      case MessageType.MsgHeartbeat:
      case MessageType.MsgSnap:
      case MessageType.MsgTimeoutNow:
        this.#leads(name, message.term);
        break;
      case MessageType.MsgVoteResp:
        if (!message.reject) this.#voted(message.from, message.term, message.to);
        break;
      default:
    }
  }

  #voted(voter: bigint, term: number, candidate: bigint): void {
    const last = this.#lastVotes.get(voter);
    if (last === undefined || last.term < term) {
      this.#lastVotes.set(voter, { term, vote: candidate });
    }
    const key = `${voter} ${term}`;
    const known = this.#votes.get(key);
    if (known === undefined) this.#votes.set(key, candidate);
    else if (known !== candidate) {
      const [from, a, b] = [voter, known, candidate].map((id) => id.toString(16));
      throw new Violation("one vote a term", `${from} votes for ${a} and ${b} in term ${term}`);
    }
  }

  /** A leader says which entry follows which. */
  #appends(name: string, { term, index, logTerm, entries }: Message): void {
    let previousTerm = logTerm;
    for (const entry of entries) {
      const known = this.#know(entry);
      known.previousTerm ??= previousTerm;
      if (known.previousTerm !== previousTerm) {
        throw new Violation(
          "log matching",
          `entry ${entry.index} of term ${entry.term} follows terms ${known.previousTerm} and ${previousTerm}`,
        );
      }
      previousTerm = entry.term;
    }
    if (this.#checkedLeaders.has(term)) return;
    this.#checkedLeaders.add(term);
    this.#checkCompleteness(name, term, index, logTerm);
  }

  /** A leader of `term` begins with a log that ends at `lastIndex` with an entry of `lastTerm`. */
  #checkCompleteness(name: string, term: number, lastIndex: number, lastTerm: number): void {
    let index = this.#committed.length - 1;
    while (index > 0 && (this.#committed[index]?.term ?? term) >= term) index--;
    const committed = this.#committed[index];
    if (index <= 0 || committed === undefined) return;
    let at = lastIndex;
    let atTerm: number | undefined = lastTerm;
    while (at > index && atTerm !== undefined) {
      atTerm = this.#entries.get(keyOf(at, atTerm))?.previousTerm;
      at--;
    }
    if (at < index || (atTerm !== undefined && atTerm !== committed.term)) {
      throw new Violation(
        "leader completeness",
        `${name} leads in term ${term} with a log up to ${lastIndex} (term ${lastTerm}), without the ` +
          `committed entry ${index} of term ${committed.term}`,
      );
    }
  }

  #know(entry: Entry): KnownEntry {
    const key = keyOf(entry.index, entry.term);
    const hash = hashOf(entry);
    let known = this.#entries.get(key);
    if (known === undefined) {
      known = { hash, previousTerm: undefined };
      this.#entries.set(key, known);
    } else if (known.hash !== hash) {
      throw new Violation(
        "log matching",
        `there are two entries ${entry.index} of term ${entry.term}`,
      );
    }
    return known;
  }

  /** A member says that this is durable. */
  #stored(id: bigint, { entries, snapshot, term, vote }: Message): void {
    const terms = this.#durableOf(id);
    if (term > 0 && vote !== undefined && vote !== NONE) this.#voted(id, term, vote);
    if (snapshot !== undefined) {
      const { index } = snapshot.metadata;
      this.#configured(index, snapshot.metadata.confState.voters);
      for (let at = 1; at <= index; at++) terms[at] = this.#committed[at]?.term ?? terms[at];
    }
    if (entries.length === 0) return;
    terms.length = Math.min(terms.length, entries[0].index);
    for (const entry of entries) terms[entry.index] = entry.term;
  }

  #commit(name: string, entry: Entry): void {
    const { index, term } = entry;
    const hash = hashOf(entry);
    const known = this.#committed[index];
    if (known === undefined) {
      this.#committed[index] = { term, hash, outcome: undefined };
      this.#appliedMax = Math.max(this.#appliedMax, index);
      this.#digest = (Math.imul(this.#digest, 31) + hash + index) | 0;
      this.#checkQuorum(index, term);
    } else if (known.term !== term || known.hash !== hash) {
      throw new Violation(
        "state machine safety",
        `${name} applies at ${index} an entry of term ${term}, others applied one of term ${known.term}`,
      );
    }
  }

  /** The leader may count by the configuration before the last change: it takes effect when it is applied. */
  #checkQuorum(index: number, term: number): void {
    if (index <= this.#foundingEntries || this.#voters.length === 0) return;
    if (this.#isDurable(this.#voters, index, term)) return;
    if (this.#votersBefore.length > 0 && this.#isDurable(this.#votersBefore, index, term)) return;
    throw new Violation(
      "durable on a quorum",
      `entry ${index} of term ${term} is applied and is not`,
    );
  }

  #isDurable(voters: readonly bigint[], index: number, term: number): boolean {
    const having = voters.filter((id) => this.#durable.get(id)?.[index] === term);
    return having.length > voters.length / 2;
  }

  #applied(name: string, index: number, outcome: string): void {
    const committed = this.#committed[index];
    if (committed === undefined) throw new Violation("apply", `${name} applies ${index} unasked`);
    committed.outcome ??= outcome;
    if (committed.outcome !== outcome) {
      throw new Violation(
        "same outcome",
        `applying ${index} gives "${outcome}" on ${name}, and gave "${committed.outcome}" elsewhere`,
      );
    }
  }
}

function keepsVote(state: HardState, { term, vote }: Vote): boolean {
  return state.term > term || (state.term === term && state.vote === vote);
}

function keyOf(index: number, term: number): number {
  return term * TERM_STEP + index;
}

/** FNV-1a over the data, with the type. */
function hashOf({ data, type }: Entry): number {
  let hash = 0x811c9dc5 ^ type;
  if (data !== undefined) {
    for (let at = 0; at < data.length; at++) hash = Math.imul(hash ^ data[at], 0x01000193);
  }
  return hash >>> 0;
}
