/**
 * State and upkeep of members: status, alarms, space, snapshots, leadership, downgrades.
 *
 * ```ts
 * for (const { clientUrls } of await client.cluster.members()) {
 *   const { dbSizeBytes, isLeader } = await client.maintenance.status(clientUrls[0]);
 * }
 * await client.maintenance.saveSnapshot("backup.db");
 * ```
 */
import type { Cluster } from "../../client/cluster.ts";
import type { Maintenance } from "../../client/maintenance.ts";
import { Errors } from "../../errors/table.ts";
import { type AlarmMember, AlarmType, DowngradeAction } from "../../wire/gen/rpc.ts";
import type { CallBounds, Deadlines } from "../call-bounds.ts";

/** What a member says of itself. */
export interface MemberStatus {
  /** 64 bits without sign. */
  readonly memberId: bigint;
  /** Of its cluster, 64 bits without sign. */
  readonly clusterId: bigint;
  /** Of its program, such as `3.5.0`. */
  readonly version: string;
  /** Of its keys. */
  readonly revision: number;
  /** Who leads; 0 while it knows of no leader. */
  readonly leaderId: bigint;
  /** Whether it leads. */
  readonly isLeader: boolean;
  /** Whether it has no vote. */
  readonly isLearner: boolean;
  /** Bytes of its database, with the space that is free in it, … */
  readonly dbSizeBytes: number;
  /** … and without. */
  readonly dbSizeInUseBytes: number;
  /** Its term: the number of elections so far, at least. */
  readonly raftTerm: number;
  /** Index up to which it knows entries of the log to be committed. */
  readonly raftIndex: number;
  /** Index up to which it has applied them. */
  readonly raftAppliedIndex: number;
  /** Alarms and missing leaders, as texts. */
  readonly errors: readonly string[];
}

/** Something is wrong with a member until somebody takes it back. */
export interface Alarm {
  /** Whose. */
  readonly memberId: bigint;
  /** Its quota is used up, or its keys differ from those of other members. */
  readonly kind: "NOSPACE" | "CORRUPT";
}

/** Members whose hashes are of the same revisions and differ have different keys. */
export interface KeyHash {
  /** 32 bits without sign. */
  readonly hash: number;
  /** Newest revision in it. */
  readonly revision: number;
  /** What was compacted when it was computed. */
  readonly compactRevision: number;
}

/** A part of a snapshot. */
export interface SnapshotPart {
  /** The part: kept by nobody else. */
  readonly bytes: Uint8Array;
  /** Bytes up to the end of this part, … */
  readonly doneBytes: number;
  /** … and behind it. */
  readonly remainingBytes: number;
}

/** Of which member a snapshot is taken. */
export interface SnapshotOptions extends CallBounds {
  /** The member to ask; any when absent. */
  readonly host?: string | undefined;
}

/** How a snapshot is saved. */
export interface SaveSnapshotOptions extends SnapshotOptions {
  /** Told after each part how many bytes are saved and how many are left; nobody when absent. */
  readonly onProgress?: ((doneBytes: number, remainingBytes: number) => void) | undefined;
}

/** Every method throws `EtcdError`. `host` is an endpoint as `connect` takes it; it is asked over a connection of its own. */
export class Upkeep {
  readonly #maintenance: Maintenance;
  readonly #cluster: Cluster;
  readonly #deadlines: Deadlines;

  /** Made by clients. @internal */
  constructor(maintenance: Maintenance, cluster: Cluster, deadlines: Deadlines) {
    this.#maintenance = maintenance;
    this.#cluster = cluster;
    this.#deadlines = deadlines;
  }

  /** What the member at `host` says of itself. */
  async status(host: string, bounds?: CallBounds): Promise<MemberStatus> {
    const status = await this.#maintenance.status(host, this.#deadlines.of(bounds));
    const { memberId = 0n, clusterId = 0n, revision = 0 } = status.header ?? {};
    return {
      memberId,
      clusterId,
      version: status.version,
      revision,
      leaderId: status.leader,
      isLeader: status.leader !== 0n && status.leader === memberId,
      isLearner: status.isLearner,
      dbSizeBytes: status.dbSize,
      dbSizeInUseBytes: status.dbSizeInUse,
      raftTerm: status.raftTerm,
      raftIndex: status.raftIndex,
      raftAppliedIndex: status.raftAppliedIndex,
      errors: status.errors,
    };
  }

  /** The alarms of all members. */
  async alarms(bounds?: CallBounds): Promise<readonly Alarm[]> {
    return alarmsOf((await this.#maintenance.alarmList(this.#deadlines.of(bounds))).alarms);
  }

  /** Takes back one alarm, or all there are; returns those that it took back. */
  async disarm(
    options: { readonly alarm?: Alarm | undefined } & CallBounds = {},
  ): Promise<readonly Alarm[]> {
    const { alarm } = options;
    const which =
      alarm === undefined ? undefined : { memberId: alarm.memberId, alarm: AlarmType[alarm.kind] };
    const { alarms } = await this.#maintenance.alarmDisarm(which, this.#deadlines.of(options));
    return alarmsOf(alarms);
  }

  /** Gives the free space in a member's database back to its file system; the member may stand still meanwhile. */
  async defragment(host: string, bounds?: CallBounds): Promise<void> {
    await this.#maintenance.defragment(host, this.#deadlines.of(bounds));
  }

  /** The hash of a member's keys up to `revision`, the newest when absent. */
  async hash(
    host: string,
    options: { readonly revision?: number | undefined } & CallBounds = {},
  ): Promise<KeyHash> {
    const { revision = 0 } = options;
    const call = this.#deadlines.of(options);
    const { hash, compactRevision, header } = await this.#maintenance.hashKv(host, revision, call);
    return { hash, compactRevision, revision: revision === 0 ? (header?.revision ?? 0) : revision };
  }

  /** Makes a member the leader, wherever the present one is. Throws `Errors.BadLeaderTransferee`, and others. */
  async moveLeader(id: bigint, bounds?: CallBounds): Promise<void> {
    const call = this.#deadlines.of(bounds);
    try {
      await this.#maintenance.moveLeader(id, call);
    } catch (error) {
      // Only the leader can do it.
      if (error !== Errors.NotLeader) throw error;
      await this.#maintenance.moveLeader(id, call, await this.#leaderHost(bounds));
    }
  }

  /**
   * The database of a member as it is now, in parts; the last 32 bytes are the SHA-256 of those before. Put together they
   * are a file for `etcdutl snapshot restore`. Takes as long as it takes where no time is given. Leaving the loop ends it.
   */
  async *snapshot(options: SnapshotOptions = {}): AsyncGenerator<SnapshotPart, void, undefined> {
    const { host, timeoutMs = Number.POSITIVE_INFINITY, signal } = options;
    const call = this.#deadlines.of({ timeoutMs, signal });
    let doneBytes = 0;
    for await (const { blob, remainingBytes } of this.#maintenance.snapshot(call, host)) {
      doneBytes += blob.length;
      yield { bytes: blob, doneBytes, remainingBytes };
    }
  }

  /**
   * Saves a snapshot to a file, which appears when it is whole, its hash is right, and it is on the device; returns its
   * size in bytes. Throws `SnapshotError` where the file cannot be written.
   */
  async saveSnapshot(path: string, options: SaveSnapshotOptions = {}): Promise<number> {
    const { saveParts } = await import("./snapshot-file.ts");
    return saveParts(path, this.snapshot(options), options.onProgress);
  }

  /** Whether the cluster can go down to `version`, such as `3.5`; returns its present one. Throws why it cannot. */
  validateDowngrade(version: string, bounds?: CallBounds): Promise<string> {
    return this.#downgrade(DowngradeAction.VALIDATE, version, bounds);
  }

  /** Prepares the members for programs of `version`; returns the present one. */
  enableDowngrade(version: string, bounds?: CallBounds): Promise<string> {
    return this.#downgrade(DowngradeAction.ENABLE, version, bounds);
  }

  /** Takes `enableDowngrade` back. */
  cancelDowngrade(bounds?: CallBounds): Promise<string> {
    return this.#downgrade(DowngradeAction.CANCEL, "", bounds);
  }

  async #downgrade(
    action: DowngradeAction,
    version: string,
    bounds: CallBounds | undefined,
  ): Promise<string> {
    const call = this.#deadlines.of(bounds);
    return (await this.#maintenance.downgrade(action, version, call)).version;
  }

  /** Where the leader serves clients. Throws `Errors.NoLeader`. */
  async #leaderHost(bounds: CallBounds | undefined): Promise<string> {
    const { members } = await this.#cluster.memberList(this.#deadlines.of(bounds));
    for (const { clientUrls } of members) {
      const host = clientUrls.at(0);
      if (host === undefined) continue;
      const status = await this.status(host, bounds).catch(() => undefined);
      if (status === undefined || status.leaderId === 0n) continue;
      const leader = members.find(({ id }) => id === status.leaderId);
      const leaderHost = leader?.clientUrls.at(0);
      if (leaderHost !== undefined) return leaderHost;
    }
    throw Errors.NoLeader;
  }
}

function alarmsOf(alarms: readonly AlarmMember[]): readonly Alarm[] {
  return alarms.map(({ memberId, alarm }) => {
    return { memberId, kind: alarm === AlarmType.CORRUPT ? "CORRUPT" : "NOSPACE" };
  });
}
