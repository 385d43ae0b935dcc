/**
 * A key-value store with revisions and leases that do not expire, as simply as it can be written: what a
 * member must equal.
 */
import { executeRange } from "../src/mvcc/range.ts";
import type { Store } from "../src/mvcc/store.ts";
import { EtcdError } from "../src/errors/etcd-error.ts";
import type { Lessor } from "../src/lease/lessor.ts";
import { utf8FromBytes } from "../src/stdx/bytes.ts";
import { decodeKeyValue } from "../src/wire/gen/kv.ts";
import { createRangeRequest } from "../src/wire/gen/rpc.ts";

export type ModelOperation =
  | {
      readonly kind: "put";
      readonly key: string;
      readonly value: string;
      /** 0 for none. Without such a lease the put is refused. */
      readonly lease: bigint;
    }
  | { readonly kind: "delete"; readonly key: string }
  /** Refused when the lease is there. */
  | { readonly kind: "grant"; readonly lease: bigint }
  /** Refused when there is no such lease. */
  | { readonly kind: "revoke"; readonly lease: bigint };

interface ModelValue {
  readonly value: string;
  readonly create: number;
  readonly mod: number;
  readonly version: number;
  readonly lease: bigint;
}

export class KvModel {
  #revision = 1;
  readonly #keys = new Map<string, ModelValue>();
  readonly #leases = new Set<bigint>();

  apply(operation: ModelOperation): void {
    switch (operation.kind) {
      case "put":
        this.#put(operation.key, operation.value, operation.lease);
        break;
      case "delete":
        if (this.#keys.delete(operation.key)) this.#revision++;
        break;
      case "grant":
        this.#leases.add(operation.lease);
        break;
      case "revoke": {
        const attached = this.#attachedTo(operation.lease);
        for (const key of attached) this.#keys.delete(key);
        if (attached.length > 0) this.#revision++;
        this.#leases.delete(operation.lease);
      }
    }
  }

  /** Everything there is to see, as text. */
  dump(): string {
    const lines = [...this.#keys]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { value, create, mod, version, lease }]) =>
        keyLine(key, value, [create, mod, version], lease),
      );
    const leases = [...this.#leases].map((id) => leaseLine(id, this.#attachedTo(id)));
    return [`revision ${this.#revision}`, ...lines, ...leases.sort()].join("\n");
  }

  #put(key: string, value: string, lease: bigint): void {
    if (lease !== 0n && !this.#leases.has(lease)) return;
    const previous = this.#keys.get(key);
    const mod = ++this.#revision;
    const create = previous?.create ?? mod;
    this.#keys.set(key, { value, create, mod, version: (previous?.version ?? 0) + 1, lease });
  }

  #attachedTo(lease: bigint): string[] {
    return [...this.#keys].filter(([, value]) => value.lease === lease).map(([key]) => key);
  }
}

/** The same text for a real store without leases. */
export function dumpStore(store: Store): string {
  const zero = new Uint8Array(1);
  const answer = executeRange(store, createRangeRequest({ key: zero, rangeEnd: zero }));
  if (answer instanceof EtcdError) throw answer;
  const lines = answer.kvs.map((bytes) => {
    const { key, value, createRevision, modRevision, version, lease } = decodeKeyValue(bytes);
    const numbers = [createRevision, modRevision, version];
    return keyLine(utf8FromBytes(key), utf8FromBytes(value), numbers, lease);
  });
  return [`revision ${store.revision}`, ...lines].join("\n");
}

/** The same text for a real store and its leases. */
export function dumpState({ store, lessor }: { store: Store; lessor: Lessor }): string {
  const leases = [...lessor.leases()].map(({ id, keys }) => leaseLine(id, [...keys]));
  return [dumpStore(store), ...leases.sort()].join("\n");
}

function keyLine(key: string, value: string, numbers: readonly number[], lease: bigint): string {
  return `${key}=${value} ${numbers.join(" ")}${lease === 0n ? "" : ` of ${lease}`}`;
}

function leaseLine(id: bigint, keys: readonly string[]): string {
  return `lease ${id}: ${[...keys].sort().join(" ")}`;
}
