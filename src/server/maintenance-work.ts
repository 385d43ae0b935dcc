/** What a member does with its database as a whole, beside the requests: hashes and backups. */
import type { Backups, Hashes } from "../api/context.ts";
import type { Backend } from "../backend/backend.ts";
import type { Store } from "../mvcc/store.ts";
import { BackgroundWork } from "./background-work.ts";
import { BackupSource } from "./backup-source.ts";
import type { Environment } from "./bootstrap.ts";
import type { CommitSchedule } from "./commit-schedule.ts";
import { DatabaseHashes } from "./database-hashes.ts";
import { KeyspaceHashes } from "./keyspace-hashes.ts";

export class MaintenanceWork {
  readonly hashes: Hashes;
  readonly backups: Backups;
  readonly #background: BackgroundWork;
  readonly #keyspace: KeyspaceHashes;
  readonly #database: DatabaseHashes;
  readonly #sources: BackupSource;

  constructor(
    { clock, sha256 }: Environment,
    backend: Backend,
    store: Store,
    commits: CommitSchedule,
  ) {
    const background = new BackgroundWork(clock);
    const keyspace = new KeyspaceHashes(store, background, clock);
    const database = new DatabaseHashes(backend, store, commits, background);
    const sources = new BackupSource(backend, commits);
    this.#background = background;
    this.#keyspace = keyspace;
    this.#database = database;
    this.#sources = sources;
    this.hashes = {
      ofKeyspace: (revision, done) => keyspace.request(revision, done),
      ofDatabase: (done) => database.request(done),
    };
    this.backups = {
      open: (done) => sources.open(done),
      runInSlices: (task) => background.add(task),
      sha256,
    };
  }

  /** Answers whoever waits that the server stops, and gives back all states that are held. */
  stop(): void {
    this.#background.stop();
    this.#keyspace.stop();
    this.#database.stop();
    this.#sources.stop();
  }
}
