/**
 * Proxies of one prefix know each other by keys below it: each puts its own, with a lease that it renews, and
 * watches those of the others.
 *
 * Source: etcd server/proxy/grpcproxy (register.go, cluster.go), client/v3/naming/endpoints.
 */
import type { Client } from "../../client/client.ts";
import { EtcdError } from "../../errors/etcd-error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { bytesFromUtf8, latin1FromBytes, utf8FromBytes } from "../../stdx/bytes.ts";
import { goJsonString, JsonError, parseJson } from "../../stdx/json.ts";
import { EventType, type KeyValue } from "../../wire/gen/kv.ts";
import { REGISTER_RETRY_MS, REGISTERED_PROXIES_MAX } from "../limits.ts";
import type { Namespace } from "./namespace.ts";

export interface RegistrationParts {
  readonly client: Client;
  readonly namespace: Namespace;
  readonly clock: Clock;
  readonly log: Log;
  readonly prefix: string;
  /** Where clients reach this proxy. */
  readonly address: string;
  readonly ttlSeconds: number;
  readonly hostname: string;
}

export interface RegisteredProxy {
  readonly address: string;
  readonly name: string;
}

export class Registration {
  readonly #parts: RegistrationParts;
  readonly #proxies = new Map<string, RegisteredProxy>();
  #isStopped = false;

  constructor(parts: RegistrationParts) {
    this.#parts = parts;
    void this.#repeat(() => this.#register());
    void this.#repeat(() => this.#follow());
  }

  /** All proxies of the prefix, as far as is known. */
  proxies(): readonly RegisteredProxy[] {
    return [...this.#proxies.values()];
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #repeat(attempt: () => Promise<void>): Promise<void> {
    while (!this.#isStopped) {
      try {
        await attempt();
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error;
        this.#parts.log.warn("failed to create a session", { error: error.message });
      }
      await new Promise<void>((resolve) => {
        this.#parts.clock.after(REGISTER_RETRY_MS, resolve);
      });
    }
  }

  /** Registers this proxy, and returns when that has ended. */
  async #register(): Promise<void> {
    const { client, namespace, prefix, address, ttlSeconds, hostname, log } = this.#parts;
    const { id } = await client.lease.grant({ ttl: ttlSeconds });
    const metadata = `{"name":${goJsonString(hostname)}}`;
    const value = `{"Op":0,"Addr":${goJsonString(address)},"Metadata":${goJsonString(metadata)}}`;
    await client.kv.put({
      key: namespace.inside(bytesFromUtf8(`${prefix}/${address}`)),
      value: bytesFromUtf8(value),
      lease: id,
    });
    log.info("registered session with lease", { addr: address, "lease-ttl": ttlSeconds });
    try {
      for await (const { ttl } of client.lease.keepAlive(id)) if (ttl <= 0) break;
    } finally {
      log.warn("session expired; possible network partition or server restart");
      log.warn("creating a new session to rejoin");
    }
  }

  /** Reads who is registered, and follows what changes until that fails. */
  async #follow(): Promise<void> {
    const { client, namespace, prefix } = this.#parts;
    const key = namespace.inside(bytesFromUtf8(`${prefix}/`));
    const rangeEnd = key.slice();
    rangeEnd[rangeEnd.length - 1]++;
    const { header, kvs } = await client.kv.range({ key, rangeEnd });
    this.#proxies.clear();
    for (const kv of kvs) this.#learn(kv);
    const startRevision = (header?.revision ?? 0) + 1;
    for await (const { events } of await client.watch.open({ key, rangeEnd, startRevision })) {
      for (const { type, kv } of events) {
        if (kv === undefined) continue;
        if (type === EventType.PUT) this.#learn(kv);
        else this.#proxies.delete(latin1FromBytes(kv.key));
      }
    }
  }

  #learn({ key, value }: KeyValue): void {
    const proxy = proxyIn(utf8FromBytes(value));
    if (proxy === undefined) return;
    if (this.#proxies.size < REGISTERED_PROXIES_MAX) this.#proxies.set(latin1FromBytes(key), proxy);
  }
}

/** What a key of a proxy says; `undefined` when it is nothing of the kind. */
function proxyIn(text: string): RegisteredProxy | undefined {
  const address = memberOf(text, "Addr");
  if (address === undefined) return undefined;
  const metadata = memberOf(text, "Metadata") ?? "";
  return { address, name: memberOf(metadata, "name") ?? "" };
}

function memberOf(text: string, name: string): string | undefined {
  try {
    const value = parseJson(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const member: unknown = Object.entries(value).find(([each]) => each === name)?.[1];
    return typeof member === "string" ? member : undefined;
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}
