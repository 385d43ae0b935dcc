/**
 * Decides what a data directory needs so that its member can start with everything it has acknowledged; or
 * that it cannot be had.
 *
 * A member starts from a snapshot file that the log vouches for, or from nothing; from the entries behind it;
 * and from a database that lies between the two. What was acknowledged is in the log up to its last entry. So
 * any start is as good as the newest one, as long as the log reaches from there to its end without a gap and
 * the database is within; and a database can be made anew where the log reaches back to its first entry.
 */
import type { Disk } from "../../ports/disk.ts";
import { NO_SNAPSHOT, type WalLocation } from "../../wal/read-wal.ts";
import { selectSegments } from "../../wal/segment-name.ts";
import { snapshotDatabaseName } from "../../wal/snapshot-files.ts";
import type { WalSnapshot } from "../../wal/types.ts";
import { WalError } from "../../wal/wal-error.ts";
import {
  examineDatabase,
  type ExaminedDatabase,
  type ExaminedSnapshot,
  examineSnapshots,
  orphansOf,
} from "./examine-files.ts";
import {
  examineLog,
  type ExaminedLog,
  isOfRestore,
  type LogFrom,
  readLogFrom,
} from "./examine-log.ts";

/** Where the files of the member are. */
export interface RepairPlaces {
  readonly wal: string;
  readonly snap: string;
  readonly database: string;
}

/** One change of files; `reason` is for people. Everything that `files` names is kept as a copy first. */
export type RepairAction = { readonly reason: string; readonly files: readonly string[] } & (
  | { readonly kind: "cut log" }
  | { readonly kind: "remove" }
  | { readonly kind: "adopt database"; readonly from: string }
  | { readonly kind: "create database" }
  | { readonly kind: "rewrite database" }
);

export interface RepairPlan {
  /** What was found, one line each. */
  readonly findings: readonly string[];
  /** In this order; none when nothing is wrong. */
  readonly actions: readonly RepairAction[];
}

/** Why the data cannot be had without losing what was acknowledged. */
export class BeyondRepair extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "BeyondRepair";
  }
}

/** Where a member can start. */
interface Start {
  readonly snapshot: WalSnapshot;
  readonly log: LogFrom;
}

/** Looks at everything. Throws `BeyondRepair`; `DiskError`; `BoltError` when somebody uses the database. */
export function planRepair(location: WalLocation, places: RepairPlaces): RepairPlan {
  const { disk } = location;
  const log = logOf(location);
  const snapshots = examineSnapshots(disk, places.snap);
  const database = examineDatabase(disk, places.database);
  const starts = startsOf(location, log, snapshots);
  const { start, action } = startWithDatabase(location, places, starts, database);
  const actions: RepairAction[] = [];
  if (log.torn !== undefined) {
    const reason = `the last write to it was torn at offset ${log.torn.validBytes}`;
    actions.push({ kind: "cut log", reason, files: [log.torn.path] });
  }
  actions.push(...orphanActions(disk, places, start));
  actions.push(...segmentActions(log, places, start));
  actions.push(...snapshotActions(places, snapshots, start));
  if (action !== undefined) actions.push(action);
  return { findings: findingsOf(log, snapshots, database, start), actions };
}

function logOf(location: WalLocation): ExaminedLog {
  try {
    return examineLog(location);
  } catch (error) {
    if (error instanceof WalError) throw new BeyondRepair(`there is no log: ${error.message}`);
    throw error;
  }
}

/** All places from which the log can be read to its end, the newest first. Throws `BeyondRepair`. */
function startsOf(
  location: WalLocation,
  { damage }: ExaminedLog,
  snapshots: readonly ExaminedSnapshot[],
): Start[] {
  const starts: Start[] = [];
  let problem = damage;
  const known = snapshots.flatMap(({ start }) => (start === undefined ? [] : [start]));
  for (const snapshot of [...known, NO_SNAPSHOT]) {
    const log = readLogFrom(location, snapshot);
    if (log instanceof WalError) problem ??= log;
    else if (snapshot.index <= log.commit || snapshot.index === 0) starts.push({ snapshot, log });
  }
  const [newest] = starts;
  if (newest === undefined) {
    throw new BeyondRepair(`the log cannot be read to its end: ${problem?.message ?? "unknown"}`);
  }
  const { lastIndex, commit } = newest.log;
  if (commit > lastIndex) {
    throw new BeyondRepair(
      `the log ends at entry ${lastIndex}, and entries up to ${commit} were committed`,
    );
  }
  return starts;
}

interface Chosen {
  readonly start: Start;
  /** What the database needs. */
  readonly action: RepairAction | undefined;
}

/** The newest start that has, or can be given, a database. Throws `BeyondRepair`. */
function startWithDatabase(
  location: WalLocation,
  places: RepairPlaces,
  starts: readonly Start[],
  database: ExaminedDatabase,
): Chosen {
  const [{ log }] = starts;
  if (database.kind === "whole" && database.index > log.lastIndex) {
    throw new BeyondRepair(
      `the database holds entries up to ${database.index}, the log only up to ${log.lastIndex}: ` +
        "the log has lost its end",
    );
  }
  for (const start of starts) {
    const chosen = databaseFor(location, places, start, database);
    if (chosen !== undefined) return chosen;
  }
  throw new BeyondRepair(withoutDatabase(starts, database));
}

function databaseFor(
  location: WalLocation,
  places: RepairPlaces,
  start: Start,
  database: ExaminedDatabase,
): Chosen | undefined {
  const { snapshot, log } = start;
  const files = database.kind === "missing" ? [] : [places.database];
  if (database.kind === "whole" && database.index >= snapshot.index) {
    if (database.lostPages === 0) return { start, action: undefined };
    const reason = `${database.lostPages} pages of it are neither used nor free`;
    return { start, action: { kind: "rewrite database", reason, files } };
  }
  const from = `${places.snap}/${snapshotDatabaseName(snapshot.index)}`;
  const received = snapshot.index === 0 ? undefined : examineDatabase(location.disk, from);
  const fits =
    received?.kind === "whole" &&
    received.index >= snapshot.index &&
    received.index <= log.lastIndex;
  if (fits) {
    const reason = `${conditionOf(database)}; the one that came with the snapshot at ${snapshot.index} takes its place`;
    return { start, action: { kind: "adopt database", reason, from, files: [...files, from] } };
  }
  // Entries from the first one on: everything that ever was in it comes back.
  const isFromBeginning = snapshot.index === 0 && log.entries === log.lastIndex;
  if (database.kind === "whole" || !isFromBeginning || log.entries === 0) return undefined;
  if (isOfRestore(location, log)) return undefined;
  const reason = `${conditionOf(database)}; the log holds everything from the first entry on, and is applied again at the next start`;
  return { start, action: { kind: "create database", reason, files } };
}

function conditionOf(database: ExaminedDatabase): string {
  if (database.kind === "missing") return "there is none";
  if (database.kind === "damaged") return `it is damaged (${database.reason})`;
  return `it ends at entry ${database.index}, before the snapshot`;
}

function withoutDatabase(starts: readonly Start[], database: ExaminedDatabase): string {
  const [{ snapshot }] = starts;
  const from = `what it held before the snapshot at ${snapshot.index} is nowhere else`;
  return `the database cannot be had: ${conditionOf(database)}, and ${from}`;
}

function orphanActions(disk: Disk, places: RepairPlaces, { snapshot }: Start): RepairAction[] {
  return orphansOf(disk, places.snap, snapshot.index).map((path) => ({
    kind: "remove",
    reason: "a crash has left it; nothing uses it",
    files: [path],
  }));
}

/** Damage before the start is in what nothing needs; etcd reads it nevertheless. */
function segmentActions(
  { damage, segments }: ExaminedLog,
  places: RepairPlaces,
  { snapshot }: Start,
): RepairAction[] {
  if (damage === undefined) return [];
  const [first] = selectSegments(segments, snapshot.index);
  const reason = `the log is damaged before the snapshot at ${snapshot.index}, where nothing needs it (${damage.message})`;
  return segments
    .slice(0, segments.indexOf(first))
    .map(({ name }) => ({ kind: "remove", reason, files: [`${places.wal}/${name}`] }));
}

/** Files that cannot be read, and files newer than the start, which would be taken for it. */
function snapshotActions(
  places: RepairPlaces,
  snapshots: readonly ExaminedSnapshot[],
  { snapshot }: Start,
): RepairAction[] {
  const actions: RepairAction[] = [];
  for (const { name, start, reason } of snapshots) {
    const files = [`${places.snap}/${name}`];
    if (start === undefined) {
      const covered =
        snapshot.index === 0 ? "the log from its beginning" : `the snapshot at ${snapshot.index}`;
      actions.push({ kind: "remove", files, reason: `${reason}; ${covered} takes its place` });
    } else if (start.index > snapshot.index) {
      const why = "no database is as new; the log holds what is behind an older start";
      actions.push({ kind: "remove", files, reason: why });
    }
  }
  return actions;
}

function findingsOf(
  log: ExaminedLog,
  snapshots: readonly ExaminedSnapshot[],
  database: ExaminedDatabase,
  { snapshot, log: { lastIndex, commit } }: Start,
): string[] {
  const readable = snapshots.filter(({ start }) => start !== undefined).length;
  const from = snapshot.index === 0 ? "its beginning" : `the snapshot at ${snapshot.index}`;
  return [
    `log: ${log.segments.length} segments, entries from ${from} to ${lastIndex}, committed up to ${commit}`,
    `snapshots: ${snapshots.length} files, ${readable} of them readable`,
    database.kind === "whole"
      ? `database: ${database.bytes} bytes, up to entry ${database.index}`
      : `database: ${conditionOf(database)}`,
  ];
}
