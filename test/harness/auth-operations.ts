/**
 * Random changes of users and roles, and requests of users who may make some of them. Names, keys and ranges
 * are few, so that permissions meet, overlap and are missed by a little.
 */
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import type { Prng } from "../../src/stdx/prng.ts";
import {
  createAuthUserAddRequest,
  createCompare,
  createDeleteRangeRequest,
  createLeaseGrantRequest,
  createPutRequest,
  createRangeRequest,
  createRequestOp,
  createTxnRequest,
  type RequestOp,
} from "../../src/wire/gen/rpc.ts";
import { AuthService, KVService, LeaseService } from "../../src/wire/gen/services.ts";
import type { Operation } from "./operation.ts";

/** A request, and who makes it; nobody in particular for "". */
export interface UserOperation extends Operation {
  readonly user: string;
}

/** Whom there may be; root is there from the start. */
export const USERS = ["alice", "bob", "carol"] as const;
const ROLES = ["reader", "writer", "Rolle ü", "role 𝒜", "root"] as const;
const KEYS = ["a", "b", "b\0", "c", "d", "\xff"] as const;
const ENDS = ["", "", "", "\0", "b", "c", "d", "\xff\xff", "a"] as const;
const LEASES = [101n, 102n, 103n, 104n];

/** Everybody has the same password all the time: tokens are lost by changes of it, and asked for again. */
export function passwordOf(user: string): string {
  return `password of ${user}`;
}

/** What everything needs to begin: root, and authentication. */
export function setUpOperations(): UserOperation[] {
  const user = "";
  const root = createAuthUserAddRequest({ name: "root", password: passwordOf("root") });
  return [
    { user, method: AuthService.userAdd, request: root },
    { user, method: AuthService.userGrantRole, request: { user: "root", role: "root" } },
    ...USERS.map((name) => {
      const request = createAuthUserAddRequest({ name, password: passwordOf(name) });
      return { user, method: AuthService.userAdd, request };
    }),
    ...ROLES.map((name) => ({ user, method: AuthService.roleAdd, request: { name } })),
    { user, method: AuthService.authEnable, request: {} },
  ];
}

export class AuthOperations {
  readonly #prng: Prng;
  readonly #rangesInWrites: boolean;

  /**
   * `rangesInWrites`: whether transactions that write may read ranges, too. Real members that have not proposed
   * such a one drop its ranges before they ask whether its user may read them, and so do not agree with each
   * other.
   */
  constructor(prng: Prng, rangesInWrites: boolean) {
    this.#prng = prng;
    this.#rangesInWrites = rangesInWrites;
  }

  next(): UserOperation {
    const prng = this.#prng;
    if (prng.chance(0.35)) return { user: this.#administrator(), ...this.#change() };
    return { user: prng.chance(0.1) ? "root" : prng.pick(USERS), ...this.#keyRequest() };
  }

  /** Nearly always one who may. */
  #administrator(): string {
    return this.#prng.chance(0.93) ? "root" : this.#prng.pick(USERS);
  }

  #user(): string {
    return this.#prng.pick([...USERS, ...USERS, "root", "nobody", ""]);
  }

  #role(): string {
    return this.#prng.pick([...ROLES, ...ROLES, "no role", ""]);
  }

  #range() {
    const prng = this.#prng;
    const [key, rangeEnd] = [prng.pick([...KEYS, ""]), prng.pick(ENDS)].map(bytesFromLatin1);
    return { key, rangeEnd };
  }

  #change(): Operation {
    const [name, role] = [this.#user(), this.#role()];
    switch (this.#prng.below(19)) {
      case 0:
      case 16:
      case 17:
      case 18: {
        const options = this.#prng.chance(0.07) ? { noPassword: true } : undefined;
        const password = passwordOf(name);
        const request = createAuthUserAddRequest({ name, password, options });
        return { method: AuthService.userAdd, request };
      }
      case 1:
        return { method: AuthService.userDelete, request: { name } };
      case 2: {
        const request = { name, password: passwordOf(name), hashedPassword: "" };
        return { method: AuthService.userChangePassword, request };
      }
      case 3:
        return { method: AuthService.userRevokeRole, request: { name, role } };
      case 4:
        return { method: AuthService.roleAdd, request: { name: role } };
      case 5:
        return { method: AuthService.roleDelete, request: { role } };
      case 6:
        return this.#question(name, role);
      case 7:
      case 8:
        return { method: AuthService.roleRevokePermission, request: { role, ...this.#range() } };
      case 9:
      case 10:
      case 11:
        return { method: AuthService.userGrantRole, request: { user: name, role } };
      default: {
        const perm = { permType: this.#prng.below(4), ...this.#range() };
        const request = this.#prng.chance(0.03) ? { name: role } : { name: role, perm };
        return { method: AuthService.roleGrantPermission, request };
      }
    }
  }

  #question(name: string, role: string): Operation {
    switch (this.#prng.below(7)) {
      case 0:
        return { method: AuthService.userList, request: {} };
      case 1:
        return { method: AuthService.roleList, request: {} };
      case 2:
        return { method: AuthService.authStatus, request: {} };
      case 3:
        return { method: AuthService.authEnable, request: {} };
      case 4:
      case 5:
        return { method: AuthService.userGet, request: { name } };
      default:
        return { method: AuthService.roleGet, request: { role } };
    }
  }

  #keyRequest(): Operation {
    const prng = this.#prng;
    switch (prng.below(10)) {
      case 0:
      case 1:
      case 2:
        return { method: KVService.put, request: this.#put(true) };
      case 3:
      case 4:
        return { method: KVService.range, request: this.#rangeRequest() };
      case 5:
        return { method: KVService.deleteRange, request: this.#deletion(prng.chance(0.3)) };
      case 6:
      case 7:
        return { method: KVService.txn, request: this.#txn() };
      case 8: {
        const request = createLeaseGrantRequest({ id: prng.pick(LEASES), ttl: 10_000 });
        return { method: LeaseService.leaseGrant, request };
      }
      default:
        return { method: LeaseService.leaseRevoke, request: { id: prng.pick(LEASES) } };
    }
  }

  /**
   * `isAlone`: what the real etcd checks when it is a request of its own only, as it does until 3.5.29, may be
   * asked for.
   */
  #put(isAlone: boolean) {
    const prng = this.#prng;
    const value = bytesFromLatin1(`${prng.below(1000)}`);
    const key = bytesFromLatin1(prng.pick(KEYS));
    if (!isAlone) return createPutRequest({ key, value });
    const lease = prng.chance(0.3) ? prng.pick(LEASES) : 0n;
    return createPutRequest({ key, value, lease, prevKv: prng.chance(0.2) });
  }

  #rangeRequest() {
    return createRangeRequest({ ...this.#keysInOrder(), serializable: this.#prng.chance(0.3) });
  }

  #deletion(prevKv: boolean) {
    return createDeleteRangeRequest({ ...this.#keysInOrder(), prevKv });
  }

  /** Not an empty range: which right it needs depends in etcd on what was granted before. */
  #keysInOrder() {
    for (;;) {
      const key = this.#prng.pick(KEYS);
      const rangeEnd = this.#prng.pick(ENDS);
      if (rangeEnd !== "" && rangeEnd !== "\0" && rangeEnd <= key) continue;
      return { key: bytesFromLatin1(key), rangeEnd: bytesFromLatin1(rangeEnd) };
    }
  }

  #txn() {
    const prng = this.#prng;
    const branch = (): RequestOp[] => {
      // One write at most: two that meet are refused before anybody asks who may write.
      const operations = [this.#operation()];
      while (this.#rangesInWrites && prng.chance(0.4)) {
        const value = this.#rangeRequest();
        operations.push(createRequestOp({ request: { case: "requestRange", value } }));
      }
      return operations;
    };
    const compare = prng.chance(0.4) ? [createCompare(this.#keysInOrder())] : [];
    const [success, failure] = [branch(), prng.chance(0.5) ? branch() : []];
    return createTxnRequest({ compare, success, failure });
  }

  #operation(): RequestOp {
    const prng = this.#prng;
    switch (prng.below(this.#rangesInWrites ? 3 : 2)) {
      case 0:
        return createRequestOp({ request: { case: "requestPut", value: this.#put(false) } });
      case 1: {
        const value = this.#deletion(prng.chance(0.3));
        return createRequestOp({ request: { case: "requestDeleteRange", value } });
      }
      default:
        return createRequestOp({ request: { case: "requestRange", value: this.#rangeRequest() } });
    }
  }
}
