/**
 * What --auto-compaction-retention means in each mode: revisions; hours when it is a whole number; else a
 * duration in Go's syntax.
 *
 * Source: etcd server/embed/etcd.go (parseCompactionRetention), v3compactor (New) (3.5).
 */
import {
  type CompactionPolicy,
  PeriodicCompaction,
  RevisionCompaction,
} from "../../member/compaction-policy.ts";
import { bytesFromUtf8, latin1FromBytes } from "../../stdx/bytes.ts";
import { GoDurationError, parseGoDuration } from "../../stdx/go-duration.ts";
import { GoNumberError, parseGoInt64 } from "../../stdx/go-number.ts";
import type { ServerConfig } from "./config.ts";
import { StartError } from "../start/start-error.ts";

const NANOSECONDS_PER_MS = 1e6;
const HOUR_NS = 3_600_000_000_000n;

/**
 * The policy that the flags ask for from `nowMs` on, `undefined` for none. Throws `StartError` with etcd's
 * text for a retention that cannot be read or has no mode.
 */
export function compactionPolicy(
  config: Pick<ServerConfig, "autoCompactionMode" | "autoCompactionRetention">,
  nowMs: number,
): CompactionPolicy | undefined {
  const { autoCompactionMode: mode, autoCompactionRetention } = config;
  const retention = parseRetention(mode, autoCompactionRetention);
  if (retention === 0n) return undefined;
  switch (mode) {
    case "periodic":
      return new PeriodicCompaction(retention, nowMs);
    case "revision":
      return new RevisionCompaction(retention);
    default:
      throw new StartError(`unsupported compaction mode ${mode}`);
  }
}

/** The retention as a duration in milliseconds; revisions count as nanoseconds, as in etcd's log. */
export function retentionMsOf(
  config: Pick<ServerConfig, "autoCompactionMode" | "autoCompactionRetention">,
): number {
  const retention = parseRetention(config.autoCompactionMode, config.autoCompactionRetention);
  return Number(retention) / NANOSECONDS_PER_MS;
}

/** Nanoseconds or revisions, as Go's int64. Throws `StartError`. */
function parseRetention(mode: string, text: string): bigint {
  if (text === "") return 0n;
  const bytes = latin1FromBytes(bytesFromUtf8(text));
  const count = parseGoInt64(bytes, 10);
  if (!(count instanceof GoNumberError) && count >= 0n) {
    if (mode === "revision") return count;
    return mode === "periodic" ? BigInt.asIntN(64, count * HOUR_NS) : 0n;
  }
  const duration = parseGoDuration(bytes);
  if (!(duration instanceof GoDurationError)) return duration;
  throw new StartError(`error parsing CompactionRetention: ${duration.message}`);
}
