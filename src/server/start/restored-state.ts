/**
 * The applied state of a member, made from its database: leases, alarms, the downgrade under way, and the
 * index of keys, which is read in steps.
 *
 * Source: etcd server/etcdserver/server.go (NewServer, applySnapshot) (3.5).
 */
import { Applier } from "../../apply/applier.ts";
import type { ApplyTimer } from "../../apply/apply-timer.ts";
import { Quota } from "../../apply/quota.ts";
import { AuthStore } from "../../auth/auth-store.ts";
import type { TokenTable } from "../../auth/token-table.ts";
import { AuthRecords } from "../../backend/auth-records.ts";
import type { Backend } from "../../backend/backend.ts";
import { Records } from "../../backend/records.ts";
import { RevisionBucket } from "../../backend/revision-bucket.ts";
import { Lessor } from "../../lease/lessor.ts";
import { Alarms } from "../../membership/alarms.ts";
import type { Cluster } from "../../membership/cluster.ts";
import { serverVersionProblem } from "../../membership/downgrade.ts";
import { ChangeFeed } from "../../mvcc/change-feed.ts";
import { Restore } from "../../mvcc/restore.ts";
import type { Store } from "../../mvcc/store.ts";
import type { Log } from "../../ports/log.ts";
import { AssertionError } from "../../stdx/assert.ts";
import { WireError } from "../../wire/wire-error.ts";
import type { Environment } from "./bootstrap.ts";
import { electionTicksOf, type ServerConfig } from "../config/config.ts";
import { LEASE_CHECKPOINT_INTERVAL_SECONDS, RESTORE_PROGRESS_REVISIONS } from "../limits.ts";
import { DamagedDataError, StartError } from "./start-error.ts";
import { ETCD_VERSION } from "../version.ts";

export class RestoredState {
  readonly #config: ServerConfig;
  readonly #environment: Environment;
  readonly #backend: Backend;
  readonly #cluster: Cluster;
  readonly #log: Log;
  readonly #lessor: Lessor;
  readonly #alarms = new Alarms();
  readonly #auth: AuthStore;
  readonly #changes = new ChangeFeed();
  readonly #restore: Restore;
  readonly #startMs: number;
  #reported = 0;

  /**
   * Reads all but the keys. `cluster` is the membership that the database belongs to; what the database says
   * of a downgrade goes there. `tokens` are those of the process. Throws `StartError` for a database that this
   * version cannot serve or read.
   */
  constructor(
    config: ServerConfig,
    environment: Environment,
    backend: Backend,
    cluster: Cluster,
    tokens: TokenTable,
  ) {
    this.#config = config;
    this.#environment = environment;
    this.#backend = backend;
    this.#cluster = cluster;
    cluster.learnersMax = config.learnersMax;
    this.#log = environment.log.named("mvcc/restore.ts");
    this.#startMs = environment.clock.nowMs();
    refuseUnservable(backend);
    this.#lessor = createLessor(config, environment);
    this.#auth = this.#reading(() => {
      const storage = new AuthRecords(backend);
      const log = environment.log.named("auth/auth-store.ts");
      return new AuthStore({ storage, tokens, log }, storage.load());
    });
    this.#reading(() => {
      const records = new Records(backend);
      readDowngrade(backend.path, records, cluster);
      for (const { id, ttl, remainingTtl } of records.leases()) {
        this.#lessor.restore(id, ttl, remainingTtl);
      }
      for (const alarm of records.alarms()) this.#alarms.activate(alarm);
    });
    this.#restore = new Restore(
      new RevisionBucket(backend),
      this.#lessor,
      this.#changes,
      environment.metrics.mvcc,
    );
  }

  /** Reads up to `revisions` stored revisions; returns whether all are read. Throws `StartError`. */
  step(revisions: number): boolean {
    const isOver = this.#reading(() =>
      this.#backend.whilePassing(() => this.#restore.step(revisions)),
    );
    const read = this.#restore.summary.revisions;
    if (!isOver && read - this.#reported >= RESTORE_PROGRESS_REVISIONS) {
      this.#reported = read;
      this.#log.info("restoring the key index", { revisions: read });
    }
    return isOver;
  }

  /** The state, once all is read, and the feed of its changes. */
  finish(
    memberId: bigint,
    membershipIndex: number,
    timer: ApplyTimer,
  ): { readonly applier: Applier; readonly changes: ChangeFeed } {
    const backend = this.#backend;
    const store = this.#reading(() => this.#restore.finish());
    this.#logRestored(store);
    const applier = new Applier({
      store,
      lessor: this.#lessor,
      alarms: this.#alarms,
      auth: this.#auth,
      cluster: this.#cluster,
      membershipIndex,
      memberId,
      backend,
      quota: new Quota(this.#config.quotaBackendBytes, () => backend.sizes().bytes),
      persistsLeaseCheckpoints: this.#config.leaseCheckpoints === "persisted",
      timer,
      log: this.#environment.log.named("apply/applier.ts"),
    });
    return { applier, changes: this.#changes };
  }

  #logRestored(store: Store): void {
    if (store.compactRevision > 0) {
      this.#log.info("restored last compact revision", {
        "meta-bucket-name": "meta",
        "meta-bucket-name-key": "finishedCompactRev",
        "restored-compact-revision": store.compactRevision,
      });
    }
    const { revisions, keys } = this.#restore.summary;
    this.#log.info("restored the key index", {
      revisions,
      keys,
      "current-revision": store.revision,
      "compact-revision": store.compactRevision,
      took: `${(this.#environment.clock.nowMs() - this.#startMs).toFixed(3)}ms`,
    });
    this.#log.info("kvstore restored", { "current-rev": store.revision });
  }

  #reading<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof WireError || error instanceof AssertionError)) throw error;
      throw new DamagedDataError(
        `database file "${this.#backend.path}" holds a value that cannot be read (${error.message}); ` +
          "put the right file back, or restore the data directory from a snapshot",
        error,
      );
    }
  }
}

/** Throws `StartError` for databases whose rules this version cannot keep. */
export function refuseUnservable(backend: Backend): void {
  const records = new Records(backend);
  const { path } = backend;
  const version = records.storageVersion();
  if (version !== undefined) {
    throw new StartError(
      `"${path}" was written by etcd ${version}, which is newer than ${ETCD_VERSION}; ` +
        "downgrade it first (etcdutl migrate --target-version 3.5)",
    );
  }
}

/** What the database says of a downgrade goes to `cluster`, unless this version must not run meanwhile. */
function readDowngrade(path: string, records: Records, cluster: Cluster): void {
  const downgrade = records.downgrade();
  cluster.downgrade = downgrade;
  const clusterVersion = records.clusterVersion() ?? cluster.version;
  const problem = serverVersionProblem(ETCD_VERSION, clusterVersion, downgrade);
  if (problem === undefined) return;
  const wanted = downgrade.enabled ? downgrade.targetVersion : (clusterVersion ?? "");
  throw new StartError(
    `${problem}: this is etcd ${ETCD_VERSION}, and "${path}" belongs to a cluster at version ${wanted}; ` +
      "start that version on it instead",
  );
}

function createLessor(config: ServerConfig, environment: Environment): Lessor {
  if (config.leaseCheckpoints === "memory") {
    environment.log
      .named("server/start/restored-state.ts")
      .warn(
        "Detected that checkpointing is enabled without persistence. Consider enabling experimental-enable-lease-checkpoint-persist",
      );
  }
  const options = {
    ttlSecondsMin: leaseTtlSecondsMin(config),
    checkpointSeconds: config.leaseCheckpoints === "none" ? 0 : LEASE_CHECKPOINT_INTERVAL_SECONDS,
  };
  return new Lessor(options, environment.metrics.lease);
}

/** Leases must outlive an election: 1.5 election timeouts, in whole seconds. Source: etcd lessor. */
function leaseTtlSecondsMin(config: ServerConfig): number {
  const ticks = Math.floor((3 * electionTicksOf(config)) / 2);
  return Math.ceil((ticks * config.heartbeatIntervalMs) / 1000);
}
