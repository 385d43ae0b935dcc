/** Profiles, traced calls and the level of the log, where --enable-pprof or the level "debug" serve them. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import protobuf from "protobufjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KVService } from "../../src/wire/gen/services.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { openRawCaller } from "../harness/raw-calls.ts";

/** The members of a profile that a reader needs, written down a second time. */
const SCHEMA = `syntax = "proto3";
message ValueType { int64 type = 1; int64 unit = 2; }
message Sample { repeated uint64 location_id = 1; repeated int64 value = 2; }
message Line { uint64 function_id = 1; int64 line = 2; }
message Location { uint64 id = 1; uint64 mapping_id = 2; uint64 address = 3; repeated Line line = 4; }
message Function { uint64 id = 1; int64 name = 2; int64 system_name = 3; int64 filename = 4; int64 start_line = 5; }
message Profile {
  repeated ValueType sample_type = 1;
  repeated Sample sample = 2;
  repeated Location location = 4;
  repeated Function function = 5;
  repeated string string_table = 6;
  int64 time_nanos = 9;
  int64 duration_nanos = 10;
  ValueType period_type = 11;
  int64 period = 12;
}`;

interface Decoded {
  readonly kinds: string[];
  /** Functions from the innermost to the outermost, as "name file:line", with the values of the sample. */
  readonly stacks: { readonly frames: string[]; readonly values: number[] }[];
  readonly durationMs: number;
}

interface RawProfile {
  readonly sampleType: { type: number; unit: number }[];
  readonly sample: { locationId: number[]; value: number[] }[];
  readonly location: { id: number; line: { functionId: number; line: number }[] }[];
  readonly function: { id: number; name: number; filename: number }[];
  readonly stringTable: string[];
  readonly durationNanos: number;
}

function decode(bytes: Uint8Array): Decoded {
  const type = protobuf.parse(SCHEMA).root.lookupType("Profile");
  const options = { longs: Number, defaults: true, arrays: true };
  const raw = type.toObject(type.decode(gunzipSync(bytes)), options) as RawProfile;
  const text = (index: number): string => raw.stringTable[index];
  expect(raw.stringTable[0]).toBe("");
  const functions = new Map(raw.function.map((each) => [each.id, each]));
  const frames = new Map(
    raw.location.map(({ id, line: [{ functionId, line }] }) => {
      const { name = 0, filename = 0 } = functions.get(functionId) ?? {};
      return [id, `${text(name)} ${text(filename)}:${line}`];
    }),
  );
  return {
    kinds: raw.sampleType.map(({ type: kind, unit }) => `${text(kind)}/${text(unit)}`),
    stacks: raw.sample.map(({ locationId, value }) => ({
      frames: locationId.map((id) => frames.get(id) ?? "missing"),
      values: value,
    })),
    durationMs: raw.durationNanos / 1e6,
  };
}

/** Puts so many keys, which the heap holds from then on. */
async function putMany({ endpoint }: EtcdProcess, count: number): Promise<void> {
  const caller = await openRawCaller(endpoint);
  const { request, path: put } = KVService.put;
  const calls = Array.from({ length: count }, (_, index) => {
    const key = Buffer.from(`key-${index}-${"x".repeat(200)}`);
    return caller.call(put, request.encode(request.create({ key })));
  });
  const codes = new Set((await Promise.all(calls)).map(({ code }) => code));
  expect([...codes]).toEqual([0]);
  caller.close();
}

const START_MS = 120_000;
/** The program that has pprof. */
const GO = "go";
const HAS_GO = spawnSync(GO, ["version"]).status === 0;

describe("pages for debugging", () => {
  let etcd: EtcdProcess;
  const get = (path: string): Promise<Response> => fetch(`http://${etcd.endpoint}${path}`);
  const bytesOf = async (path: string): Promise<Uint8Array> => {
    const answer = await get(path);
    expect(answer.status, path).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/octet-stream");
    return new Uint8Array(await answer.arrayBuffer());
  };

  beforeAll(async () => {
    etcd = await startEtcd({
      command: OUR_ETCD,
      flags: ["--enable-pprof", "--log-level=debug", "--log-outputs=/dev/null"],
    });
  }, START_MS);

  afterAll(async () => {
    await etcd.remove();
  });

  test("a profile of the CPU has the functions that ran, with their places", async () => {
    const profile = bytesOf("/debug/pprof/profile?seconds=1");
    const second = await get("/debug/pprof/profile?seconds=1");
    expect([second.status, second.headers.get("x-go-pprof")]).toEqual([500, "1"]);
    expect(await second.text()).toBe("Could not enable profiling: cpu profiling already in use\n");
    let isOver = false;
    const done = profile.finally(() => {
      isOver = true;
    });
    while (!isOver) await get("/metrics");
    const { kinds, stacks, durationMs } = decode(await done);
    expect(kinds).toEqual(["samples/count", "cpu/nanoseconds"]);
    expect(durationMs).toBeGreaterThan(900);
    for (const { values } of stacks) expect(values[1]).toBe(values[0] * 10_000_000);
    const all = stacks.flatMap(({ frames }) => frames);
    expect(all.join("\n")).toMatch(
      /^\S+ etcd\.program\.cjs:\d+ .*\/dist\/bin\/etcd\.program\.cjs:\d+$/m,
    );
    expect(all.join("\n")).not.toContain("(idle)");
  });

  test("profiles of the heap, what is waited for, and threads", async () => {
    await putMany(etcd, 5000);
    const heap = decode(await bytesOf("/debug/pprof/heap?gc=1"));
    expect(heap.kinds).toEqual(["inuse_space/bytes"]);
    expect(heap.stacks.length).toBeGreaterThan(0);
    for (const { values } of heap.stacks) expect(values[0]).toBeGreaterThan(0);
    const allocations = bytesOf("/debug/pprof/allocs?seconds=1");
    expect((await get("/debug/pprof/heap")).status).toBe(500);
    expect(decode(await allocations).kinds).toEqual(["alloc_space/bytes"]);
    const waiting = decode(await bytesOf("/debug/pprof/goroutine"));
    expect(waiting.stacks.map(({ frames }) => frames[0])).toContain("TCPServerWrap :0");
    const [{ values }] = decode(await bytesOf("/debug/pprof/threadcreate")).stacks;
    expect(values[0]).toBeGreaterThan(1);
    expect(decode(await bytesOf("/debug/pprof/mutex")).stacks).toEqual([]);
  });

  test.skipIf(!HAS_GO)("the program pprof reads them", async () => {
    const file = path.join(etcd.dataDir, "heap.pb.gz");
    fs.writeFileSync(file, await bytesOf("/debug/pprof/heap"));
    const { stdout, stderr, status } = spawnSync(GO, ["tool", "pprof", "-top", file]);
    expect(status, String(stderr)).toBe(0);
    expect(String(stdout)).toContain("Type: inuse_space");
  });

  test("pages for people", async () => {
    const index = await get("/debug/pprof");
    expect(index.url).toBe(`http://${etcd.endpoint}/debug/pprof/`);
    expect(await index.text()).toContain("<a href='heap?debug=1'>heap</a>");
    expect(await (await get("/debug/pprof/goroutine?debug=1")).text()).toMatch(
      /^goroutine profile: total \d+ \(goroutine\/count\)\n\d+ @\n#\t/,
    );
    expect((await (await get("/debug/pprof/cmdline")).text()).split("\0")).toContain(
      "--enable-pprof",
    );
    const unknown = await get("/debug/pprof/nothing");
    expect([unknown.status, await unknown.text()]).toEqual([404, "Unknown profile\n"]);
  });

  test("calls are traced by family and latency, without what they carry", async () => {
    const caller = await openRawCaller(etcd.endpoint);
    const { request, path: put } = KVService.put;
    const body = request.encode(
      request.create({ key: Buffer.from("k"), value: Buffer.from("secret") }),
    );
    expect(await caller.call(put, body)).toMatchObject({ code: 0 });
    expect(await caller.call(put, new Uint8Array(0))).toMatchObject({ code: 3 });
    caller.close();
    const table = await (await get("/debug/requests")).text();
    expect(table).toContain('<td class="family">grpc.Recv.KV</td>');
    expect(table).toContain("[errors 1]");
    const calls = await (await get("/debug/requests?fam=grpc.Recv.KV&b=0")).text();
    expect(calls).toMatch(/\/etcdserverpb\.KV\/Put.*recv: 1 messages, 11 bytes; sent: 1 messages/);
    expect(calls).not.toContain("secret");
    const events = await (await get("/debug/events?fam=grpc.Server&b=1")).text();
    expect(events).toContain("code 3: etcdserver: key is not provided");
    expect(await (await get("/debug/requests?fam=<b>&b=x")).text()).not.toContain("<b>");
  });

  test("the level of the log", async () => {
    const url = `http://${etcd.endpoint}/config/local/log`;
    expect(await (await fetch(url)).json()).toEqual({ Level: "DEBUG" });
    const set = await fetch(url, { method: "PUT", body: '{"Level":"WARN"}' });
    expect(set.status).toBe(204);
    expect(await (await fetch(url)).json()).toEqual({ Level: "WARN" });
  });
});
