/**
 * put: puts, and where that is wished compactions meanwhile and a hash of the keys at the end.
 *
 * Source: etcd tools/benchmark/cmd/put.go (3.5).
 */
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import { humanBytes } from "../../stdx/humanize.ts";
import { bytesFromLatin1, concatBytes } from "../../stdx/bytes.ts";
import { Prng } from "../../stdx/prng.ts";
import { varintBytes } from "../../stdx/varint.ts";
import { createPutRequest, encodePutRequest } from "../../wire/gen/rpc.ts";
import { KVService, MaintenanceService } from "../../wire/gen/services.ts";
import { byteString } from "../byte-text.ts";
import { Bodies, type KeySpace, keySpaceOf, writeKey } from "./key-space.ts";
import type { LatencyReport } from "./latency-report.ts";
import { VALUE_BYTES_MAX } from "./limits.ts";
import type { LoadConnection } from "./load-connection.ts";
import { measureLoad } from "./run-load.ts";
import type { BenchmarkCall, BenchmarkSession } from "./session.ts";
import {
  ConnectionOpener,
  isJson,
  millisecondsOf,
  numberOf,
  openReport,
  rateOf,
  refuse,
  showReport,
  totalOf,
} from "./settings.ts";

export async function runPut(session: BenchmarkSession, call: BenchmarkCall): Promise<void> {
  const { flags } = call;
  const space = keySpaceOf(flags);
  const value = randomValue(session, numberOf(flags, "val-size", 0, VALUE_BYTES_MAX));
  const bodies = new Bodies(putBodyMaker(space, value, bytesFromLatin1(flags.getString("prefix"))));
  const random = new Prng(session.random.below(2 ** 32));
  const isSequential = flags.getBool("sequential-keys");
  const load = {
    path: KVService.put.path,
    total: totalOf(flags),
    perSecond: rateOf(flags),
    body: (index: number) =>
      bodies.get(isSequential ? index % space.size : random.below(space.size)),
  };
  const opener = await ConnectionOpener.create(session, call);
  const connections = await opener.openForCallers(call);
  const report = openReport(session, call);
  const stopCompacting = compactNowAndThen(session, call, connections[0], report);
  const figures = await measureLoad(session, load, connections, report);
  await stopCompacting();
  showReport(session, call, "put", figures, "\n");
  if (flags.getBool("check-hashkv")) await showHash(session, call, connections[0]);
}

/** Random bytes of which all puts of a load have the same. */
export function randomValue({ random }: BenchmarkSession, bytes: number): Uint8Array {
  const value = new Uint8Array(bytes);
  random.fill(value);
  return value;
}

/** Makes requests that differ in nothing but the number of their key. */
function putBodyMaker(
  space: KeySpace,
  value: Uint8Array,
  prefix: Uint8Array,
): (number: number) => Uint8Array {
  const key = concatBytes([prefix, new Uint8Array(space.keyBytes)]);
  const pattern = encodePutRequest(createPutRequest({ key, value }));
  // In front of the key are its field's number, one byte, and its length.
  const keyAt = 1 + varintBytes(key.length) + prefix.length;
  return (number) => {
    const body = pattern.slice();
    writeKey(number, body, keyAt);
    return body;
  };
}

/** Compacts again and again while puts go on. Returns how to stop, after what is under way. Failures are reported. */
function compactNowAndThen(
  { clock }: BenchmarkSession,
  { flags }: BenchmarkCall,
  connection: LoadConnection,
  report: LatencyReport,
): () => Promise<void> {
  const intervalMs = millisecondsOf(flags, "compact-interval");
  const delta = Number(flags.getInteger("compact-index-delta"));
  let isStopped = intervalMs <= 0;
  const compact = async (): Promise<void> => {
    const { header } = await connection.ask(KVService.range, {
      key: new Uint8Array([0]),
      limit: 1,
    });
    const revision = (header?.revision ?? 0) - delta;
    // Differs from etcd: a young keyspace has nothing to compact yet, and that does not end the load.
    if (revision > 0) await connection.ask(KVService.compact, { revision });
  };
  let latest = Promise.resolve();
  const next = (): void => {
    if (isStopped) return;
    clock.after(intervalMs, () => {
      if (isStopped) return;
      const failed = (error: unknown): void => {
        if (!(error instanceof Error)) throw error;
        report.failed(`compaction: ${error.message}`);
      };
      latest = compact().catch(failed).finally(next);
    });
  };
  next();
  return () => {
    isStopped = true;
    return latest;
  };
}

async function showHash(
  session: BenchmarkSession,
  call: BenchmarkCall,
  connection: LoadConnection,
): Promise<void> {
  const { io, clock } = session;
  const [endpoint] = call.flags.getStrings("endpoints").map((text) => text.trim());
  const startMs = clock.nowMs();
  const asked = async <T>(what: string, asking: Promise<T>): Promise<T> => {
    try {
      return await asking;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const reason = byteString(error.message);
      return refuse(`Failed to get the ${what} of endpoint ${endpoint} (${reason})`);
    }
  };
  const { hash } = await asked("hashkv", connection.ask(MaintenanceService.hashKV, {}));
  const tookMs = clock.nowMs() - startMs;
  const { dbSize } = await asked("status", connection.ask(MaintenanceService.status, {}));
  if (isJson(call)) {
    const line = { hashKv: hash, endpoint, seconds: tookMs / 1000, dbSizeBytes: dbSize };
    io.out(`${JSON.stringify(line)}\n`);
    return;
  }
  const took = byteString(goDurationOfMs(tookMs));
  io.out(
    `HashKV Summary:\n\tHashKV: ${hash}\n\tEndpoint: ${endpoint}\n` +
      `\tTime taken to get hashkv: ${took}\n\tDB size: ${humanBytes(dbSize)}\n`,
  );
}
