import { beforeEach, describe, expect, it } from "vitest";
import type { AuthStore } from "../auth/auth-store.ts";
import { addRole, grantPermission } from "../auth/role-operations.ts";
import { openAuthStore } from "../auth/testing/open-auth-store.ts";
import { addUser, enableAuth, grantRole, revokeRole } from "../auth/user-operations.ts";
import { Errors } from "../errors/table.ts";
import { LeaseRights } from "../lease/lease-rights.ts";
import { LEASE_UNCHECKED_KEYS_MAX } from "../lease/limits.ts";
import { Lessor } from "../lease/lessor.ts";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import { Prng } from "../stdx/prng.ts";
import { createPermission, PermissionType } from "../wire/gen/auth.ts";
import type { InternalRaftRequestOperation } from "../wire/gen/raft-internal.ts";
import {
  createAuthRoleGrantPermissionRequest,
  createAuthUserAddRequest,
  createCompare,
  createDeleteRangeRequest,
  createPutRequest,
  createRangeRequest,
  createRequestOp,
  createTxnRequest,
  type RequestOp,
} from "../wire/gen/rpc.ts";
import { checkLeaseChange, checkLeaseKeys, checkOperation, checkTxn } from "./authorization.ts";

const bytes = bytesFromLatin1;
const { READ, WRITE, READWRITE } = PermissionType;
const OWN_LEASE = 1n;
const FOREIGN_LEASE = 2n;

describe("what a request is checked for", () => {
  let auth: AuthStore;
  let lessor: Lessor;
  let state: { readonly auth: AuthStore; readonly lessor: Lessor };

  beforeEach(() => {
    auth = openAuthStore();
    lessor = new Lessor({ ttlSecondsMin: 1, checkpointSeconds: 0 });
    state = { auth, lessor };
    for (const name of ["root", "alice"]) addUser(auth, createAuthUserAddRequest({ name }));
    grantRole(auth, { user: "root", role: "root" });
    addRole(auth, { name: "role" });
    grantRole(auth, { user: "alice", role: "role" });
    grant("read", "", READ);
    grant("write", "", WRITE);
    grant("both", "", READWRITE);
    grant("p", "q", READWRITE);
    for (const id of [OWN_LEASE, FOREIGN_LEASE]) lessor.grant(id, 100, 0);
    lessor.attach(OWN_LEASE, "p1");
    lessor.attach(FOREIGN_LEASE, "secret");
    enableAuth(auth);
  });

  const grant = (key: string, rangeEnd: string, permType: PermissionType): void => {
    const perm = createPermission({ key: bytes(key), rangeEnd: bytes(rangeEnd), permType });
    const name = "role";
    grantPermission(auth, createAuthRoleGrantPermissionRequest({ name, perm }));
  };
  const caller = (username: string) => ({ username, revision: auth.revision });
  const check = (operation: InternalRaftRequestOperation, username = "alice") =>
    checkOperation(state, caller(username), operation);
  const range = (key: string, rangeEnd = "") =>
    createRangeRequest({ key: bytes(key), rangeEnd: bytes(rangeEnd) });
  const put = (key: string, parts: { lease?: bigint; prevKv?: boolean } = {}) =>
    createPutRequest({ key: bytes(key), ...parts });
  const deletion = (key: string, rangeEnd = "", prevKv = false) =>
    createDeleteRangeRequest({ key: bytes(key), rangeEnd: bytes(rangeEnd), prevKv });

  it("is nothing while authentication is off", () => {
    const open = { auth: openAuthStore(), lessor };
    const nobody = { username: "", revision: 0 };
    const value = put("secret", { lease: FOREIGN_LEASE, prevKv: true });
    expect(checkOperation(open, nobody, { case: "put", value })).toBeUndefined();
  });

  it("is who asks, and when", () => {
    const operation = { case: "put", value: put("both") } as const;
    const nobody = { username: "", revision: 0 };
    expect(checkOperation(state, nobody, operation)).toBe(Errors.UserEmpty);
    const old = { username: "alice", revision: auth.revision - 1 };
    expect(checkOperation(state, old, operation)).toBe(Errors.AuthOldRevision);
    const oldRoot = { username: "root", revision: auth.revision - 1 };
    expect(checkOperation(state, oldRoot, operation)).toBe(Errors.AuthOldRevision);
    expect(check(operation, "mallory")).toBe(Errors.PermissionDenied);
    expect(check(operation, "root")).toBeUndefined();
    expect(check(operation)).toBeUndefined();
  });

  it.each<[string, InternalRaftRequestOperation, boolean]>([
    ["put", { case: "put", value: put("write") }, true],
    ["put of a key to read", { case: "put", value: put("read") }, false],
    ["put with prev_kv", { case: "put", value: put("write", { prevKv: true }) }, false],
    ["put of a key to read, too", { case: "put", value: put("both", { prevKv: true }) }, true],
    ["put with a lease", { case: "put", value: put("p2", { lease: OWN_LEASE }) }, true],
    [
      "put with a foreign lease",
      { case: "put", value: put("p2", { lease: FOREIGN_LEASE }) },
      false,
    ],
    ["put with a lease that is not there", { case: "put", value: put("p2", { lease: 9n }) }, true],
    ["delete", { case: "deleteRange", value: deletion("write") }, true],
    ["delete with prev_kv", { case: "deleteRange", value: deletion("write", "", true) }, false],
    ["delete of a range", { case: "deleteRange", value: deletion("p", "q", true) }, true],
    ["delete of a longer range", { case: "deleteRange", value: deletion("p", "q\0") }, false],
    ["delete from a key on", { case: "deleteRange", value: deletion("p", "\0") }, false],
    ["range", { case: "range", value: range("read") }, true],
    ["range of a key to write", { case: "range", value: range("write") }, false],
    ["range from a key on", { case: "range", value: range("p", "\0") }, false],
    ["revocation", { case: "leaseRevoke", value: { id: OWN_LEASE } }, true],
    ["revocation of a foreign lease", { case: "leaseRevoke", value: { id: FOREIGN_LEASE } }, false],
    ["revocation of no lease", { case: "leaseRevoke", value: { id: 9n } }, true],
  ])("lets pass what its caller may do: %s", (_, operation, isPermitted) => {
    expect(check(operation)).toBe(isPermitted ? undefined : Errors.PermissionDenied);
    expect(check(operation, "root")).toBeUndefined();
  });

  const operations = {
    put: (value: ReturnType<typeof put>): RequestOp =>
      createRequestOp({ request: { case: "requestPut", value } }),
    range: (value: ReturnType<typeof range>): RequestOp =>
      createRequestOp({ request: { case: "requestRange", value } }),
    delete: (value: ReturnType<typeof deletion>): RequestOp =>
      createRequestOp({ request: { case: "requestDeleteRange", value } }),
    compare: (key: string, rangeEnd = ""): RequestOp => {
      const compare = [createCompare({ key: bytes(key), rangeEnd: bytes(rangeEnd) })];
      return createRequestOp({
        request: { case: "requestTxn", value: createTxnRequest({ compare }) },
      });
    },
  };
  const FORBIDDEN: [string, RequestOp][] = [
    ["a range of a key to write (GHSA-rfx7-8w68-q57q)", operations.range(range("write"))],
    ["a put of a key to read (GHSA-rfx7-8w68-q57q)", operations.put(put("read"))],
    ["a put with prev_kv (GHSA-x35m-3gp4-4fh5)", operations.put(put("write", { prevKv: true }))],
    [
      "a put with a foreign lease (GHSA-x35m-3gp4-4fh5)",
      operations.put(put("p2", { lease: FOREIGN_LEASE })),
    ],
    ["a delete of a key to read", operations.delete(deletion("read"))],
    ["a delete with prev_kv", operations.delete(deletion("write", "", true))],
    ["a delete from a key on", operations.delete(deletion("p", "\0"))],
    ["a comparison of a key to write", operations.compare("write")],
    ["a comparison from a key on", operations.compare("p", "\0")],
  ];

  it.each(FORBIDDEN)(
    "is the same in a transaction, in each branch and depth: %s",
    (_, forbidden) => {
      const permitted = operations.put(put("p3", { lease: OWN_LEASE, prevKv: true }));
      for (const branch of ["success", "failure"] as const) {
        let operation = forbidden;
        for (let depth = 0; depth < 6; depth++) {
          const value = createTxnRequest({
            compare: [createCompare({ key: bytes("read") })],
            success: [permitted],
            [branch]: [permitted, operation],
          });
          expect(check({ case: "txn", value })).toBe(Errors.PermissionDenied);
          expect(check({ case: "txn", value }, "root")).toBeUndefined();
          expect(checkTxn(state, undefined, value)).toBe(Errors.UserEmpty);
          operation = createRequestOp({ request: { case: "requestTxn", value } });
        }
      }
      const success = [permitted, operations.range(range("p", "q"))];
      const allowed = createTxnRequest({ success, failure: success });
      expect(check({ case: "txn", value: allowed })).toBeUndefined();
    },
  );

  it("is every attached key, however leases were used before", () => {
    const prng = new Prng(7);
    const keys = ["p1", "p2", "both", "write", "read", "secret"];
    const users = ["alice", "bob", "root"];
    addUser(auth, createAuthUserAddRequest({ name: "bob" }));
    grantRole(auth, { user: "bob", role: "role" });
    addRole(auth, { name: "more" });
    let refused = 0;
    for (let step = 0; step < 5000; step++) {
      const key = prng.pick(keys);
      const lease = lessor.lease(OWN_LEASE);
      if (prng.chance(0.4)) lessor.attach(OWN_LEASE, key);
      else if (prng.chance(0.5) && lease?.keys.has(key) === true) lessor.detach(OWN_LEASE, key);
      if (prng.chance(0.02)) {
        const perm = createPermission({ key: bytes("secret"), permType: prng.pick([READ, WRITE]) });
        grantPermission(auth, { name: "more", perm });
        const name = prng.pick(["alice", "bob"]);
        if (prng.chance(0.5)) grantRole(auth, { user: name, role: "more" });
        else revokeRole(auth, { name, role: "more" });
      }
      const asking = caller(prng.pick(users));
      const who = prng.chance(0.9) ? asking : { ...asking, revision: asking.revision - 1 };
      const each = [...(lease?.keys ?? [])].map((attached) => auth.checkPut(who, bytes(attached)));
      const expected = asking.username === "root" ? undefined : each.find((one) => one);
      expect(checkLeaseChange(state, who, OWN_LEASE)).toBe(expected);
      if (expected !== undefined) refused++;
    }
    expect(refused).toBeGreaterThan(500);
    expect(refused).toBeLessThan(4500);
  });

  it("is only what was attached since, for who was allowed before", () => {
    const rights = new LeaseRights();
    const all = new Set(["a", "b"]);
    expect([...rights.toCheck("alice", 3, all)]).toEqual(["a", "b"]);
    rights.allChecked("alice", 3);
    expect([...rights.toCheck("alice", 3, all)]).toEqual([]);
    rights.keyAdded("c");
    expect([...rights.toCheck("alice", 3, all)]).toEqual(["c"]);
    expect([...rights.toCheck("alice", 4, all)]).toEqual(["a", "b"]);
    expect([...rights.toCheck("bob", 3, all)]).toEqual(["a", "b"]);
    for (let more = 0; more < LEASE_UNCHECKED_KEYS_MAX; more++) rights.keyAdded("d");
    expect([...rights.toCheck("alice", 3, all)]).toEqual(["a", "b"]);
  });

  it("is every attached key, for what is done with leases", () => {
    const alice = caller("alice");
    const leases = (...ids: bigint[]) => ids.flatMap((id) => lessor.lease(id) ?? []);
    expect(checkLeaseChange(state, alice, OWN_LEASE)).toBeUndefined();
    expect(checkLeaseChange(state, alice, FOREIGN_LEASE)).toBe(Errors.PermissionDenied);
    expect(checkLeaseChange(state, undefined, OWN_LEASE)).toBe(Errors.UserEmpty);
    expect(checkLeaseChange(state, { username: "root", revision: 1 }, OWN_LEASE)).toBeUndefined();
    expect(checkLeaseKeys(state, alice, leases(OWN_LEASE))).toBeUndefined();
    expect(checkLeaseKeys(state, alice, leases(OWN_LEASE, FOREIGN_LEASE))).toBe(
      Errors.PermissionDenied,
    );
    expect(checkLeaseKeys(state, caller("root"), leases(FOREIGN_LEASE))).toBeUndefined();
  });
});
