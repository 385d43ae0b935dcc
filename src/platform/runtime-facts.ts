/** What Node.js says of itself: memory, garbage collection, what keeps the event loop going. */
import {
  constants,
  type NodeGCPerformanceDetail,
  type PerformanceEntry,
  PerformanceObserver,
} from "node:perf_hooks";
import process from "node:process";
import * as v8 from "node:v8";

export interface HeapSpace {
  readonly name: string;
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly availableBytes: number;
}

export interface RuntimeFacts {
  /** Such as "v20.19.2". */
  readonly version: string;
  readonly heapTotalBytes: number;
  readonly heapUsedBytes: number;
  readonly externalBytes: number;
  readonly heapSpaces: readonly HeapSpace[];
  /** Types of what keeps the event loop going, such as "Timeout"; one for each. */
  readonly activeResources: readonly string[];
}

/** Kinds of garbage collections. */
export type GarbageCollection = "major" | "minor" | "incremental" | "weakcb";

export function runtimeFacts(): RuntimeFacts {
  const { heapTotal, heapUsed, external } = process.memoryUsage();
  return {
    version: process.version,
    heapTotalBytes: heapTotal,
    heapUsedBytes: heapUsed,
    externalBytes: external,
    heapSpaces: v8.getHeapSpaceStatistics().map((space) => ({
      name: space.space_name.replace(/_space$/, ""),
      totalBytes: space.space_size,
      usedBytes: space.space_used_size,
      availableBytes: space.space_available_size,
    })),
    activeResources: process.getActiveResourcesInfo(),
  };
}

/** Calls `onCollected` for each garbage collection from now on; returns what ends that. */
export function observeGarbageCollections(
  onCollected: (kind: GarbageCollection, seconds: number) => void,
): () => void {
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { detail } = entry as PerformanceEntry & { readonly detail: NodeGCPerformanceDetail };
      onCollected(KINDS.get(detail.kind) ?? "major", entry.duration / 1000);
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  return () => observer.disconnect();
}

const KINDS = new Map<number, GarbageCollection>([
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weakcb"],
]);
