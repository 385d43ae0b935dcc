/** What a member does with its database as a whole, beside the requests. */
import type { Backups, Hashes } from "../api/context.ts";
import type { Store } from "../mvcc/store.ts";
import { SEGMENT_BYTES } from "../wal/limits.ts";
import { BackgroundWork } from "./background-work.ts";
import { BackupSource } from "./backup-source.ts";
import type { Environment, OpenedMember } from "./bootstrap.ts";
import type { CommitSchedule } from "./commit-schedule.ts";
import { DatabaseHashes } from "./database-hashes.ts";
import { Defragmentation } from "./defragmentation.ts";
import { KeyspaceHashes } from "./keyspace-hashes.ts";

export class MaintenanceWork {
  readonly hashes: Hashes;
  readonly backups: Backups;
  readonly defragmentation: Defragmentation;
  readonly #background: BackgroundWork;
  readonly #keyspace: KeyspaceHashes;
  readonly #database: DatabaseHashes;
  readonly #sources: BackupSource;

  constructor(
    environment: Environment,
    { backend, directory }: OpenedMember,
    store: Store,
    commits: CommitSchedule,
  ) {
    const { clock, sha256 } = environment;
    const background = new BackgroundWork(clock);
    const keyspace = new KeyspaceHashes(store, background, clock);
    const database = new DatabaseHashes(backend, store, commits, background);
    const sources = new BackupSource(backend, commits);
    this.#background = background;
    this.#keyspace = keyspace;
    this.#database = database;
    this.#sources = sources;
    this.defragmentation = new Defragmentation({
      ...environment,
      backend,
      commits,
      work: background,
      log: environment.log.named("server/defragmentation.ts"),
      directory: directory.snap,
      reserveBytes: environment.walSegmentBytes ?? SEGMENT_BYTES,
    });
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

  /**
   * Answers whoever waits that the server stops, and gives back all states that are held. A switch to a
   * defragmented copy that is on its way ends with the next commit.
   */
  stop(): void {
    this.#background.stop();
    this.#keyspace.stop();
    this.#database.stop();
    this.#sources.stop();
    this.defragmentation.stop();
  }
}
