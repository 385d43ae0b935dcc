/** A cluster that serves as the discovery service: what is asked of it, over whatever reaches it. */
import type { DiscoverySettings } from "../config/config-groups.ts";

export interface RegistryEntry {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
}

/** Every method rejects when the service cannot be asked in time. */
export interface DiscoveryRegistry {
  /** The value of a key, `undefined` when there is none. */
  get(key: string): Promise<string | undefined>;
  /** Keys that begin with `prefix`, and the revision at which they are so. */
  list(
    prefix: string,
  ): Promise<{ readonly entries: readonly RegistryEntry[]; readonly revision: number }>;
  put(key: string, value: string): Promise<void>;
  /**
   * Tells every change of keys that begin with `prefix`, from `revision` on, until `onEntry` returns true.
   * No time limit.
   */
  watch(
    prefix: string,
    revision: number,
    onEntry: (entry: RegistryEntry) => boolean,
  ): Promise<void>;
  close(): void;
}

/** Opens the service that `settings` name. Rejects when they cannot be used, or refuse the user. */
export type OpenRegistry = (settings: DiscoverySettings) => Promise<DiscoveryRegistry>;
