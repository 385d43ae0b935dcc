/**
 * Whether a caller may read the keys of all leases, which is what a list of them needs. There may be very many:
 * they are asked for in slices beside the requests.
 *
 * Source: etcd server/etcdserver/v3_server.go (checkLeaseLeases; 3.5).
 */
import type { AuthInfo } from "../auth/auth-info.ts";
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { Lease } from "../lease/lease.ts";
import { bytesFromLatin1, EMPTY_BYTES } from "../stdx/bytes.ts";
import type { BackgroundTask, LeaseContext } from "./context.ts";
import { LEASE_KEYS_PER_SLICE } from "./limits.ts";

export class LeaseRights implements BackgroundTask {
  readonly #member: LeaseContext["member"];
  readonly #caller: AuthInfo;
  readonly #isGone: () => boolean;
  readonly #done: (refused: EtcdError | undefined) => void;
  readonly #perSlice: number;
  readonly #revision: number;
  readonly #leases: Iterator<Lease, undefined>;
  #keys: Iterator<string, undefined> = [].values();

  /** `done` is told once why the caller may not; never when `isGone`. */
  constructor(
    { member }: Pick<LeaseContext, "member">,
    caller: AuthInfo,
    isGone: () => boolean,
    done: (refused: EtcdError | undefined) => void,
    perSlice: number = LEASE_KEYS_PER_SLICE,
  ) {
    this.#member = member;
    this.#caller = caller;
    this.#isGone = isGone;
    this.#done = done;
    this.#perSlice = perSlice;
    this.#revision = member.applier.auth.revision;
    this.#leases = member.applier.lessor.leases();
  }

  /** One slice; whether there is more to do. */
  step(): boolean {
    if (this.#isGone()) return false;
    const { auth } = this.#member.applier;
    // What the caller may read can have changed since it was asked first.
    if (auth.revision !== this.#revision) return this.#end(Errors.AuthOldRevision);
    for (let asked = 0; asked < this.#perSlice; asked++) {
      const key = this.#keys.next();
      if (key.done !== true) {
        const refused = auth.checkRange(this.#caller, bytesFromLatin1(key.value), EMPTY_BYTES);
        if (refused !== undefined) return this.#end(refused);
        continue;
      }
      const lease = this.#leases.next();
      if (lease.done === true) return this.#end(undefined);
      this.#keys = lease.value.keys.values();
    }
    return true;
  }

  #end(refused: EtcdError | undefined): false {
    this.#done(refused);
    return false;
  }
}
