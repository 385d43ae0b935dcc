/**
 * A watcher of everything that lives through many servers on one data directory, each of them killed: it goes
 * on from the last revision that it has seen, and keeps a book of every event.
 */
import { expect } from "vitest";
import type { Client } from "../../src/client/client.ts";
import { utf8FromBytes } from "../../src/stdx/bytes.ts";
import { createKeyValue, type Event, EventType } from "../../src/wire/gen/kv.ts";
import { isKilled } from "./kill-chores.ts";

const ALL = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) };

/** What happened at one revision: keys with their new values, deleted ones without. */
export type SeenRevision = ReadonlyMap<string, string | undefined>;

export class KillWatcher {
  /** By revision; there is no revision at which nothing happens. */
  readonly seen = new Map<number, SeenRevision>();
  /** Newest revision that was seen; a store begins at 1. */
  revision = 1;

  /** Goes on from where it was, until the server is gone. */
  async follow(client: Client): Promise<void> {
    const request = { ...ALL, startRevision: this.revision + 1 };
    try {
      const watcher = await client.watch.open(request);
      for await (const { events } of watcher) this.#take(events);
    } catch (error) {
      if (!isKilled(error)) throw error;
    }
  }

  /** Waits until everything up to `revision` was seen. */
  async until(revision: number, milliseconds: number): Promise<void> {
    const deadline = Date.now() + milliseconds;
    while (this.revision < revision && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(this.revision).toBe(revision);
  }

  #take(events: readonly Event[]): void {
    const changes = new Map<number, Map<string, string | undefined>>();
    for (const { type, kv = createKeyValue() } of events) {
      const at = changes.get(kv.modRevision) ?? new Map<string, string | undefined>();
      changes.set(kv.modRevision, at);
      const key = utf8FromBytes(kv.key);
      expect(at.has(key), `revision ${kv.modRevision} has ${key} twice`).toBe(false);
      at.set(key, type === EventType.PUT ? utf8FromBytes(kv.value) : undefined);
    }
    for (const [revision, at] of changes) {
      expect(revision, "each revision comes once, in order").toBe(this.revision + 1);
      this.revision = revision;
      this.seen.set(revision, at);
    }
  }
}
