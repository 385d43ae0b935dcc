/** A store over storage in memory, for tests. */
import { assert } from "../../stdx/assert.ts";
import { bytesFromLatin1 } from "../../stdx/bytes.ts";
import { createPutRequest } from "../../wire/gen/rpc.ts";
import { executePut } from "../kv-requests.ts";
import { MemoryStorage } from "../memory-storage.ts";
import { Restore } from "../restore.ts";
import type { RevisionStorage } from "../storage.ts";
import type { Store } from "../store.ts";
import type { ChangeSink } from "../write-transaction.ts";
import { MemoryLeases } from "./memory-leases.ts";

const IGNORED: ChangeSink = { onChanges: () => undefined };

/** Restores a store in one go. */
export function openStore(
  storage: RevisionStorage = new MemoryStorage(),
  leases = new MemoryLeases(),
  changes = IGNORED,
): Store {
  const restore = new Restore(storage, leases, changes);
  while (!restore.step(Number.MAX_SAFE_INTEGER));
  return restore.finish();
}

/** Puts one key with its value after another: `a=1 b=2`. The first gets the next revision. */
export function putAll(store: Store, text: string): void {
  for (const assignment of text.split(" ")) {
    const [key, value] = assignment.split("=");
    assert(key !== undefined && value !== undefined, "Write assignments as key=value");
    executePut(
      store,
      createPutRequest({ key: bytesFromLatin1(key), value: bytesFromLatin1(value) }),
    );
  }
}
