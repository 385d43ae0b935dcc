/**
 * The flags of `snapshot restore`, which two tools have.
 *
 * Source: etcd etcdutl/etcdutl/snapshot_command.go, etcdctl/ctlv3/command/snapshot_command.go (3.5).
 */
import { FlagSet } from "./pflag.ts";

/** Fresh flags of `snapshot restore`; the tools describe two of them differently. */
export function restoreFlags(dataDirUsage: string, memoryMapBytes: bigint): FlagSet {
  return new FlagSet()
    .string("data-dir", "", dataDirUsage)
    .string("wal-dir", "", "Path to the WAL directory (use --data-dir if none given)")
    .string(
      "initial-cluster",
      "default=http://localhost:2380",
      "Initial cluster configuration for restore bootstrap",
    )
    .string(
      "initial-cluster-token",
      "etcd-cluster",
      "Initial cluster token for the etcd cluster during restore bootstrap",
    )
    .string(
      "initial-advertise-peer-urls",
      "http://localhost:2380",
      "List of this member's peer URLs to advertise to the rest of the cluster",
    )
    .string("name", "default", "Human-readable name for this member")
    .bool(
      "skip-hash-check",
      false,
      "Ignore snapshot integrity hash value (required if copied from data directory)",
    )
    .uint64(
      "initial-memory-map-size",
      memoryMapBytes,
      "Initial memory map size of the database in bytes. It uses the default value if not defined or defined to 0",
    )
    .uint64("bump-revision", 0n, "How much to increase the latest revision after restore")
    .bool(
      "mark-compacted",
      false,
      "Mark the latest revision after restore as the point of scheduled compaction (required if --bump-revision > 0, disallowed otherwise)",
    );
}
