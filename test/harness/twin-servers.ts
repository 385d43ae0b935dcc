/** The real etcd and ours beside each other, on copies of one data directory or on fresh ones. */
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type EtcdProcess, startEtcd } from "./etcd-process.ts";
import type { Operation } from "./operation.ts";
import { OUR_ETCD } from "./our-etcd.ts";
import { openRawCaller, type RawAnswer, type RawCaller } from "./raw-calls.ts";

export type Pair<T> = readonly [real: T, ours: T];

/** What members advertise, whatever port they listen on: their lists of members are equal then. */
const ADVERTISED = "--advertise-client-urls=http://127.0.0.1:2379";

/**
 * With COMPARE_WITH=real the second server is a real etcd too: no test may find a difference then, or it
 * asks for what etcd itself leaves open.
 */
const SECOND = process.env["COMPARE_WITH"] === "real" ? undefined : OUR_ETCD;

/** Characters of a log that tell why a server has ended. */
const LAST_WORDS = 3000;

export class TwinServers {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-pair-"));
  readonly #flags: readonly string[];
  #servers: EtcdProcess[] = [];
  #callers: RawCaller[] = [];

  private constructor(flags: readonly string[]) {
    this.#flags = [ADVERTISED, ...flags];
  }

  /** Starts both on fresh directories. */
  static async start(flags: readonly string[] = []): Promise<TwinServers> {
    const pair = new TwinServers(flags);
    await pair.#start([path.join(pair.folder, "real"), path.join(pair.folder, "ours")]);
    return pair;
  }

  /**
   * Starts each on a copy of one database that ours has founded, so that hashes of databases can be compared: what a
   * member says of itself stands there since etcd 3.5.20 only, and older ones leave it as they find it.
   */
  static async startOnOneDatabase(): Promise<TwinServers> {
    const pair = new TwinServers([]);
    const [real, ours] = ["real", "ours"].map((name) => path.join(pair.folder, name));
    const founder = await startEtcd({ dataDir: ours, flags: pair.#flags, command: OUR_ETCD });
    await founder.stop();
    fs.cpSync(ours, real, { recursive: true });
    await pair.#start([real, ours]);
    return pair;
  }

  get servers(): Pair<EtcdProcess> {
    return this.#servers as unknown as Pair<EtcdProcess>;
  }

  get callers(): Pair<RawCaller> {
    return this.#callers as unknown as Pair<RawCaller>;
  }

  callRaw(method: string, body: Uint8Array): Promise<Pair<RawAnswer>> {
    const [real, ours] = this.callers;
    return Promise.all([real.call(method, body), ours.call(method, body)]);
  }

  call({ method, request }: Operation): Promise<Pair<RawAnswer>> {
    return this.callRaw(method.path, method.request.encode(request));
  }

  /** Ends both and starts them again; with `swap` each on the directory of the other. */
  async restart({ swap = false }: { readonly swap?: boolean } = {}): Promise<void> {
    const [real, ours] = this.servers.map(({ dataDir }) => dataDir);
    await this.stop();
    await this.#start(swap ? [ours, real] : [real, ours]);
  }

  /** The last words of a server that is no more; empty while both run. */
  lastWords(): string {
    const ended = this.#servers.filter(({ process }) => process.exitCode !== null);
    return ended.map((server) => server.log().slice(-LAST_WORDS)).join("\n");
  }

  async stop(): Promise<void> {
    for (const caller of this.#callers.splice(0)) caller.close();
    await Promise.all(this.#servers.map((server) => server.stop()));
  }

  async remove(): Promise<void> {
    for (const caller of this.#callers.splice(0)) caller.close();
    await Promise.all(this.#servers.map((server) => server.remove()));
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  async #start([real, ours]: Pair<string>): Promise<void> {
    const flags = this.#flags;
    this.#servers = await Promise.all([
      startEtcd({ dataDir: real, flags }),
      startEtcd({ dataDir: ours, flags, ...(SECOND === undefined ? {} : { command: SECOND }) }),
    ]);
    this.#callers = await Promise.all(this.#servers.map(({ endpoint }) => openRawCaller(endpoint)));
  }
}
