/**
 * Operations on the membership's attributes and the cluster version. They are applied to the membership in
 * memory on every replay, and to the backend only when it does not hold them yet.
 *
 * etcd 3.5 proposes its own attributes and the cluster version as requests of the v2 API; 3.6 with typed
 * messages. Both are understood.
 *
 * Source: etcd server/etcdserver/apply_v2.go, apply.go (applierV3backend.ClusterVersionSet and others).
 */
import { NO_DOWNGRADE } from "../membership/downgrade.ts";
import { type Attributes, decodeAttributes, formatId, parseId } from "../membership/member-info.ts";
import { shortVersion } from "../membership/version.ts";
import type { DowngradeInfoSetRequest } from "../wire/gen/membership.ts";
import type { InternalRaftRequestOperation, Request } from "../wire/gen/raft-internal.ts";
import type { Applier } from "./applier.ts";

const ATTRIBUTES_PATH = /^\/0\/members\/([0-9a-f]{1,16})\/attributes$/;
const VERSION_PATH = "/0/version";

/** Path under which a member publishes itself. */
export function attributesPathOf(idText: string): string {
  return `/0/members/${idText}/attributes`;
}

export { VERSION_PATH as CLUSTER_VERSION_PATH };

/** Applies an operation on the cluster; false when it is none. */
export function applyClusterOperation(
  applier: Applier,
  operation: InternalRaftRequestOperation,
  changesBackend: boolean,
): boolean {
  switch (operation.case) {
    case "v2":
      applyV2Request(applier, operation.value, changesBackend);
      return true;
    case "clusterVersionSet":
      setClusterVersion(applier, operation.value.ver, changesBackend);
      return true;
    case "clusterMemberAttrSet": {
      const { memberId, memberAttributes } = operation.value;
      const { name = "", clientUrls = [] } = memberAttributes ?? {};
      updateAttributes(applier, memberId, { name, clientUrls }, changesBackend);
      return true;
    }
    case "downgradeInfoSet":
      // What the backend holds of it was read from there at start.
      if (changesBackend) setDowngrade(applier, operation.value);
      return true;
    default:
      return false;
  }
}

/**
 * Applies a request of the v2 API. Those that concern the cluster are served; SYNC, which expires v2 keys,
 * has nothing to do. Keys of the v2 API cannot be kept here: an entry that writes one stops the member
 * before anything is lost.
 */
export function applyV2Request(applier: Applier, request: Request, changesBackend: boolean): void {
  const attributes = ATTRIBUTES_PATH.exec(request.path);
  if (request.method === "PUT" && attributes !== null) {
    const id = parseId(attributes[1]) ?? 0n;
    updateAttributes(applier, id, decodeAttributes(request.val), changesBackend);
  } else if (request.method === "PUT" && request.path === VERSION_PATH) {
    setClusterVersion(applier, request.val, changesBackend);
  } else if (request.method !== "SYNC" && request.method !== "QGET") {
    throw new UnsupportedEntryError(
      `the log holds a write of the v2 API (${request.method} ${request.path})`,
    );
  }
}

/**
 * What a member says of itself after its start. When it is this one, the backend gets the whole membership as
 * it is in memory: in databases of etcd before 3.5.20 promotions and attributes are missing, and in some a
 * member is left that was removed. etcd 3.6 reads the membership from there alone.
 */
function updateAttributes(
  { cluster, records, memberId, log }: Applier,
  id: bigint,
  attributes: Attributes,
  changesBackend: boolean,
): void {
  if (!cluster.updateAttributes(id, attributes) || !changesBackend) return;
  for (const member of cluster.members()) {
    if (id === memberId || id === member.id) records.putMember(member);
  }
  if (id !== memberId) return;
  for (const stored of records.members()) {
    if (cluster.member(stored.id) !== undefined) continue;
    log.warn("Removing zombie member from v3store", { member: formatId(stored.id) });
    records.removeMember(stored.id);
  }
}

/** A committed entry that this version cannot apply: applying the rest without it would lose it. */
export class UnsupportedEntryError extends Error {
  constructor(what: string) {
    super(
      `${what}, which this version does not serve; start etcd 3.5 on this data directory instead`,
    );
    this.name = "UnsupportedEntryError";
  }
}

function setClusterVersion(applier: Applier, version: string, changesBackend: boolean): void {
  const previous = applier.cluster.version;
  applier.cluster.version = version;
  if (changesBackend) applier.records.putClusterVersion(version);
  if (previous === version) return;
  const ids = {
    "cluster-id": formatId(applier.cluster.id),
    "local-member-id": formatId(applier.memberId),
  };
  const to = shortVersion(version);
  if (previous === undefined) {
    applier.log.info("set initial cluster version", { ...ids, "cluster-version": to });
  } else {
    applier.log.info("updated cluster version", { ...ids, from: shortVersion(previous), to });
  }
  applier.log.info("enabled capabilities for version", { "cluster-version": to });
}

function setDowngrade(applier: Applier, { enabled, ver }: DowngradeInfoSetRequest): void {
  const downgrade = enabled ? { enabled, targetVersion: ver } : NO_DOWNGRADE;
  applier.cluster.downgrade = downgrade;
  applier.records.putDowngrade(downgrade);
  if (enabled) applier.log.info("The server is ready to downgrade", { "target-version": ver });
}
