/** The profilers of V8, over node:inspector in the process itself. */
import fs from "node:fs";
import inspector from "node:inspector";
import process from "node:process";
import { fileURLToPath } from "node:url";
import zlib from "node:zlib";
import {
  CPU_SAMPLE_INTERVAL_US,
  HEAP_SAMPLE_INTERVAL_BYTES,
  type ProfiledFunction,
  type Profiler,
  type ProfileSample,
  type StackProfile,
} from "../ports/profiler.ts";

const NANOSECONDS_PER_US = 1000;

/** Begins to note who allocates what: a sample for each half megabyte, which costs next to nothing. */
export function startProfiler(): Profiler {
  return new V8Profiler();
}

class V8Profiler implements Profiler {
  readonly #session = new inspector.Session();
  #cpuIsBusy = false;
  #heapIsBusy = false;

  constructor() {
    this.#session.connect();
    this.#post("Profiler.enable");
    this.#post("HeapProfiler.enable");
    this.#noteHeld();
  }

  cpu(durationMs: number, done: (result: StackProfile | Error) => void): () => void {
    if (this.#cpuIsBusy) {
      done(new Error("cpu profiling already in use"));
      return () => undefined;
    }
    this.#cpuIsBusy = true;
    this.#post("Profiler.setSamplingInterval", { interval: CPU_SAMPLE_INTERVAL_US });
    this.#post("Profiler.start");
    return once(durationMs, () => {
      this.#session.post("Profiler.stop", (error, result) => {
        this.#cpuIsBusy = false;
        done(error ?? cpuProfile(result.profile));
      });
    });
  }

  heap(collectFirst: boolean, done: (result: StackProfile | Error) => void): void {
    if (this.#heapIsBusy) {
      done(new Error("allocations are being profiled"));
      return;
    }
    if (collectFirst) this.#post("HeapProfiler.collectGarbage");
    this.#session.post("HeapProfiler.getSamplingProfile", (error, result) =>
      done(error ?? heapProfile(result.profile)),
    );
  }

  allocations(durationMs: number, done: (result: StackProfile | Error) => void): () => void {
    if (this.#heapIsBusy) {
      done(new Error("allocations are being profiled"));
      return () => undefined;
    }
    this.#heapIsBusy = true;
    this.#post("HeapProfiler.stopSampling");
    this.#post("HeapProfiler.startSampling", {
      samplingInterval: HEAP_SAMPLE_INTERVAL_BYTES,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
    return once(durationMs, () => {
      this.#session.post("HeapProfiler.stopSampling", (error, result) => {
        this.#heapIsBusy = false;
        this.#noteHeld();
        done(error ?? heapProfile(result.profile));
      });
    });
  }

  waiting(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const kind of process.getActiveResourcesInfo()) {
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    return counts;
  }

  threads(): number {
    try {
      return fs.readdirSync("/proc/self/task").length;
    } catch (error) {
      // Other systems have no such folder.
      if (error instanceof Error && "code" in error) return 0;
      throw error;
    }
  }

  gzip(bytes: Uint8Array): Uint8Array {
    return zlib.gzipSync(bytes);
  }

  #noteHeld(): void {
    this.#post("HeapProfiler.startSampling", { samplingInterval: HEAP_SAMPLE_INTERVAL_BYTES });
  }

  /** Commands to the own process are carried out before this returns. */
  #post(command: string, parameters: object = {}): void {
    this.#session.post(command, parameters, (error) => {
      if (error !== null) throw new Error(`${command}: ${error.message}`);
    });
  }
}

/** Calls `finish` after `durationMs`, or when the returned function is called, whichever is first. */
function once(durationMs: number, finish: () => void): () => void {
  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    finish();
  };
  const timer = setTimeout(end, durationMs);
  return end;
}

function cpuProfile({ nodes }: inspector.Profiler.Profile): StackProfile {
  const indexes = new Map(nodes.map(({ id }, index) => [id, index]));
  const parents = new Map<number, number>();
  for (const [index, { children = [] }] of nodes.entries()) {
    for (const child of children) parents.set(indexes.get(child) ?? -1, index);
  }
  const functions = nodes.map(({ callFrame }, index) =>
    profiledFunction(callFrame, parents.get(index) ?? -1),
  );
  const samples: ProfileSample[] = [];
  for (const [node, { callFrame, positionTicks = [] }] of nodes.entries()) {
    if (callFrame.functionName === "(idle)") continue;
    for (const { line, ticks } of positionTicks) {
      const values = [ticks, ticks * CPU_SAMPLE_INTERVAL_US * NANOSECONDS_PER_US];
      samples.push({ node, line, values });
    }
  }
  return { nodes: functions, samples };
}

function heapProfile({ head }: inspector.HeapProfiler.SamplingHeapProfile): StackProfile {
  const nodes: ProfiledFunction[] = [];
  const samples: ProfileSample[] = [];
  const waiting = [{ node: head, parent: -1 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, parent } = next;
    const index = nodes.push(profiledFunction(node.callFrame, parent)) - 1;
    if (node.selfSize > 0) samples.push({ node: index, line: 0, values: [node.selfSize] });
    for (const child of node.children) waiting.push({ node: child, parent: index });
  }
  return { nodes, samples };
}

function profiledFunction(
  { functionName, url, lineNumber }: inspector.Runtime.CallFrame,
  parent: number,
): ProfiledFunction {
  const file = url.startsWith("file:") ? fileURLToPath(url) : url;
  return { name: functionName, file, line: lineNumber + 1, parent };
}
