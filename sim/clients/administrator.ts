/**
 * Whoever looks after users and roles: turns authentication on soon after the start, and changes users, roles and
 * permissions from then on, so that entries of all kinds meet revisions of before and after. What clients need
 * they always have.
 */
import type { ApplyResult } from "../../src/apply/result.ts";
import type { AuthInfo } from "../../src/auth/auth-info.ts";
import { ROOT } from "../../src/auth/names.ts";
import { EtcdError } from "../../src/errors/etcd-error.ts";
import { Errors } from "../../src/errors/table.ts";
import { configFromFlags, type ServerConfig } from "../../src/server/config/config.ts";
import { initialFlagValues } from "../../src/server/flags/table.ts";
import { base64FromBytes } from "../../src/stdx/base64.ts";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import type { Prng } from "../../src/stdx/prng.ts";
import { createPermission, PermissionType } from "../../src/wire/gen/auth.ts";
import { InternalRaftRequestOperationField as Operation } from "../../src/wire/gen/raft-internal.ts";
import {
  createAuthUserAddRequest,
  encodeAuthEnableRequest,
  encodeAuthRoleAddRequest,
  encodeAuthRoleDeleteRequest,
  encodeAuthRoleGrantPermissionRequest,
  encodeAuthUserAddRequest,
  encodeAuthUserDeleteRequest,
  encodeAuthUserGrantRoleRequest,
  encodeAuthUserRevokeRoleRequest,
} from "../../src/wire/gen/rpc.ts";
import type { Cluster } from "../cluster/cluster.ts";

/** Who the clients of a simulation are. */
export const CLIENT_USER = "client";

/** Members that take the names in certificates of clients for users. */
export const NAMED_CALLERS: Partial<ServerConfig> = {
  clientTls: { ...configFromFlags(initialFlagValues(), "info").clientTls, clientCertAuth: true },
};

/** Milliseconds between two changes, at most, and until one that was not applied is made again. */
const PAUSE_MS_MAX = 1500;
const RETRY_MS = 2000;

type Change = readonly [field: number, body: Uint8Array];

/** What must be, in this order; each may be there already when it is made again. */
const SET_UP: readonly Change[] = [
  added(ROOT),
  granted(ROOT, ROOT),
  added(CLIENT_USER),
  [Operation.authRoleAdd, encodeAuthRoleAddRequest({ name: "all" })],
  permitted("all", "\0", "\0"),
  granted(CLIENT_USER, "all"),
  [Operation.authEnable, encodeAuthEnableRequest({})],
];

const ALREADY: ReadonlySet<EtcdError> = new Set([Errors.UserAlreadyExist, Errors.RoleAlreadyExist]);

export class Administrator {
  readonly #cluster: Cluster;
  readonly #random: Prng;
  #made = 0;
  #stopped = false;

  constructor(cluster: Cluster, random: Prng) {
    this.#cluster = cluster;
    this.#random = random;
  }

  start(): void {
    this.#later(PAUSE_MS_MAX);
  }

  stop(): void {
    this.#stopped = true;
  }

  #later(pauseMs: number): void {
    this.#cluster.loop.after(pauseMs * 1000, () => this.#act());
  }

  /** Makes one change through the leader. The next step of what must be follows when this one is applied. */
  #act(): void {
    if (this.#stopped) return;
    const host = this.#cluster.leader()?.host;
    if (host === undefined) {
      this.#later(RETRY_MS);
      return;
    }
    const step = this.#made;
    const [field, body] = SET_UP[step] ?? this.#change();
    // In a simulation nobody asks for passwords: the administrator is at the member itself.
    const caller: AuthInfo = { username: ROOT, revision: host.member.applier.auth.revision };
    const onApplied = (result: ApplyResult | EtcdError): void => {
      const isThere = !(result instanceof EtcdError) || ALREADY.has(result);
      if (isThere && this.#made === step) this.#made++;
    };
    host.member.propose(field, body, { onApplied }, caller);
    host.poke();
    this.#later(step < SET_UP.length ? RETRY_MS / 10 : this.#random.between(10, PAUSE_MS_MAX));
  }

  #change(): Change {
    const random = this.#random;
    const name = random.pick(["alice", "bob"]);
    const role = random.pick(["reader", "writer"]);
    switch (random.below(7)) {
      case 0:
        return added(name);
      case 1:
        return [Operation.authUserDelete, encodeAuthUserDeleteRequest({ name })];
      case 2:
        return [Operation.authRoleAdd, encodeAuthRoleAddRequest({ name: role })];
      case 3:
        return [Operation.authRoleDelete, encodeAuthRoleDeleteRequest({ role })];
      case 4:
        return [
          Operation.authUserRevokeRole,
          encodeAuthUserRevokeRoleRequest({ name: random.pick([name, CLIENT_USER]), role }),
        ];
      case 5:
        return granted(random.pick([name, CLIENT_USER]), role);
      default:
        return permitted(role, `k${random.below(5)}`, random.pick(["", "l", "\0"]));
    }
  }
}

function added(name: string): Change {
  const hashedPassword = base64FromBytes(bytesFromLatin1(`hash of ${name}`));
  const request = createAuthUserAddRequest({ name, hashedPassword });
  return [Operation.authUserAdd, encodeAuthUserAddRequest(request)];
}

function granted(user: string, role: string): Change {
  return [Operation.authUserGrantRole, encodeAuthUserGrantRoleRequest({ user, role })];
}

function permitted(name: string, key: string, rangeEnd: string): Change {
  const range = { key: bytesFromLatin1(key), rangeEnd: bytesFromLatin1(rangeEnd) };
  const perm = createPermission({ permType: PermissionType.READWRITE, ...range });
  const request = { name, perm };
  return [Operation.authRoleGrantPermission, encodeAuthRoleGrantPermissionRequest(request)];
}
