/** What is worth a look in what endpoints have said, in plain sentences. */
import { humanBytes } from "../../../stdx/humanize.ts";
import {
  type AlarmResponse,
  AlarmType,
  type HashKVResponse,
  type Member,
  type MemberListResponse,
  type StatusResponse,
} from "../../../wire/gen/rpc.ts";

/** What one endpoint has said; absent is what it did not answer. */
export interface EndpointAnswers {
  readonly endpoint: string;
  status?: StatusResponse;
  members?: MemberListResponse;
  alarms?: AlarmResponse;
  hashKv?: HashKVResponse;
  /** What went wrong, by the name of what was asked. */
  readonly failures: Map<string, string>;
}

/** Free bytes of a database from which on a defragmentation is worth it, if they are half of it, too. */
const FREE_BYTES_WORTH_IT = 100 * 1024 * 1024;

/** Entries by which what is applied may be behind the log of a member that works. */
const APPLY_LAG_MAX = 1000;

/** Sentences without an end; none when all is well as far as the answers tell. */
export function findingsOf(answers: readonly EndpointAnswers[]): string[] {
  return [
    ...answers.flatMap(failuresOf),
    ...differences("belong to different clusters", answers, ({ status }) =>
      status?.header?.clusterId.toString(16),
    ),
    ...differences("run different versions", answers, ({ status }) => status?.version),
    ...differences("know different leaders", answers, ({ status }) => status?.leader.toString(16)),
    ...differences("have different hashes of the same revision", comparable(answers), (one) =>
      one.hashKv?.hash.toString(),
    ),
    ...answers.flatMap(statusFindings),
    ...alarmFindings(answers),
    ...notAsked(answers),
  ];
}

function failuresOf({ endpoint, failures }: EndpointAnswers): string[] {
  const byName = [...failures].sort(([a], [b]) => (a < b ? -1 : 1));
  return byName.map(([name, reason]) => `${endpoint}: no ${name}: ${reason}`);
}

/** A sentence when not all endpoints that say something say the same. */
function differences(
  what: string,
  answers: readonly EndpointAnswers[],
  said: (one: EndpointAnswers) => string | undefined,
): string[] {
  const known = answers.filter((one) => said(one) !== undefined);
  if (new Set(known.map(said)).size <= 1) return [];
  return [`endpoints ${what}: ${known.map((one) => `${one.endpoint} ${said(one)}`).join(", ")}`];
}

/** Those whose hashes are over the same history. */
function comparable(answers: readonly EndpointAnswers[]): EndpointAnswers[] {
  const first = answers.find(({ hashKv }) => hashKv !== undefined)?.hashKv;
  return answers.filter(({ hashKv }) => hashKv?.compactRevision === first?.compactRevision);
}

function statusFindings({ endpoint, status }: EndpointAnswers): string[] {
  if (status === undefined) return [];
  const found = status.errors.map((error) => `${endpoint}: reports ${error}`);
  if (status.leader === 0n) found.push(`${endpoint}: knows no leader`);
  if (status.isLearner) found.push(`${endpoint}: is a learner`);
  const lag = status.raftIndex - status.raftAppliedIndex;
  if (lag > APPLY_LAG_MAX) found.push(`${endpoint}: has ${lag} entries still to apply`);
  const free = status.dbSize - status.dbSizeInUse;
  if (free > FREE_BYTES_WORTH_IT && free > status.dbSize / 2) {
    const sizes = `${humanBytes(free)} of ${humanBytes(status.dbSize)}`;
    found.push(`${endpoint}: ${sizes} of its database are free: defrag gives them back`);
  }
  return found;
}

function alarmFindings(answers: readonly EndpointAnswers[]): string[] {
  const raised = answers.flatMap(({ alarms }) => alarms?.alarms ?? []);
  const texts = raised.map(({ memberId, alarm }) => {
    const name = alarm === AlarmType.NOSPACE ? "NOSPACE" : "CORRUPT";
    return `member ${memberId.toString(16)} has raised the alarm ${name}`;
  });
  return [...new Set(texts)];
}

/** Members that no endpoint belongs to. */
function notAsked(answers: readonly EndpointAnswers[]): string[] {
  const asked = new Set(answers.map(({ status }) => status?.header?.memberId));
  const members = new Map<bigint, Member>();
  for (const { members: list } of answers) {
    for (const member of list?.members ?? []) members.set(member.id, member);
  }
  return [...members.values()].flatMap((member) => {
    if (asked.has(member.id)) return [];
    const name = member.name === "" ? "which has not started" : member.name;
    return [`member ${member.id.toString(16)} (${name}) has not answered, or was not asked`];
  });
}
