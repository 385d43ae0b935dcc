/**
 * The discovery service as another cluster: its keys are read, written and watched with the client library.
 *
 * Source: etcd client/v3/config.go (NewClientConfig), server/etcdserver/api/v3discovery (3.6).
 */
import { type Client, type ClientOptions, openClient } from "../client/client.ts";
import { systemClock } from "../platform/clock.ts";
import { systemRandom } from "../platform/random.ts";
import type { Log } from "../ports/log.ts";
import type { DiscoverySettings } from "../server/config/config-groups.ts";
import type { DiscoveryRegistry, RegistryEntry } from "../server/discovery/registry.ts";
import { bytesFromUtf8, utf8FromBytes } from "../stdx/bytes.ts";
import { EventType, type KeyValue } from "../wire/gen/kv.ts";
import { byteString } from "./byte-text.ts";
import { prefixRange } from "./key-prefix.ts";
import { readTls } from "./tls-config.ts";
import { socketConnector } from "./socket-connector.ts";

const QUIET: Log = {
  enabled: () => false,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  fatal: () => undefined,
};

/** Opens the service. Rejects when files of TLS cannot be read, or the user is refused. */
export async function openClientRegistry(settings: DiscoverySettings): Promise<DiscoveryRegistry> {
  const client = await openClient(clientOptionsOf(settings));
  return new ClientRegistry(client, settings.requestTimeoutMs);
}

/** How the client is opened. Throws when files of TLS cannot be read. */
export function clientOptionsOf(settings: DiscoverySettings): ClientOptions {
  const tls = readTls({
    cert: byteString(settings.certFile),
    key: byteString(settings.keyFile),
    cacert: byteString(settings.caFile),
    serverName: "",
    insecureTransport: settings.insecureTransport,
    insecureSkipVerify: settings.insecureSkipVerify,
  });
  return {
    endpoints: settings.endpoints,
    connector: socketConnector(tls),
    clock: systemClock,
    random: systemRandom,
    log: QUIET,
    secure: tls !== undefined,
    dialTimeoutMs: settings.dialTimeoutMs,
    keepaliveTimeMs: settings.keepaliveTimeMs,
    keepaliveTimeoutMs: settings.keepaliveTimeoutMs,
    ...userOf(settings),
  };
}

/** The password may stand behind the name. */
function userOf({ user, password }: DiscoverySettings): { username?: string; password?: string } {
  if (user === "") return {};
  const colon = user.indexOf(":");
  if (password !== "" || colon < 0) return { username: user, password };
  return { username: user.slice(0, colon), password: user.slice(colon + 1) };
}

class ClientRegistry implements DiscoveryRegistry {
  readonly #client: Client;
  readonly #timeoutMs: number;

  constructor(client: Client, timeoutMs: number) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
  }

  async get(key: string): Promise<string | undefined> {
    const { kvs } = await this.#client.kv.range({ key: bytesFromUtf8(key) }, this.#bounds());
    return kvs.length === 0 ? undefined : utf8FromBytes(kvs[0].value);
  }

  async list(prefix: string): Promise<{ entries: RegistryEntry[]; revision: number }> {
    const range = prefixRange(bytesFromUtf8(prefix));
    const { kvs, header } = await this.#client.kv.range(range, this.#bounds());
    return { entries: kvs.map(entryOf), revision: header?.revision ?? 0 };
  }

  async put(key: string, value: string): Promise<void> {
    const request = { key: bytesFromUtf8(key), value: bytesFromUtf8(value) };
    await this.#client.kv.put(request, this.#bounds());
  }

  async watch(
    prefix: string,
    revision: number,
    onEntry: (entry: RegistryEntry) => boolean,
  ): Promise<void> {
    const range = prefixRange(bytesFromUtf8(prefix));
    const watcher = await this.#client.watch.open({ ...range, startRevision: revision });
    for await (const { events } of watcher) {
      for (const { type, kv } of events) {
        if (type !== EventType.PUT || kv === undefined) continue;
        if (onEntry(entryOf(kv))) return;
      }
    }
  }

  close(): void {
    this.#client.close();
  }

  #bounds(): { deadlineMs: number } {
    return { deadlineMs: systemClock.nowMs() + this.#timeoutMs };
  }
}

function entryOf({ key, value, createRevision }: KeyValue): RegistryEntry {
  return {
    key: utf8FromBytes(key).trim(),
    value: utf8FromBytes(value).trim(),
    createRevision,
  };
}
