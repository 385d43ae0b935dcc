/** What the log says of the space quota at start. Source: etcd server/etcdserver/quota.go (3.5). */
import type { Log } from "../../ports/log.ts";
import { humanBytes } from "../../stdx/humanize.ts";
import { DEFAULT_QUOTA_BACKEND_BYTES, type ServerConfig } from "../config/config.ts";

/** Above it a start takes long, and etcd warns. */
const QUOTA_RECOMMENDED_BYTES_MAX = 8 * 1024 ** 3;

export function logQuota({ quotaBackendBytes: bytes }: ServerConfig, log: Log): void {
  const name = { "quota-name": "v3-applier", "quota-size-bytes": bytes };
  if (bytes < 0) {
    log.info("disabled backend quota", name);
    return;
  }
  const fields = { ...name, "quota-size": humanBytes(bytes) };
  if (bytes === DEFAULT_QUOTA_BACKEND_BYTES) {
    log.info("enabled backend quota with default value", fields);
    return;
  }
  if (bytes > QUOTA_RECOMMENDED_BYTES_MAX) {
    log.warn("quota exceeds the maximum value", {
      ...fields,
      "quota-maximum-size-bytes": QUOTA_RECOMMENDED_BYTES_MAX,
      "quota-maximum-size": humanBytes(QUOTA_RECOMMENDED_BYTES_MAX),
    });
  }
  log.info("enabled backend quota", fields);
}
