/**
 * What the members of a cluster answer to one that is not one of them yet: who they are, and which versions
 * they have.
 *
 * Source: etcd server/etcdserver/cluster_util.go (3.5).
 */
import type { MemberVersions } from "../../membership/cluster-version.ts";
import { decodeMemberList, type MemberInfo, parseId } from "../../membership/member-info.ts";
import type { PeerCaller, PeerRequest, PeerResponse } from "../../peer/network.ts";
import type { Log } from "../../ports/log.ts";
import { goQuoteText } from "../../stdx/go-url.ts";
import { utf8FromBytes } from "../../stdx/bytes.ts";
import { VERSION_PROBE_TIMEOUT_MS } from "../limits.ts";
import { askVersions } from "../cluster/peer-versions.ts";

export interface RemoteCluster {
  readonly id: bigint;
  /** By ascending id; at least one. */
  readonly members: readonly MemberInfo[];
}

/**
 * The cluster as the first of `urls` describes it that answers within `timeoutMs`, or why there is none, in
 * etcd's words. `log` is told of those that do not answer.
 */
export async function askForCluster(
  peers: PeerCaller,
  urls: readonly string[],
  timeoutMs: number,
  log: Log | undefined,
): Promise<RemoteCluster | Error> {
  for (const url of urls) {
    const address = `${url}/members`;
    const answer = await get(peers, url, "/members", timeoutMs);
    if (answer instanceof Error) {
      log?.warn("failed to get cluster response", { address, error: answer.message });
      continue;
    }
    const members = membersOf(answer);
    if (members instanceof Error) {
      log?.warn("failed to unmarshal cluster response", { address, error: members.message });
      continue;
    }
    const header = headerOf(answer, "X-Etcd-Cluster-ID");
    const id = parseId(header);
    if (id === undefined) {
      const error = `strconv.ParseUint: parsing ${goQuoteText(header)}: invalid syntax`;
      log?.warn("failed to parse cluster ID", { address, header, error });
      continue;
    }
    if (members.length > 0) return { id, members };
    return new Error("failed to get raft cluster member(s) from the given URLs");
  }
  return new Error("could not retrieve cluster information from the given URLs");
}

/** The versions of a member, or why it does not tell them. */
export function askForVersions(
  peers: PeerCaller,
  member: MemberInfo,
  log: Log,
): Promise<MemberVersions | Error> {
  return new Promise((resolve) => askVersions(peers, member, log, resolve));
}

/** Whether one of `members` knows of a downgrade. */
export async function askForDowngrade(
  peers: PeerCaller,
  members: readonly MemberInfo[],
): Promise<boolean> {
  for (const { peerUrls } of members) {
    for (const url of peerUrls) {
      const answer = await get(peers, url, "/downgrade/enabled", VERSION_PROBE_TIMEOUT_MS);
      if (answer instanceof Error || answer.status !== 200) continue;
      const text = utf8FromBytes(answer.body);
      if (text === "true") return true;
      if (text === "false") break;
    }
  }
  return false;
}

function get(
  peers: PeerCaller,
  url: string,
  path: string,
  timeoutMs: number,
): Promise<PeerResponse | Error> {
  const request: PeerRequest = { method: "GET", path, contentType: "", body: new Uint8Array(0) };
  return new Promise((resolve) => peers.call(url, request, timeoutMs, resolve));
}

/** The value of a header, whose name may be written in any case; empty when it is missing. */
function headerOf({ headers }: PeerResponse, name: string): string {
  const wanted = name.toLowerCase();
  return Object.entries(headers).find(([key]) => key.toLowerCase() === wanted)?.[1] ?? "";
}

function membersOf({ body }: PeerResponse): MemberInfo[] | Error {
  try {
    const members = decodeMemberList(utf8FromBytes(body));
    return members.sort((a, b) => (a.id < b.id ? -1 : 1));
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}
