/**
 * The server killed with SIGKILL at random moments under a load of puts, many times over on one data
 * directory: every acknowledged put is there after each restart, and its revision is what was answered; a
 * watcher that goes on after each restart sees every revision once and in order; leases are there with their
 * keys, or gone with them; and compactions, defragmentations and snapshots are cut at any point.
 *
 * KILL_ROUNDS sets the number of rounds, KILL_SEED the moments.
 */
import os from "node:os";
import fs from "node:fs";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { Client } from "../../src/client/client.ts";
import { socketConnector } from "../../src/cmd/socket-connector.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { Prng } from "../../src/stdx/prng.ts";
import { bytesFromUtf8, utf8FromBytes } from "../../src/stdx/bytes.ts";
import { MemoryLog } from "../../sim/memory-log.ts";
import { KillChores } from "../harness/kill-chores.ts";
import { KillWatcher } from "../harness/kill-watcher.ts";
import { startEtcd } from "../harness/etcd-process.ts";

const ROUNDS = Number(process.env["KILL_ROUNDS"] ?? 50);
const SEED = Number(process.env["KILL_SEED"] ?? 1);
const WRITERS = 20;
const LOAD_MS_MAX = 250;

/** Milliseconds that the watcher may take to see what has happened. */
const CATCH_UP_MS = 10_000;

const SERVER = [process.execPath, path.join(import.meta.dirname, "../../dist/bin/etcd.cjs")];
const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-kill-"));

afterAll(() => fs.rmSync(dataDir, { recursive: true, force: true }));

/** Newest acknowledged value of each key, with the revision of the answer. */
type Acknowledged = Map<string, { readonly value: string; readonly revision: number }>;

test(`every acknowledged change survives ${ROUNDS} rounds of SIGKILL, and is seen once`, async () => {
  const random = new Prng(SEED);
  const acknowledged: Acknowledged = new Map();
  /** Values that were sent and not answered: they may be there or not. */
  const unanswered = new Map<string, Set<string>>();
  const history: Put[] = [];
  const watcher = new KillWatcher();
  const chores = new KillChores(random.fork("chores"));
  for (let round = 0; round <= ROUNDS; round++) {
    const server = await startEtcd({ command: SERVER, dataDir, flags: ["--snapshot-count=2000"] });
    const client = connect(server.endpoint);
    const where = `seed ${SEED}, round ${round}`;
    await expectAll(client, acknowledged, unanswered, where);
    await chores.expectAll(client, where);
    const watching = watcher.follow(client);
    if (round < ROUNDS) {
      const stopped = { now: false };
      const writers = Array.from({ length: WRITERS }, (_, writer) =>
        write(client, `${writer}`, round, stopped, { acknowledged, unanswered, history }),
      );
      // What the watcher has seen is not needed any more.
      const killed = new AbortController();
      const working = chores.work(client, server.endpoint, () => watcher.revision, killed.signal);
      await new Promise((resolve) => setTimeout(resolve, random.below(LOAD_MS_MAX)));
      await server.stop("SIGKILL");
      stopped.now = true;
      killed.abort();
      client.close();
      await Promise.all([...writers, working, watching]);
    } else {
      const { header } = await client.kv.range({ key: bytesFromUtf8("k") });
      await watcher.until(header?.revision ?? 0, CATCH_UP_MS);
      client.close();
      await watching;
      await server.stop();
    }
  }
  for (const { key, value, revision } of history) {
    expect(watcher.seen.get(revision), `revision ${revision}`).toEqual(new Map([[key, value]]));
  }
  expect(history.length).toBeGreaterThan(ROUNDS * WRITERS);
  if (ROUNDS >= 50) {
    const names = ["compact", "defragment", "grant", "hash", "revoke", "snapshot"];
    expect([...chores.done.keys()].sort()).toEqual(names);
  }
}, 600_000);

function connect(endpoint: string): Client {
  return new Client({
    endpoints: [endpoint],
    connector: socketConnector(undefined),
    clock: systemClock,
    random: systemRandom,
    log: new MemoryLog(),
  });
}

interface Put {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
}

/** What became of the puts. */
interface Book {
  readonly acknowledged: Acknowledged;
  readonly unanswered: Map<string, Set<string>>;
  /** Every acknowledged put. */
  readonly history: Put[];
}

/** One writer: puts to keys of its own, one after the other, until the server is gone. */
async function write(
  client: Client,
  name: string,
  round: number,
  stopped: { readonly now: boolean },
  { acknowledged, unanswered, history }: Book,
): Promise<void> {
  for (let count = 0; ; count++) {
    const key = `writer${name}/${count % 7}`;
    const value = `${round}-${count}-${"x".repeat(count % 300)}`;
    try {
      const put = { key: bytesFromUtf8(key), value: bytesFromUtf8(value) };
      const answer = await client.kv.put(put);
      const revision = answer.header?.revision ?? 0;
      acknowledged.set(key, { value, revision });
      history.push({ key, value, revision });
      unanswered.delete(key);
    } catch {
      const open = unanswered.get(key) ?? new Set();
      unanswered.set(key, open.add(value));
      return;
    }
    if (stopped.now) return;
  }
}

async function expectAll(
  client: Client,
  acknowledged: Acknowledged,
  unanswered: Map<string, Set<string>>,
  where: string,
): Promise<void> {
  const all = new Uint8Array(1);
  const { kvs } = await client.kv.range({ key: all, rangeEnd: all });
  const found = new Map(kvs.map((kv) => [utf8FromBytes(kv.key), kv]));
  for (const [key, { value, revision }] of acknowledged) {
    const kv = found.get(key);
    expect(kv, `${where}: ${key} is gone`).toBeDefined();
    if (kv === undefined) continue;
    const isAcknowledged = utf8FromBytes(kv.value) === value && kv.modRevision === revision;
    const isLater =
      kv.modRevision > revision && unanswered.get(key)?.has(utf8FromBytes(kv.value)) === true;
    expect(isAcknowledged || isLater, `${where}: ${key} has ${utf8FromBytes(kv.value)}`).toBe(true);
  }
  for (const [key, kv] of found) {
    if (!key.startsWith("writer")) continue;
    const value = utf8FromBytes(kv.value);
    const known =
      acknowledged.get(key)?.value === value || unanswered.get(key)?.has(value) === true;
    expect(known, `${where}: ${key} has ${value}, which nobody wrote last`).toBe(true);
  }
}
