/**
 * make-mirror: copies the keys of a prefix to another cluster, and then every change of them.
 *
 * Source: etcd etcdctl/ctlv3/command/make_mirror_command.go, client/v3/mirror/syncer.go.
 */
import type { Client } from "../../client/client.ts";
import { WatchCanceledError } from "../../client/watch-entry.ts";
import { Errors } from "../../errors/table.ts";
import { bytesFromLatin1, concatBytes, EMPTY_BYTES } from "../../stdx/bytes.ts";
import { type Event, EventType } from "../../wire/gen/kv.ts";
import {
  createDeleteRangeRequest,
  createPutRequest,
  createRequestOp,
  type RequestOp,
} from "../../wire/gen/rpc.ts";
import { BusyLine, secondsText } from "../busy-line.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { credentialsFrom } from "../credentials.ts";
import { type ClientConfig, connect, openWith } from "./client-config.ts";
import { prefixRange } from "../key-prefix.ts";
import { safeNumber } from "./requests.ts";
import { type EtcdctlCall, milliseconds, orExit, type Session } from "./session.ts";

/** Keys of one request while the copy is made. */
const BATCH_KEYS = 1000;

/** Milliseconds between two reports. */
const REPORT_MS = 30_000;

/** A key that need not be there: what counts is the revision in the answer. */
const PROBE_KEY = bytesFromLatin1("foo");

/** One mirror: where it comes from, where it goes, and how many changes it has made there. */
interface Mirror {
  readonly source: Client;
  readonly destination: Client;
  readonly prefix: Uint8Array;
  readonly destinationPrefix: Uint8Array;
  /** Changes of one transaction; a revision with more of them takes several. */
  readonly operationsMax: bigint;
  total: number;
}

export async function runMakeMirror(session: Session, call: EtcdctlCall): Promise<void> {
  const { args, flags } = call;
  if (args.length !== 1) {
    const message = "make-mirror takes one destination argument";
    throw new ToolExit(ExitCode.BAD_ARGUMENTS, message);
  }
  const destination = await openWith(session, [args[0]], destinationConfig(session, call));
  const { client: source } = await connect(session, call);
  const { header } = await orExit(source.kv.range({ key: PROBE_KEY }));
  const prefix = bytesFromLatin1(flags.getString("prefix"));
  const given = bytesFromLatin1(flags.getString("dest-prefix"));
  const isRoot = flags.getBool("no-dest-prefix");
  if (isRoot && given.length > 0) {
    const message =
      "`--dest-prefix` and `--no-dest-prefix` cannot be set at the same time, choose one";
    throw new ToolExit(ExitCode.BAD_ARGUMENTS, message);
  }
  const destinationPrefix = isRoot || given.length > 0 ? given : prefix;
  const operationsMax = flags.getInteger("max-txn-ops");
  const mirror = { source, destination, prefix, destinationPrefix, operationsMax, total: 0 };
  const line = mirrorLine(session, mirror);
  reportAgainAndAgain(session, mirror, line);
  const startRevision = safeNumber(flags.getInteger("rev"));
  // From a revision on there is nothing but changes; the first one is as good as all there is.
  if (startRevision > 1) await follow(mirror, startRevision);
  const revision = header?.revision ?? 0;
  await copyAll(mirror, revision);
  await follow(mirror, revision + 1);
}

function destinationConfig(session: Session, { flags }: EtcdctlCall): ClientConfig {
  return {
    dialTimeoutMs: milliseconds(flags.getInteger("dial-timeout")),
    keepaliveTimeMs: milliseconds(flags.getInteger("keepalive-time")),
    keepaliveTimeoutMs: milliseconds(flags.getInteger("keepalive-timeout")),
    isDebug: flags.getBool("debug"),
    tls: {
      cert: flags.getString("dest-cert"),
      key: flags.getString("dest-key"),
      cacert: flags.getString("dest-cacert"),
      serverName: "",
      insecureTransport: flags.getBool("dest-insecure-transport"),
      insecureSkipVerify: false,
    },
    credentials: credentialsFrom(
      session.io,
      flags.getString("dest-user"),
      flags.getString("dest-password"),
      "Destination Password: ",
    ),
  };
}

function reportAgainAndAgain(session: Session, mirror: Mirror, line: BusyLine): void {
  session.clock.after(REPORT_MS, () => {
    line.clear();
    session.io.out(`${mirror.total}\n`);
    reportAgainAndAgain(session, mirror, line);
  });
}

/** How much is mirrored, and how fast just now; for a person at a terminal. */
function mirrorLine({ io, clock, cleanups }: Session, mirror: Mirror): BusyLine {
  let before = { total: 0, seconds: 0 };
  const line = new BusyLine(io, clock, (seconds) => {
    const { total } = mirror;
    const rate = (total - before.total) / Math.max(seconds - before.seconds, 0.001);
    before = { total, seconds };
    return `Mirrored ${total} keys in ${secondsText(seconds)}, ${rate.toFixed(0)}/s`;
  });
  cleanups.push(() => line.end());
  return line;
}

/** Puts every key that there is at `revision`. */
async function copyAll(mirror: Mirror, revision: number): Promise<void> {
  const { source, destination, prefix } = mirror;
  const all = prefixRange(prefix);
  let key = all.key;
  for (;;) {
    const range = { ...all, key, revision, limit: BATCH_KEYS };
    const { kvs, more } = await orExit(source.kv.range(range));
    for (const kv of kvs) {
      await orExit(destination.kv.put({ key: mirroredKey(mirror, kv.key), value: kv.value }));
      mirror.total++;
    }
    const last = kvs.at(-1);
    if (!more || last === undefined) return;
    key = concatBytes([last.key, Uint8Array.of(0)]);
  }
}

/** Makes every change from `startRevision` on, each revision in one transaction; ends with the watch. */
async function follow(mirror: Mirror, startRevision: number): Promise<never> {
  const request = { ...prefixRange(mirror.prefix), startRevision };
  try {
    const watcher = await mirror.source.watch.open(request);
    for await (const { events } of watcher) await repeat(mirror, events);
  } catch (error) {
    if (error instanceof ToolExit) throw error;
    const isCompacted = error instanceof WatchCanceledError && error.response.compactRevision !== 0;
    if (isCompacted) throw new ToolExit(ExitCode.ERROR, Errors.Compacted.message);
  }
  // Any other end of the watch has no words upstream.
  throw new ToolExit(ExitCode.ERROR, "<nil>");
}

async function repeat(mirror: Mirror, events: readonly Event[]): Promise<void> {
  let revision = 0;
  let success: RequestOp[] = [];
  const commit = async (): Promise<void> => {
    if (success.length > 0) await orExit(mirror.destination.kv.txn({ success }));
    success = [];
  };
  for (const event of events) {
    const modRevision = event.kv?.modRevision ?? 0;
    const isFull = BigInt(success.length) === mirror.operationsMax;
    if (modRevision > revision || isFull) await commit();
    revision = modRevision;
    success.push(repeated(mirror, event));
    mirror.total++;
  }
  await commit();
}

function repeated(mirror: Mirror, { type, kv }: Event): RequestOp {
  const key = mirroredKey(mirror, kv?.key ?? EMPTY_BYTES);
  if (type === EventType.DELETE) {
    const value = createDeleteRangeRequest({ key });
    return createRequestOp({ request: { case: "requestDeleteRange", value } });
  }
  const value = createPutRequest({ key, value: kv?.value ?? EMPTY_BYTES });
  return createRequestOp({ request: { case: "requestPut", value } });
}

function mirroredKey({ prefix, destinationPrefix }: Mirror, key: Uint8Array): Uint8Array {
  return concatBytes([destinationPrefix, key.subarray(prefix.length)]);
}
