/** Who makes a request. */
import type { RequestHeader } from "../wire/gen/raft-internal.ts";

/** As the entry of the log carries it. */
export interface AuthInfo {
  readonly username: string;
  /** Revision of the auth store when it was established who calls; 0 when nobody is named. */
  readonly revision: number;
}

/** The header of the entry that `caller` proposes under `id`. */
export function requestHeaderOf(id: bigint, caller: AuthInfo | undefined): RequestHeader {
  if (caller === undefined) return { id, username: "", authRevision: 0 };
  return { id, username: caller.username, authRevision: caller.revision };
}
