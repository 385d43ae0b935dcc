/**
 * `/debug/vars`: variables of the process as JSON, by the names that Go's expvar and etcd give them. Memory is
 * told in the form of Go's memstats with what Node.js knows; members of it that have no counterpart are 0.
 *
 * Source: etcd server/etcdserver/api/etcdhttp (base.go), raft (status.go, MarshalJSON); Go expvar.
 */
import { formatId } from "../../../membership/member-info.ts";
import type { Member } from "../../../member/member.ts";
import type { HttpServerRequest } from "../../../ports/http.ts";
import type { MemoryFacts, ProcessFacts } from "../../../ports/process-facts.ts";
import { describeRole } from "../../../raft/describe.ts";
import { goJsonString } from "../../../stdx/json.ts";
import { answerText, hasMethod } from "../answers.ts";

export function serveVars(
  member: Pick<Member, "raftStatus">,
  facts: ProcessFacts,
  request: HttpServerRequest,
): void {
  if (!hasMethod(request, "GET")) return;
  const commandLine = facts.commandLine.map(goJsonString).join(",");
  const lines = [
    `"cmdline": [${commandLine}]`,
    `"file_descriptor_limit": ${facts.fileDescriptorLimit() ?? 0}`,
    `"memstats": ${JSON.stringify(memstats(facts.memory()))}`,
    `"raft.status": ${raftStatus(member)}`,
  ];
  const headers = { "Content-Type": "application/json; charset=utf-8" };
  answerText(request, 200, headers, `{\n${lines.join(",\n")}\n}\n`);
}

const NANOSECONDS_PER_MS = 1_000_000;

/** Members of Go's runtime.MemStats. */
function memstats(memory: MemoryFacts): object {
  return {
    Alloc: memory.heapUsedBytes + memory.externalBytes,
    TotalAlloc: 0,
    Sys: memory.residentBytes,
    Lookups: 0,
    Mallocs: 0,
    Frees: 0,
    HeapAlloc: memory.heapUsedBytes,
    HeapSys: memory.heapBytes,
    HeapIdle: memory.heapBytes - memory.heapUsedBytes,
    HeapInuse: memory.heapUsedBytes,
    HeapReleased: 0,
    HeapObjects: 0,
    StackInuse: 0,
    StackSys: 0,
    MSpanInuse: 0,
    MSpanSys: 0,
    MCacheInuse: 0,
    MCacheSys: 0,
    BuckHashSys: 0,
    GCSys: 0,
    OtherSys: memory.externalBytes,
    NextGC: memory.heapLimitBytes,
    LastGC: Math.round(memory.lastCollectionMs * NANOSECONDS_PER_MS),
    PauseTotalNs: Math.round(memory.collectionSeconds * 1000 * NANOSECONDS_PER_MS),
    PauseNs: [],
    PauseEnd: [],
    NumGC: memory.collections,
    NumForcedGC: 0,
    GCCPUFraction: 0,
    EnableGC: true,
    DebugGC: false,
    BySize: [],
  };
}

const PROGRESS_NAMES = {
  probe: "StateProbe",
  replicate: "StateReplicate",
  snapshot: "StateSnapshot",
} as const;

function raftStatus(member: Pick<Member, "raftStatus">): string {
  const status = member.raftStatus();
  const progress = [...status.progress].map(
    ([id, { match, next, state }]) =>
      `"${formatId(id)}":{"match":${match},"next":${next},"state":"${PROGRESS_NAMES[state]}"}`,
  );
  return (
    `{"id":"${formatId(status.id)}","term":${status.term},"vote":"${formatId(status.vote)}",` +
    `"commit":${status.commit},"lead":"${formatId(status.lead)}",` +
    `"raftState":"${describeRole(status.role)}","applied":${status.applied},` +
    `"progress":{${progress.join(",")}},"leadtransferee":"${formatId(status.leadTransferee)}"}`
  );
}
