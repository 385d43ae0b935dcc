/** What this process knows of itself. */
import fs from "node:fs";
import { PerformanceObserver, performance } from "node:perf_hooks";
import process from "node:process";
import v8 from "node:v8";
import { shownWords } from "../stdx/secret-words.ts";
import type { MemoryFacts, ProcessFacts } from "../ports/process-facts.ts";

/** Facts of this process. Collections of garbage are counted from the first call on. */
export function systemProcessFacts(): ProcessFacts {
  const collections = countCollections();
  return {
    commandLine: shownWords(process.argv),
    fileDescriptorLimit,
    memory: () => ({ ...memory(), ...collections }),
  };
}

type CollectionFacts = Pick<MemoryFacts, "collections" | "collectionSeconds" | "lastCollectionMs">;

function countCollections(): CollectionFacts {
  const facts = { collections: 0, collectionSeconds: 0, lastCollectionMs: 0 };
  const observer = new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) {
      facts.collections++;
      facts.collectionSeconds += duration / 1000;
      facts.lastCollectionMs = performance.timeOrigin + startTime + duration;
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  return facts;
}

function memory(): Omit<MemoryFacts, keyof CollectionFacts> {
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
  return {
    residentBytes: rss,
    heapUsedBytes: heapUsed,
    heapBytes: heapTotal,
    heapLimitBytes: v8.getHeapStatistics().heap_size_limit,
    externalBytes: external,
  };
}

/** The soft limit of this process, as Linux tells it. */
function fileDescriptorLimit(): number | undefined {
  try {
    const limits = fs.readFileSync("/proc/self/limits", "utf8");
    const limit = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return limit === undefined ? undefined : Number(limit);
  } catch (error) {
    // Other systems have no such file.
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}
