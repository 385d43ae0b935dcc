/**
 * What a member inside a process is told: etcd's flags in camel case, each with the type that it has, and what
 * only a program can ask for.
 */
import type { LogFields, LogLevel } from "../ports/log.ts";
import type { FlagOptions } from "./flag-options.ts";

/** One line of the log. */
export interface EtcdLogLine {
  /** How much it matters. */
  readonly level: LogLevel;
  /** The module that says it, such as "server/etcd-server.ts". */
  readonly caller: string;
  /** What happened, in etcd's words. */
  readonly message: string;
  /** Under etcd's names. Keys and values of users, passwords and tokens are never among them. */
  readonly fields: LogFields;
}

/** What only a program can ask for. */
export interface HostOptions {
  /**
   * A member for a test: its data is in a new folder below the system's one for temporary files, which `stop`
   * removes, and nothing waits for the disk unless `unsafeNoFsync` is false. Not together with `dataDir`.
   */
  readonly temporary?: boolean | undefined;
  /**
   * Is told each line of the log from `logLevel` on ("info" by default). Without it, and without `logOutputs`,
   * the member is silent.
   */
  readonly log?: ((line: EtcdLogLine) => void) | undefined;
  /**
   * Is told, once, that the member cannot go on: a write to the disk has failed, or the member was removed
   * from its cluster. It serves nobody from then on; what it has acknowledged is durable.
   */
  readonly onFatal?: ((reason: Error) => void) | undefined;
  /** Is told whenever another member leads as far as this one knows, or nobody does any more. */
  readonly onLeader?: ((change: LeaderChange) => void) | undefined;
  /**
   * When it aborts: ends the start, which rejects with its reason then, and stops a member that runs, as `stop` does. Nothing is
   * left behind either way.
   */
  readonly signal?: AbortSignal | undefined;
}

/** Who leads now, as a member sees it. */
export interface LeaderChange {
  /** Of the member that tells it. */
  readonly name: string;
  /** 0 for nobody. */
  readonly leaderId: bigint;
  /** Whether it is the member that tells it. */
  readonly isLeader: boolean;
}

/**
 * Options of a member: every flag of `etcd` (docs/flags.md) in camel case, and `HostOptions`. Where they
 * differ from the defaults of the program:
 *
 * - `listenClientUrls`, `listenPeerUrls`: none. A member listens where it is asked to, port 0 for any free one.
 * - `advertiseClientUrls`, `initialAdvertisePeerUrls`: where it listens, with the ports that it got.
 * - `initialCluster`: this member alone.
 * - `logOutputs`: none.
 */
export interface EtcdOptions extends FlagOptions, HostOptions {}
