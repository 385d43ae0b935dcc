/**
 * Asks members for their versions, each under its peer URLs in turn.
 *
 * Source: etcd server/etcdserver/cluster_util.go (getVersion, getVersions) (3.5).
 */
import type { MemberVersions, VersionsOfMembers } from "../../membership/cluster-version.ts";
import type { Member } from "../../member/member.ts";
import { formatId, type MemberInfo } from "../../membership/member-info.ts";
import type { PeerCaller, PeerResponse } from "../../peer/network.ts";
import type { Log } from "../../ports/log.ts";
import { EMPTY_BYTES, utf8FromBytes } from "../../stdx/bytes.ts";
import { JsonError, parseJson } from "../../stdx/json.ts";
import { VERSION_PROBE_TIMEOUT_MS } from "../limits.ts";
import { ETCD_VERSION } from "../version.ts";

const REQUEST = { method: "GET", path: "/version", contentType: "", body: EMPTY_BYTES } as const;

/** Calls `done` once with the versions of a member, or with why it does not tell them. */
export function askVersions(
  peers: PeerCaller,
  { id, peerUrls }: MemberInfo,
  log: Log,
  done: (answer: MemberVersions | Error) => void,
): void {
  const remote = { "remote-member-id": formatId(id) };
  const askAt = (at: number, failure: Error): void => {
    if (at === peerUrls.length) {
      done(failure);
      return;
    }
    const address = `${peerUrls[at]}/version`;
    peers.call(peerUrls[at], REQUEST, VERSION_PROBE_TIMEOUT_MS, (answer) => {
      if (answer instanceof Error) {
        log.warn("failed to reach the peer URL", { address, ...remote, error: answer.message });
        askAt(at + 1, answer);
        return;
      }
      const versions = versionsOf(answer);
      if (versions !== undefined) {
        done(versions);
        return;
      }
      const malformed = new Error("the answer does not name the versions");
      log.warn("failed to unmarshal response", { address, ...remote, error: malformed.message });
      askAt(at + 1, malformed);
    });
  };
  askAt(0, new Error("it has no peer URL"));
}

/** Calls `done` once with the versions of all members of the cluster that `member` belongs to. */
export function askAllVersions(
  member: Member,
  peers: PeerCaller,
  log: Log,
  done: (versions: VersionsOfMembers) => void,
): void {
  const { cluster } = member.applier;
  const members = cluster.members();
  const versions = new Map<bigint, MemberVersions | undefined>();
  const told = (id: bigint, answer: MemberVersions | undefined): void => {
    versions.set(id, answer);
    if (versions.size === members.length) done(versions);
  };
  for (const each of members) {
    if (each.id === member.id) {
      told(each.id, { server: ETCD_VERSION, cluster: cluster.version ?? "not_decided" });
      continue;
    }
    askVersions(peers, each, log, (answer) => {
      if (!(answer instanceof Error)) {
        told(each.id, answer);
        return;
      }
      log.warn("failed to get version", {
        "remote-member-id": formatId(each.id),
        error: answer.message,
      });
      told(each.id, undefined);
    });
  }
}

function versionsOf({ body }: PeerResponse): MemberVersions | undefined {
  try {
    const value = parseJson(utf8FromBytes(body));
    if (value === null || typeof value !== "object" || Array.isArray(value)) return undefined;
    const { etcdserver: server, etcdcluster: cluster } = value as {
      readonly [name: string]: unknown;
    };
    return typeof server === "string" && typeof cluster === "string"
      ? { server, cluster }
      : undefined;
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}
