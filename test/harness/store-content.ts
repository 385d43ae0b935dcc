/** Everything that clients can see of a member's store, in a form that compares and prints well. */
import { createHash } from "node:crypto";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import type { KeyValue } from "../../src/wire/gen/kv.ts";
import { createRangeRequest, decodeRangeResponse } from "../../src/wire/gen/rpc.ts";
import { ClusterService, KVService, MaintenanceService } from "../../src/wire/gen/services.ts";
import type { EtcdProcess } from "./etcd-process.ts";
import { openRawCaller, type RawCaller } from "./raw-calls.ts";

/** The keys as of one revision, or why they cannot be read. */
export interface Generation {
  readonly revision: number;
  readonly keys: readonly string[];
}

export interface StoreContent {
  /** The newest revision. */
  readonly revision: number;
  readonly keys: readonly string[];
  readonly history: readonly Generation[];
  readonly members: readonly string[];
  readonly alarms: readonly string[];
  readonly clusterVersion: string;
}

/** Old revisions that are looked at, spread evenly. */
const HISTORY_LOOKS = 15;

/**
 * Reads the content. `revisions` are those at which the history is looked at; when absent, some between
 * the first and the newest.
 */
export async function readContent(
  server: EtcdProcess,
  revisions?: readonly number[],
): Promise<StoreContent> {
  const caller = await openRawCaller(server.endpoint);
  try {
    const { revision, keys } = await keysAt(caller, 0);
    const history: Generation[] = [];
    for (const at of revisions ?? spread(revision)) {
      history.push({ revision: at, keys: (await keysAt(caller, at)).keys });
    }
    const { memberList } = ClusterService;
    const list = await caller.call(memberList.path, new Uint8Array());
    const { members } = memberList.response.decode(list.body ?? new Uint8Array());
    return {
      revision,
      keys,
      history,
      members: members.map(
        ({ id, name, peerUrls, clientUrls }) =>
          `${id.toString(16)} ${name} ${peerUrls.join()} ${clientUrls.join()}`,
      ),
      alarms: await alarmsOf(caller),
      clusterVersion: await clusterVersionOf(server),
    };
  } finally {
    caller.close();
  }
}

/** The same content as `before`, at the same old revisions. */
export function readAgain(server: EtcdProcess, before: StoreContent): Promise<StoreContent> {
  return readContent(
    server,
    before.history.map(({ revision }) => revision),
  );
}

async function keysAt(
  caller: RawCaller,
  revision: number,
): Promise<{ revision: number; keys: string[] }> {
  const all = { key: bytesFromLatin1("\0"), rangeEnd: bytesFromLatin1("\0") };
  const { path, request } = KVService.range;
  const answer = await caller.call(path, request.encode(createRangeRequest({ ...all, revision })));
  if (answer.body === undefined) return { revision: 0, keys: [answer.text] };
  const { header, kvs } = decodeRangeResponse(answer.body);
  return { revision: header?.revision ?? 0, keys: kvs.map(describeKeyValue) };
}

function describeKeyValue({
  key,
  value,
  createRevision,
  modRevision,
  version,
  lease,
}: KeyValue): string {
  const hash = createHash("sha1").update(value).digest("hex").slice(0, 12);
  const name = Buffer.from(key).toString("latin1");
  return `${name}: created ${createRevision}, modified ${modRevision}, version ${version}, lease ${lease}, ${value.length} bytes ${hash}`;
}

function spread(newest: number): number[] {
  const step = Math.max(1, Math.floor(newest / HISTORY_LOOKS));
  const revisions: number[] = [];
  for (let at = 1; at <= newest; at += step) revisions.push(at);
  return revisions;
}

async function alarmsOf(caller: RawCaller): Promise<string[]> {
  const { path, request, response } = MaintenanceService.alarm;
  const answer = await caller.call(path, request.encode(request.create()));
  const { alarms } = response.decode(answer.body ?? new Uint8Array());
  return alarms.map(({ alarm, memberId }) => `${alarm} of ${memberId.toString(16)}`);
}

async function clusterVersionOf(server: EtcdProcess): Promise<string> {
  const answer = await fetch(`http://${server.endpoint}/version`);
  return ((await answer.json()) as { etcdcluster: string }).etcdcluster;
}
