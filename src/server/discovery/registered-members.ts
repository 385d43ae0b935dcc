/** The members that have registered with a discovery service, the first ones first. */
import type { RegistryEntry } from "./registry.ts";

/** Where the entries of the cluster `token` are. */
export interface RegistryKeys {
  readonly size: string;
  /** Of the keys of members. */
  readonly members: string;
  member(id: string): string;
  /** Whether members of one name are a mistake that is told. */
  readonly hasUniqueNames: boolean;
}

export class RegisteredMembers {
  readonly #keys: RegistryKeys;
  readonly #entries: RegistryEntry[] = [];

  constructor(keys: RegistryKeys) {
    this.#keys = keys;
  }

  get count(): number {
    return this.#entries.length;
  }

  /** Takes in what was found; returns why it is none of the members. */
  add(entry: RegistryEntry): string | undefined {
    if (!entry.key.startsWith(this.#keys.members)) return "invalid peer registry key";
    if (!entry.value.includes("=")) return "invalid peer info returned from discovery service";
    if (this.#entries.some(({ key }) => key === entry.key)) {
      return "found duplicate peer from discovery service";
    }
    this.#entries.push(entry);
    this.#entries.sort((a, b) => a.createRevision - b.createRevision);
    return undefined;
  }

  /** Whether the first `size` members do not have `key` among them. */
  isFullWithout(key: string, size: number): boolean {
    const first = this.#entries.slice(0, size);
    return first.length === size && !first.some((entry) => entry.key === key);
  }

  /** The first `size` members as --initial-cluster names them. */
  initialCluster(size: number): string {
    return this.#entries
      .slice(0, size)
      .map(({ value }) => value)
      .join(",");
  }
}
