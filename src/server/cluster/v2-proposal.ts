/** Writes of the v2 API, in whose form etcd 3.5 proposes what members tell of themselves and of the cluster. */
import { EtcdError } from "../../errors/etcd-error.ts";
import type { Member } from "../../member/member.ts";
import { createRequest, encodeRequest } from "../../wire/gen/raft-internal.ts";

/** Proposes that `path` has the value `val`; `done` is told when it is applied, or why it cannot be. */
export function proposeV2Put(
  member: Member,
  path: string,
  val: string,
  done: (failure: EtcdError | undefined) => void,
): void {
  member.proposeRaw((id) => encodeRequest(createRequest({ id, method: "PUT", path, val })), {
    onApplied: (result) => done(result instanceof EtcdError ? result : undefined),
  });
}
