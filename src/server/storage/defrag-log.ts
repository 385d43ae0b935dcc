/** Sizes of a database as the log tells them around a defragmentation, with etcd's field names. */
import type { BackendSizes } from "../../backend/backend.ts";
import type { LogFields } from "../../ports/log.ts";
import { humanBytes } from "../../stdx/humanize.ts";

/** How large it is. */
export function defragSizeFields({ bytes, bytesInUse }: BackendSizes): LogFields {
  return {
    "current-db-size-bytes": bytes,
    "current-db-size": humanBytes(bytes),
    "current-db-size-in-use-bytes": bytesInUse,
    "current-db-size-in-use": humanBytes(bytesInUse),
  };
}

/** How large it has become. */
export function defragFinishedFields(before: BackendSizes, after: BackendSizes): LogFields {
  return {
    "current-db-size-bytes-diff": after.bytes - before.bytes,
    "current-db-size-bytes": after.bytes,
    "current-db-size": humanBytes(after.bytes),
    "current-db-size-in-use-bytes-diff": after.bytesInUse - before.bytesInUse,
    "current-db-size-in-use-bytes": after.bytesInUse,
    "current-db-size-in-use": humanBytes(after.bytesInUse),
  };
}
