/**
 * check perf and check datascale: whether a cluster keeps up with a load, and what its data costs.
 *
 * Differs from etcd: how far a check has come is shown on the error stream, and only on a terminal.
 *
 * Source: etcd etcdctl/ctlv3/command/check.go, util.go (compact, defrag, endpointMemoryMetrics).
 */
import type { Client } from "../../client/client.ts";
import type { Clock } from "../../ports/clock.ts";
import { bytesFromLatin1 } from "../../stdx/bytes.ts";
import { goQuote } from "../../stdx/go-quote.ts";
import { textOf } from "../byte-text.ts";
import { ProgressBar } from "../progress-bar.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { Pacer } from "../pacer.ts";
import { Gate, type LoadReport, putThrough } from "./check-load.ts";
import { type ClientConfig, connect, endpointsOf, openWith } from "./client-config.ts";
import { residentBytes } from "./check-memory.ts";
import { prefixRange } from "../key-prefix.ts";
import { type EtcdctlCall, orExit, type Session } from "./session.ts";

const PERF_SECONDS = 60;
const PERF_SHARE_MIN = 0.9;
const PERF_SLOWEST_SECONDS_MAX = 0.5;
const PERF_DEVIATION_SECONDS_MAX = 0.1;
const CLEAN_UP_TIMEOUT_MS = 30_000;

/** Loads by name: puts per second, or puts in all. */
const PERF_LOADS: ReadonlyMap<string, Workload> = new Map([
  ["s", { limit: 150, clients: 50 }],
  ["m", { limit: 1000, clients: 200 }],
  ["l", { limit: 8000, clients: 500 }],
  ["xl", { limit: 15_000, clients: 1000 }],
]);

const DATASCALE_LOADS: ReadonlyMap<string, Workload> = new Map([
  ["s", { limit: 10_000, clients: 50 }],
  ["m", { limit: 100_000, clients: 200 }],
  ["l", { limit: 1_000_000, clients: 500 }],
  ["xl", { limit: 3_000_000, clients: 1000 }],
]);

const LOAD_NAMES: ReadonlyMap<string, string> = new Map([
  ["small", "s"],
  ["medium", "m"],
  ["large", "l"],
  ["xLarge", "xl"],
]);

interface Workload {
  readonly limit: number;
  readonly clients: number;
}

function workloadOf({ flags }: EtcdctlCall, loads: ReadonlyMap<string, Workload>): Workload {
  const name = flags.getString("load");
  const workload = loads.get(LOAD_NAMES.get(name) ?? name);
  if (workload !== undefined) return workload;
  throw new ToolExit(ExitCode.BAD_FEATURE, `unknown load option ${name}`);
}

/** What a check works with. */
interface Check {
  readonly session: Session;
  readonly call: EtcdctlCall;
  /** The first one also prepares and cleans up. */
  readonly clients: readonly [Client, ...Client[]];
  readonly endpoints: readonly string[];
  readonly config: ClientConfig;
  readonly prefix: string;
}

async function prepare(session: Session, call: EtcdctlCall, clients: number): Promise<Check> {
  const { client, config } = await connect(session, call);
  const endpoints = await endpointsOf(session, call.flags);
  const others: Client[] = [];
  while (others.length < clients - 1) others.push(await openWith(session, endpoints, config));
  const prefix = call.flags.getString("prefix");
  return { session, call, clients: [client, ...others], endpoints, config, prefix };
}

/** Ends the tool when there are keys already; `howTo` follows "Delete with". */
async function refuseKeys(
  { clients, prefix }: Check,
  howTo: string,
  deadlineMs?: number,
): Promise<void> {
  const range = { ...prefixRange(bytesFromLatin1(prefix)), limit: 1 };
  const { kvs } = await orExit(clients[0].kv.range(range, { deadlineMs }));
  if (kvs.length === 0) return;
  const message = `prefix ${goQuote(prefix)} has keys. Delete with ${howTo} first`;
  throw new ToolExit(ExitCode.INVALID_INPUT, message);
}

/** Deletes what the check put, and where that is wished its history, and its space. */
async function cleanUp(check: Check, deadlineMs?: number): Promise<void> {
  const { clients, call, session, endpoints, prefix } = check;
  const [client] = clients;
  const out = (text: string): void => session.io.out(text);
  const range = prefixRange(bytesFromLatin1(prefix));
  const { header } = await orExit(client.kv.deleteRange(range, { deadlineMs }));
  if (call.flags.getBool("auto-compact")) {
    const revision = header?.revision ?? 0;
    out(`Compacting with revision ${revision}\n`);
    await orExit(client.kv.compact({ revision, physical: true }));
    out(`Compacted with revision ${revision}\n`);
  }
  if (!call.flags.getBool("auto-defrag")) return;
  for (const endpoint of endpoints) {
    out(`Defragmenting ${goQuote(endpoint)}\n`);
    await orExit(client.maintenance.defragment(textOf(endpoint)));
    out(`Defragmented ${goQuote(endpoint)}\n`);
  }
}

function showErrors({ io }: Session, { errors }: LoadReport): void {
  io.out("FAIL: too many errors\n");
  for (const [message, count] of errors) io.out(`FAIL: ERROR(${message}) -> ${count}\n`);
}

export async function runCheckPerf(session: Session, call: EtcdctlCall): Promise<void> {
  const { clock, io } = session;
  const workload = workloadOf(call, PERF_LOADS);
  const check = await prepare(session, call, workload.clients);
  const { clients, prefix } = check;
  const howTo = `'etcdctl del --prefix ${prefix}'`;
  await refuseKeys(check, howTo, clock.nowMs() + PERF_SECONDS * 1000);

  const load = { prefix, keyBytes: 256, valueBytes: 1024, random: session.random };
  const bar = new ProgressBar(io, clock, secondsText);
  const gate = new Gate(workload.clients);
  const startMs = clock.nowMs();
  const pacing = pace(gate, workload.limit, clock, (doneMs) => {
    bar.show(doneMs / 1000, PERF_SECONDS);
  });
  const report = await putThrough(gate, clients, load, clock, () => undefined);
  await pacing;
  const perSecond = report.count / ((clock.nowMs() - startMs) / 1000);
  bar.clear();
  await cleanUp(check, clock.nowMs() + CLEAN_UP_TIMEOUT_MS);
  if (isPassed(session, report, perSecond, workload.limit)) {
    io.out("PASS\n");
    return;
  }
  io.out("FAIL\n");
  throw new ToolExit(ExitCode.ERROR, undefined);
}

/** Lets puts in at a steady rate, for the time of the check. */
async function pace(
  gate: Gate,
  perSecond: number,
  clock: Clock,
  onTick: (doneMs: number) => void,
): Promise<void> {
  const startMs = clock.nowMs();
  const pacer = new Pacer(perSecond, startMs);
  for (;;) {
    const nowMs = clock.nowMs();
    const leftMs = startMs + PERF_SECONDS * 1000 - nowMs;
    if (leftMs <= 0) break;
    gate.letIn(pacer.take(nowMs, gate.room));
    onTick(nowMs - startMs);
    const waitMs = Math.min(leftMs, Math.max(1, pacer.waitMs));
    await new Promise<void>((resolve) => {
      clock.after(waitMs, resolve);
    });
  }
  gate.close();
}

/** Tells what was measured, and whether all of it is good enough. */
function isPassed(
  session: Session,
  report: LoadReport,
  perSecond: number,
  wantedPerSecond: number,
): boolean {
  const { io } = session;
  const { slowest, standardDeviation } = report;
  const hasErrors = report.errors.size > 0;
  if (hasErrors) showErrors(session, report);
  const isQuick = perSecond / wantedPerSecond > PERF_SHARE_MIN;
  const writes = `${Math.floor(perSecond) + 1} writes/s\n`;
  io.out(isQuick ? `PASS: Throughput is ${writes}` : `FAIL: Throughput too low: ${writes}`);
  const isPrompt = slowest <= PERF_SLOWEST_SECONDS_MAX;
  const slow = isPrompt ? "PASS: Slowest request took" : "Slowest request took too long:";
  io.out(`${slow} ${slowest.toFixed(6)}s\n`);
  const isEven = standardDeviation <= PERF_DEVIATION_SECONDS_MAX;
  const deviation = isEven ? "PASS: Stddev is" : "Stddev too high:";
  io.out(`${deviation} ${standardDeviation.toFixed(6)}s\n`);
  return !hasErrors && isQuick && isPrompt && isEven;
}

export async function runCheckDatascale(session: Session, call: EtcdctlCall): Promise<void> {
  const { clock, io } = session;
  const { limit, clients: clientCount } = workloadOf(call, DATASCALE_LOADS);
  const check = await prepare(session, call, clientCount);
  const { clients, prefix, endpoints, config } = check;
  await refuseKeys(check, `etcdctl del --prefix ${prefix}`);

  const before = await residentBytes(session, endpoints[0], config.tls);
  if (before === 0) failMemory(session, "before");
  io.out(
    `Start data scale check for work load [${limit} key-value pairs, 1024 bytes per key-value, ${clientCount} concurrent clients].\n`,
  );
  const bar = new ProgressBar(io, clock, countText);
  const gate = new Gate(limit);
  gate.letIn(limit);
  gate.close();
  let done = 0;
  const load = { prefix, keyBytes: 512, valueBytes: 512, random: session.random };
  const report = await putThrough(gate, clients, load, clock, () => bar.show(++done, limit));
  bar.clear();
  const after = await residentBytes(session, endpoints[0], config.tls);
  if (after === 0) failMemory(session, "after");
  await cleanUp(check);
  if (report.errors.size > 0) {
    showErrors(session, report);
    throw new ToolExit(ExitCode.ERROR, undefined);
  }
  const megabytes = ((after - before) / (1024 * 1024)).toFixed(2);
  io.out(`PASS: Approximate system memory used : ${megabytes} MB.\n`);
}

function failMemory({ io }: Session, when: string): never {
  const name = "process_resident_memory_bytes";
  io.out(`FAIL: Could not read ${name} ${when} the put operations.\n`);
  throw new ToolExit(ExitCode.ERROR, undefined);
}

function secondsText(done: number, total: number): string {
  return `${Math.floor(done)} of ${total} s`;
}

function countText(done: number, total: number): string {
  return `${done} of ${total}`;
}
