/**
 * What a member tells the cluster once it runs: its name and client URLs, and, as leader, the cluster
 * version. Proposed as etcd 3.5 does, as writes of the v2 API.
 *
 * Source: etcd server/etcdserver/server.go (publish, monitorVersions, updateClusterVersionV2).
 */
import { attributesPathOf, CLUSTER_VERSION_PATH } from "../apply/cluster-operations.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { Member } from "../member/member.ts";
import { type Attributes, encodeAttributes, formatId } from "../membership/member-info.ts";
import type { Log } from "../ports/log.ts";
import { createRequest, encodeRequest } from "../wire/gen/raft-internal.ts";
import { ETCD_VERSION } from "./version.ts";

/** The cluster version that members of this release run at: major and minor with patch 0. */
export const CLUSTER_VERSION = `${ETCD_VERSION.split(".").slice(0, 2).join(".")}.0`;

/** Publishes the member's attributes; tries again until it is applied or the member stops. */
export function publishAttributes(
  member: Member,
  attributes: Attributes,
  log: Log,
  done: () => void,
): void {
  const path = attributesPathOf(formatId(member.id));
  proposeV2Put(member, path, encodeAttributes(attributes), (result) => {
    if (result === undefined) {
      log.info("published local member to cluster through raft", {
        "local-member-id": formatId(member.id),
        "local-member-attributes": encodeAttributes(attributes),
        "request-path": path,
      });
      done();
    } else if (result !== Errors.Stopped) {
      log.warn("failed to publish local member to cluster through raft", {
        "local-member-id": formatId(member.id),
        "request-path": path,
        error: result.message,
      });
      publishAttributes(member, attributes, log, done);
    }
  });
}

/** Sets the cluster version when this member leads and it is not the one it should be. */
export function updateClusterVersion(member: Member, log: Log): void {
  const { version } = member.applier.cluster;
  if (!member.isLeader() || version === CLUSTER_VERSION) return;
  if (version === undefined) {
    log.info("setting up initial cluster version using v2 API", {
      "cluster-version": CLUSTER_VERSION,
    });
  } else {
    log.info("updating cluster version using v2 API", { from: version, to: CLUSTER_VERSION });
  }
  proposeV2Put(member, CLUSTER_VERSION_PATH, CLUSTER_VERSION, (result) => {
    if (result === undefined) return;
    log.warn("failed to update cluster version", { error: result.message });
  });
}

function proposeV2Put(
  member: Member,
  path: string,
  val: string,
  done: (error: EtcdError | undefined) => void,
): void {
  member.proposeRaw((id) => encodeRequest(createRequest({ id, method: "PUT", path, val })), {
    onApplied: (result) => done(result instanceof EtcdError ? result : undefined),
  });
}
