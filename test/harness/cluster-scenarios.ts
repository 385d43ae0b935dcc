/**
 * What clients of a cluster of three meet, as scenarios that tell every answer as a line of text. Two clusters
 * of different programs have to tell the same.
 */
import type { StatusResponse } from "../../src/wire/gen/rpc.ts";
import { AlarmAction, AlarmType } from "../../src/wire/gen/rpc.ts";
import {
  ClusterService,
  KVService,
  LeaseService,
  MaintenanceService,
  WatchService,
} from "../../src/wire/gen/services.ts";
import { bytesFromUtf8, utf8FromBytes } from "../../src/stdx/bytes.ts";
import type { ClusterMember } from "./cluster-member.ts";
import type { EtcdCluster } from "./etcd-cluster.ts";
import { MemberQuestions, withoutDelay } from "./member-questions.ts";
import { sleep } from "./sleep.ts";

/** Every answer by the name of its question. */
export type Told = Record<string, string>;

const LEASE = 77n;
const KEY = bytesFromUtf8("key");
const VALUE = bytesFromUtf8("value");

/** Requests by name; where one names a lease, it is that of the scenario. */
type Questions = Record<string, (member: MemberQuestions) => Promise<string>>;

const put =
  (key = "key") =>
  (member: MemberQuestions) =>
    member.ask(KVService.put, { key: bytesFromUtf8(key), value: VALUE });

const range =
  (serializable: boolean, strict = false) =>
  (member: MemberQuestions) =>
    member.ask(
      KVService.range,
      { key: KEY, serializable },
      ({ kvs }) => kvs.map(({ value }) => utf8FromBytes(value)),
      strict,
    );

const readOnlyTxn = (serializable: boolean) => (member: MemberQuestions) => {
  const value = { ...KVService.range.request.create({ key: KEY, serializable }) };
  return member.ask(
    KVService.txn,
    { success: [{ request: { case: "requestRange", value } }] },
    ({ responses }) => responses.length,
  );
};

const timeToLive =
  (id = LEASE) =>
  (member: MemberQuestions) =>
    member.ask(LeaseService.leaseTimeToLive, { id, keys: true }, ({ ttl, grantedTtl, keys }) => ({
      left: ttl > 0,
      missing: ttl === -1,
      grantedTtl,
      keys: keys.length,
    }));

const keepAlive =
  (id = LEASE) =>
  async (member: MemberQuestions) => {
    const talk = member.talk(LeaseService.leaseKeepAlive, { id });
    await talk.until(1);
    talk.cancel();
    const [answer] = talk.answers;
    return answer === undefined ? (talk.ended() ?? "") : `OK ${answer.ttl}`;
  };

const status = (member: MemberQuestions) =>
  member.ask(MaintenanceService.status, {}, ({ leader, isLearner, errors }) => ({
    hasLeader: leader !== 0n,
    isLearner,
    errors,
  }));

const snapshot = async (member: MemberQuestions) => {
  const talk = member.talk(MaintenanceService.snapshot, {});
  talk.halfClose();
  await talk.until(Number.POSITIVE_INFINITY);
  return `${talk.ended()}, ${talk.answers.length > 0 ? "with" : "without"} data`;
};

const watchFrom = (strict: boolean) => async (member: MemberQuestions) => {
  const value = { ...NO_CREATE, key: KEY, startRevision: 1 };
  const request = { requestUnion: { case: "createRequest", value } } as const;
  const talk = member.talk(WatchService.watch, request, strict);
  await talk.until(2);
  talk.cancel();
  return talk.answers.length === 0 ? (talk.ended() ?? "") : `OK ${talk.answers.length}`;
};

const NO_CREATE = {
  rangeEnd: new Uint8Array(),
  startRevision: 0,
  progressNotify: false,
  filters: [],
  prevKv: false,
  watchId: 0n,
  fragment: false,
};

/** What does not need a leader, or says so at once that it does. */
const AT_ONCE: Questions = {
  "serializable range": range(true),
  "serializable transaction": readOnlyTxn(true),
  "serializable range that requires a leader": range(true, true),
  "put that requires a leader": (member) => member.ask(KVService.put, { key: KEY }, () => "", true),
  "watch of the past": watchFrom(false),
  "watch that requires a leader": watchFrom(true),
  status,
  health: (member) => member.get("/health"),
  "local health": (member) => member.get("/health?serializable=true"),
  liveness: (member) => member.get("/livez?verbose"),
  "local readiness": (member) => member.get("/readyz/data_corruption?verbose"),
  "list of members": (member) =>
    member.ask(ClusterService.memberList, {}, ({ members }) => members.length),
  "list of leases": (member) =>
    member.ask(LeaseService.leaseLeases, {}, ({ leases }) => leases.map(({ id }) => id).sort()),
  "hash of keys": (member) => member.ask(MaintenanceService.hashKV, {}),
  "hash of the database": (member) => member.ask(MaintenanceService.hash, {}),
  defragmentation: (member) => member.ask(MaintenanceService.defragment, {}),
  snapshot,
  "transfer of leadership": (member) => member.ask(MaintenanceService.moveLeader, { targetId: 1n }),
};

/** What only a leader with its majority can do. */
const BY_QUORUM: Questions = {
  put: put(),
  range: range(false),
  readiness: (member) => member.get("/readyz/linearizable_read"),
  "read-only transaction": readOnlyTxn(false),
  deletion: (member) => member.ask(KVService.deleteRange, { key: bytesFromUtf8("none") }),
  compaction: (member) => member.ask(KVService.compact, { revision: 1, physical: true }),
  "grant of a lease": (member) => member.ask(LeaseService.leaseGrant, { id: 99n, ttl: 500 }),
  "end of a lease": (member) => member.ask(LeaseService.leaseRevoke, { id: 98n }),
  "linearizable list of members": (member) =>
    member.ask(ClusterService.memberList, { linearizable: true }),
  "list of alarms": (member) =>
    member.ask(
      MaintenanceService.alarm,
      { action: AlarmAction.GET },
      ({ alarms }) => alarms.length,
    ),
};

/** What only a leader can do, without its majority. */
const BY_LEADER: Questions = {
  "look at a lease": timeToLive(),
  "look at a lease that is not there": timeToLive(12n),
  "renewal of a lease": keepAlive(),
  "renewal of a lease that is not there": keepAlive(12n),
};

/** Asks all at once. */
async function askAll(member: MemberQuestions, questions: Questions): Promise<Told> {
  const told = Object.entries(questions).map(async ([name, ask]) => [name, await ask(member)]);
  return Object.fromEntries(await Promise.all(told)) as Told;
}

/** Asks one after the other. */
async function askInTurn(member: MemberQuestions, questions: Questions): Promise<Told> {
  const told: Told = {};
  for (const [name, ask] of Object.entries(questions)) told[name] = await ask(member);
  return told;
}

/** A cluster with a leader and two others, a key, and a lease with a key. */
export class Cast {
  readonly cluster: EtcdCluster;
  readonly leader: ClusterMember;
  readonly others: readonly [ClusterMember, ClusterMember];
  readonly #opened: MemberQuestions[] = [];

  private constructor(cluster: EtcdCluster, leader: ClusterMember) {
    this.cluster = cluster;
    this.leader = leader;
    const [first, second] = cluster.members.filter((member) => member !== leader);
    this.others = [first, second];
  }

  static async of(cluster: EtcdCluster): Promise<Cast> {
    return new Cast(cluster, await cluster.untilLeader());
  }

  async to(member: ClusterMember): Promise<MemberQuestions> {
    const opened = await MemberQuestions.open(member.endpoint);
    this.#opened.push(opened);
    return opened;
  }

  /** Waits until `member` knows a leader, or none. */
  async untilLeaderless(member: MemberQuestions, isLeaderless: boolean): Promise<void> {
    const has = ({ leader }: StatusResponse): boolean => (leader === 0n) === isLeaderless;
    while ((await member.ask(MaintenanceService.status, {}, has)) !== "OK true") await sleep(20);
  }

  close(): void {
    for (const opened of this.#opened) opened.close();
  }
}

/** Everything through a follower of a healthy cluster, and the ends of what only its leader may do. */
export async function healthyFollower(cast: Cast): Promise<Told> {
  const member = await cast.to(cast.others[0]);
  const first = await askInTurn(member, {
    put: put(),
    "grant of a lease": (asked) => asked.ask(LeaseService.leaseGrant, { id: LEASE, ttl: 600 }),
    "key of a lease": (asked) =>
      asked.ask(KVService.put, { key: bytesFromUtf8("leased"), value: VALUE, lease: LEASE }),
  });
  const rest = await askInTurn(member, { ...AT_ONCE, ...BY_QUORUM, ...BY_LEADER });
  const [targetId, learnerTarget] = [await cast.cluster.idOf(cast.others[1]), 5n];
  const alarm = { memberId: 0n, alarm: AlarmType.NOSPACE };
  const last = await askInTurn(member, {
    "transfer by a follower": (asked) => asked.ask(MaintenanceService.moveLeader, { targetId }),
    "raised alarm": (asked) =>
      asked.ask(
        MaintenanceService.alarm,
        { action: AlarmAction.ACTIVATE, ...alarm },
        (a) => a.alarms,
      ),
    "health with an alarm": (asked) => asked.get("/health"),
    "health without that alarm": (asked) => asked.get("/health?exclude=NOSPACE"),
    "put with an alarm": put(),
    "status with an alarm": status,
    "lifted alarm": (asked) =>
      asked.ask(MaintenanceService.alarm, { action: AlarmAction.DEACTIVATE, ...alarm }),
  });
  const leader = await cast.to(cast.leader);
  last["transfer to nobody"] = await leader.ask(MaintenanceService.moveLeader, {
    targetId: learnerTarget,
  });
  return { ...first, ...rest, ...last };
}

/** What a member answers that is left alone: the other two stand still, one of them the leader. */
export async function loneFollower(cast: Cast): Promise<Told> {
  const [survivor, other] = cast.others;
  const member = await cast.to(survivor);
  const shortLived = { id: 5n, ttl: 2 };
  await member.ask(LeaseService.leaseGrant, shortLived);
  const leased = bytesFromUtf8("short-lived");
  await member.ask(KVService.put, { key: leased, value: VALUE, lease: shortLived.id });
  const [watch, strictWatch] = [false, true].map((strict) => {
    const value = { ...NO_CREATE, key: bytesFromUtf8("followed") };
    return member.talk(
      WatchService.watch,
      { requestUnion: { case: "createRequest", value } },
      strict,
    );
  });
  const strictRenewals = member.talk(LeaseService.leaseKeepAlive, { id: LEASE }, true);
  await Promise.all([watch, strictWatch, strictRenewals].map((talk) => talk.until(1)));
  await member.ask(KVService.put, { key: bytesFromUtf8("followed"), value: bytesFromUtf8("1") });
  await Promise.all([watch.until(2), strictWatch.until(2)]);
  cast.leader.pause();
  other.pause();
  await sleep(100);
  const lost = askAll(member, { "put that is lost": put(), "range that is lost": range(false) });
  await cast.untilLeaderless(member, true);
  const slow = askAll(member, { ...BY_QUORUM, ...BY_LEADER });
  await Promise.all([strictWatch.until(3), strictRenewals.until(2)]);
  const told: Told = {
    ...(await askInTurn(member, AT_ONCE)),
    "open watch that requires a leader": strictWatch.ended() ?? "open",
    "open renewals that require a leader": strictRenewals.ended() ?? "open",
    ...(await lost),
    ...(await slow),
  };
  // Its time to live is over, three times.
  told["lease while there is no leader"] = await member.ask(
    KVService.range,
    { key: leased, serializable: true },
    ({ kvs }) => kvs.length,
  );
  cast.leader.resume();
  other.resume();
  await cast.untilLeaderless(member, false);
  await cast.cluster.untilHealthy();
  const { leader } = { leader: await cast.to(await cast.cluster.untilLeader()) };
  await leader.ask(KVService.put, { key: bytesFromUtf8("followed"), value: bytesFromUtf8("2") });
  await watch.until(3);
  told["open watch"] = watch.answers
    .flatMap(({ events }) => events.map(({ kv }) => utf8FromBytes(kv?.value ?? new Uint8Array())))
    .join(" ");
  while ((await range(true)(member)) !== 'OK ["value"]') await sleep(20);
  const isGone = (): Promise<string> =>
    member.ask(KVService.range, { key: leased, serializable: true }, ({ kvs }) => kvs.length);
  while ((await isGone()) !== "OK 0") await sleep(50);
  told["lease when there is a leader again"] = "ended";
  return told;
}

/** What a leader answers that is left alone: it gives up its leadership, because nobody answers it. */
export async function loneLeader(cast: Cast): Promise<Told> {
  const member = await cast.to(cast.leader);
  for (const other of cast.others) other.pause();
  // Until they stand still.
  await sleep(100);
  const told = await askAll(member, {
    put: put(),
    range: range(false),
    health: (m) => m.get("/health"),
  });
  // Two clocks run for the read behind it, and either may be over first in the real one.
  told["health"] = (told["health"] ?? "").replace(/RANGE ERROR:[^"]*/, "RANGE ERROR");
  await cast.untilLeaderless(member, true);
  told["status"] = await status(member);
  for (const other of cast.others) other.resume();
  await cast.cluster.untilHealthy();
  told["put when the others are back"] = await put()(member);
  return told;
}

/** How the links of a member are cut and mended. */
export interface CutLinks {
  cut(name: string): void;
  mend(): void;
}

/** What a follower answers whose links to the others are cut, and mended while clients wait. */
export async function cutOffFollower(cast: Cast, links: CutLinks): Promise<Told> {
  const member = await cast.to(cast.others[0]);
  for (;;) {
    const before = await cast.cluster.status(cast.leader);
    const told = await overTheCut(cast, member, links);
    const after = await cast.cluster.status(cast.leader);
    // A machine with too much to do may lose a leader that nobody has cut off.
    if (after.leader === before.leader && after.raftTerm === before.raftTerm) return told;
    await cast.cluster.moveLeader(cast.leader);
  }
}

async function overTheCut(cast: Cast, member: MemberQuestions, links: CutLinks): Promise<Told> {
  links.cut(cast.others[0].name);
  const waiting = askAll(member, { put: put(), range: range(false) });
  await cast.untilLeaderless(member, true);
  const told: Told = { status: await status(member) };
  links.mend();
  await cast.untilLeaderless(member, false);
  for (const [name, answer] of Object.entries(await waiting)) {
    // How long members take to find each other again is another matter.
    told[`${name} over the cut`] = withoutDelay(answer);
  }
  told["put afterwards"] = await put()(member);
  return told;
}

/** Leases through a follower, which has to ask the leader. The first time the lease is granted. */
export async function leasesThroughFollower(cast: Cast): Promise<Told> {
  const member = await cast.to(cast.others[0]);
  await member.ask(LeaseService.leaseGrant, { id: LEASE, ttl: 600 });
  const brief = { id: 6n, ttl: 1 };
  await member.ask(LeaseService.leaseGrant, brief);
  const told = await askAll(member, BY_LEADER);
  const renewals = member.talk(LeaseService.leaseKeepAlive, brief);
  await renewals.until(1);
  const isThere = (): Promise<string> =>
    member.ask(LeaseService.leaseLeases, {}, ({ leases }) =>
      leases.some(({ id }) => id === brief.id),
    );
  while ((await isThere()) === "OK true") await sleep(100);
  renewals.send(brief);
  await renewals.until(2);
  told["renewals of a lease that runs out"] = renewals.answers.map(({ ttl }) => ttl).join(" ");
  renewals.cancel();
  const looks = { ...brief, keys: true };
  told["lease that has run out"] = await member.ask(
    LeaseService.leaseTimeToLive,
    looks,
    ({ ttl }) => ttl,
  );
  return told;
}

/** What a learner answers. */
export async function learner(cast: Cast, joined: ClusterMember): Promise<Told> {
  const member = await cast.to(joined);
  const questions = { ...AT_ONCE, ...BY_QUORUM, ...BY_LEADER };
  // The size of a cluster with a learner is that of others.
  delete questions["list of members"];
  return askInTurn(member, questions);
}
