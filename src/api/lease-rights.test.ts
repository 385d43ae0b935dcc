import { describe, expect, test } from "vitest";
import { grantPermission, addRole } from "../auth/role-operations.ts";
import { openAuthStore } from "../auth/testing/open-auth-store.ts";
import { addUser, enableAuth, grantRole } from "../auth/user-operations.ts";
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { Lease } from "../lease/lease.ts";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import { PermissionType } from "../wire/gen/auth.ts";
import { createAuthUserAddRequest } from "../wire/gen/rpc.ts";
import { LeaseRights } from "./lease-rights.ts";

/** Leases with these keys, and a user who may read what begins with "a". */
function open(...keys: readonly string[][]) {
  const auth = openAuthStore();
  for (const name of ["root", "alice"]) addUser(auth, createAuthUserAddRequest({ name }));
  grantRole(auth, { user: "root", role: "root" });
  addRole(auth, { name: "r" });
  const [key, rangeEnd] = ["a", "b"].map(bytesFromLatin1);
  grantPermission(auth, { name: "r", perm: { permType: PermissionType.READ, key, rangeEnd } });
  grantRole(auth, { user: "alice", role: "r" });
  enableAuth(auth);
  const leases = keys.map((attached, at) => {
    const lease = new Lease(BigInt(at), 10, 0);
    for (const each of attached) lease.addKey(each);
    return lease;
  });
  const lessor = { leases: () => leases.values() };
  const told: (EtcdError | undefined)[] = [];
  const gone = { is: false };
  const caller = { username: "alice", revision: auth.revision };
  const rights = new LeaseRights(
    { member: { applier: { auth, lessor } } } as never,
    caller,
    () => gone.is,
    (refused) => told.push(refused),
    2,
  );
  /** Does slices until there is no more to do; how many. */
  const run = (): number => {
    let slices = 1;
    while (rights.step()) slices++;
    return slices;
  };
  return { auth, told, gone, rights, run };
}

describe("LeaseRights", () => {
  test("who may read all keys may list all leases, slice by slice", () => {
    const { run, told } = open(["a1", "a2", "a3"], [], ["a4"]);
    expect(run()).toBeGreaterThan(2);
    expect(told).toEqual([undefined]);
    expect(open().run()).toBe(1);
  });

  test("one key that may not be read is enough", () => {
    const { run, told } = open(["a1"], ["a2", "b"], ["a3"]);
    run();
    expect(told).toEqual([Errors.PermissionDenied]);
  });

  test("whose rights have changed meanwhile asks again", () => {
    const { auth, rights, told } = open(["a1", "a2", "a3"]);
    expect(rights.step()).toBe(true);
    addRole(auth, { name: "other" });
    expect(rights.step()).toBe(false);
    expect(told).toEqual([Errors.AuthOldRevision]);
  });

  test("who has gone away is told nothing", () => {
    const { gone, rights, told } = open(["a1", "a2", "a3"]);
    expect(rights.step()).toBe(true);
    gone.is = true;
    expect(rights.step()).toBe(false);
    expect(told).toEqual([]);
  });
});
