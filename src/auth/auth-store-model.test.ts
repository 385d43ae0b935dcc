/**
 * The store against a model that keeps plain lists and works everything out anew for each question: answers,
 * revision, what is stored, and who may touch what. Now and then the store is opened anew from what it has
 * stored.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import { base64FromBytes } from "../stdx/base64.ts";
import { bytesFromLatin1, latin1FromBytes } from "../stdx/bytes.ts";
import { createPermission } from "../wire/gen/auth.ts";
import { createAuthUserAddRequest } from "../wire/gen/rpc.ts";
import type { AuthStore } from "./auth-store.ts";
import { addRole, deleteRole, grantPermission, revokePermission } from "./role-operations.ts";
import { MemoryAuthStorage, openAuthStore } from "./testing/open-auth-store.ts";
import {
  addUser,
  authenticate,
  changePassword,
  deleteUser,
  disableAuth,
  enableAuth,
  grantRole,
  revokeRole,
} from "./user-operations.ts";

const RUNS = Number(process.env["AUTH_RUNS"] ?? 150);

const bytes = bytesFromLatin1;
const user = fc.constantFrom("root", "alice", "bob", "");
const role = fc.constantFrom("root", "reader", "writer", "");
const key = fc.constantFrom("", "a", "b", "c");
const rangeEnd = fc.constantFrom("", "", "a", "b", "c", "d", "\0");
const type = fc.constantFrom(0, 1, 2, 3);
const hash = fc.constantFrom("", "one", "two", "!");

const action = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant("enable" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("disable" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("addUser" as const),
      user,
      hash,
      noPassword: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("deleteUser" as const), user }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("changePassword" as const), user, hash }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("grantRole" as const), user, role }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("revokeRole" as const), user, role }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("addRole" as const), role }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("deleteRole" as const), role }) },
  {
    weight: 7,
    arbitrary: fc.record({ do: fc.constant("grant" as const), role, key, rangeEnd, type }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("revoke" as const), role, key, rangeEnd }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("authenticate" as const), user }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reopen" as const) }) },
);

type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

interface ModelPermission {
  type: number;
  readonly key: string;
  readonly rangeEnd: string;
}

interface ModelUser {
  password: string;
  readonly noPassword: boolean;
  roles: string[];
}

/** What etcd does, as plainly as it can be said. */
class Model {
  enabled = false;
  revision = 1;
  readonly users = new Map<string, ModelUser>();
  readonly roles = new Map<string, ModelPermission[]>();

  act(action: Action): EtcdError | undefined {
    const refused = this.#refusal(action);
    if (refused !== undefined) return refused;
    if (this.#change(action)) this.revision++;
    return undefined;
  }

  /** Whether `username` may read, or write, the key. */
  permits(username: string, asked: string, access: "read" | "write"): boolean {
    const roles = this.users.get(username)?.roles ?? [];
    if (roles.includes("root")) return true;
    const types = access === "read" ? [0, 2] : [1, 2];
    return roles
      .flatMap((name) => this.roles.get(name) ?? [])
      .filter((permission) => types.includes(permission.type))
      .some(({ key: from, rangeEnd: end }) =>
        end === "" ? asked === from : asked >= from && (end === "\0" || asked < end),
      );
  }

  #refusal(action: Action): EtcdError | undefined {
    const { enabled, users, roles } = this;
    switch (action.do) {
      case "enable": {
        if (enabled) return undefined;
        const root = users.get("root");
        if (root === undefined) return Errors.RootUserNotExist;
        return root.roles.includes("root") ? undefined : Errors.RootRoleNotExist;
      }
      case "addUser":
        if (action.user === "") return Errors.UserEmpty;
        if (users.has(action.user)) return Errors.UserAlreadyExist;
        return action.hash === "!" && !action.noPassword ? Errors.NoPasswordUser : undefined;
      case "changePassword": {
        const found = users.get(action.user);
        if (found === undefined) return Errors.UserNotFound;
        return action.hash === "!" && !found.noPassword ? Errors.NoPasswordUser : undefined;
      }
      case "deleteUser":
        if (enabled && action.user === "root") return Errors.InvalidAuthManagement;
        return users.has(action.user) ? undefined : Errors.UserNotFound;
      case "grantRole":
        if (!users.has(action.user)) return Errors.UserNotFound;
        return action.role === "root" || roles.has(action.role) ? undefined : Errors.RoleNotFound;
      case "revokeRole":
        if (enabled && action.user === "root" && action.role === "root") {
          return Errors.InvalidAuthManagement;
        }
        if (!users.has(action.user)) return Errors.UserNotFound;
        return users.get(action.user)?.roles.includes(action.role) === true
          ? undefined
          : Errors.RoleNotGranted;
      case "addRole":
        if (action.role === "") return Errors.RoleEmpty;
        return roles.has(action.role) ? Errors.RoleAlreadyExist : undefined;
      case "deleteRole":
        if (enabled && action.role === "root") return Errors.InvalidAuthManagement;
        return roles.has(action.role) ? undefined : Errors.RoleNotFound;
      case "grant": {
        const { key: from, rangeEnd: end } = action;
        const isValid = from !== "" && (end === "" || end === "\0" || from < end);
        if (!isValid) return Errors.InvalidAuthManagement;
        return roles.has(action.role) ? undefined : Errors.RoleNotFound;
      }
      case "revoke": {
        const permissions = roles.get(action.role);
        if (permissions === undefined) return Errors.RoleNotFound;
        return permissions.some((permission) => isSame(permission, action))
          ? undefined
          : Errors.PermissionNotGranted;
      }
      case "authenticate":
        if (!enabled) return Errors.AuthNotEnabled;
        return users.get(action.user)?.noPassword === false ? undefined : Errors.AuthFailed;
      default:
        return undefined;
    }
  }

  /** Whether anything has changed that raises the revision. */
  #change(action: Action): boolean {
    const { users, roles } = this;
    switch (action.do) {
      case "enable":
        this.enabled = true;
        return false;
      case "disable": {
        const was = this.enabled;
        this.enabled = false;
        return was;
      }
      case "addUser": {
        const { noPassword } = action;
        users.set(action.user, { password: noPassword ? "" : action.hash, noPassword, roles: [] });
        return true;
      }
      case "deleteUser":
        return users.delete(action.user);
      case "changePassword": {
        const found = this.#user(action.user);
        found.password = found.noPassword ? "" : action.hash;
        return true;
      }
      case "grantRole": {
        const found = this.#user(action.user);
        if (found.roles.includes(action.role)) return false;
        found.roles = [...found.roles, action.role].sort();
        return true;
      }
      case "revokeRole": {
        const found = this.#user(action.user);
        found.roles = found.roles.filter((name) => name !== action.role);
        return true;
      }
      case "addRole":
        roles.set(action.role, []);
        return true;
      case "deleteRole":
        for (const found of users.values()) {
          found.roles = found.roles.filter((name) => name !== action.role);
        }
        return roles.delete(action.role);
      case "grant":
        this.#grant(roles.get(action.role) ?? [], action);
        return true;
      case "revoke": {
        const permissions = roles.get(action.role) ?? [];
        roles.set(
          action.role,
          permissions.filter((permission) => !isSame(permission, action)),
        );
        return true;
      }
      default:
        return false;
    }
  }

  /** As in etcd, only the first permission with the same key can be changed. */
  #grant(permissions: ModelPermission[], granted: ModelPermission): void {
    const first = permissions.find((permission) => permission.key === granted.key);
    if (first?.rangeEnd === granted.rangeEnd) {
      first.type = granted.type;
      return;
    }
    permissions.push({ key: granted.key, rangeEnd: granted.rangeEnd, type: granted.type });
    permissions.sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
  }

  #user(name: string): ModelUser {
    const found = this.users.get(name);
    if (found === undefined) throw new Error("The model has lost a user");
    return found;
  }
}

/** Most of what can happen needs somebody to whom it can. */
const SET_UP: readonly Action[] = [
  { do: "addUser", user: "root", hash: "one", noPassword: false },
  { do: "addUser", user: "alice", hash: "one", noPassword: false },
  { do: "addUser", user: "bob", hash: "one", noPassword: false },
  { do: "grantRole", user: "root", role: "root" },
  { do: "addRole", role: "reader" },
  { do: "addRole", role: "writer" },
  { do: "grantRole", user: "alice", role: "reader" },
  { do: "grantRole", user: "bob", role: "writer" },
  { do: "enable" },
];

function isSame(
  a: { readonly key: string; readonly rangeEnd: string },
  b: { readonly key: string; readonly rangeEnd: string },
): boolean {
  return a.key === b.key && a.rangeEnd === b.rangeEnd;
}

/** Text that is not base64, for a hash that is none. */
const hashed = (text: string): string => (text === "!" ? "!" : base64FromBytes(bytes(text)));

function act(store: AuthStore, action: Action): EtcdError | undefined {
  switch (action.do) {
    case "enable":
      return enableAuth(store);
    case "disable":
      disableAuth(store);
      return undefined;
    case "addUser": {
      const { user: name, noPassword } = action;
      const hashedPassword = hashed(action.hash);
      return addUser(
        store,
        createAuthUserAddRequest({ name, hashedPassword, options: { noPassword } }),
      );
    }
    case "deleteUser":
      return deleteUser(store, { name: action.user });
    case "changePassword": {
      const hashedPassword = hashed(action.hash);
      return changePassword(store, { name: action.user, password: "", hashedPassword });
    }
    case "grantRole":
      return grantRole(store, action);
    case "revokeRole":
      return revokeRole(store, { name: action.user, role: action.role });
    case "addRole":
      return addRole(store, { name: action.role });
    case "deleteRole":
      return deleteRole(store, action);
    case "grant": {
      const parts = { key: bytes(action.key), rangeEnd: bytes(action.rangeEnd) };
      const perm = createPermission({ ...parts, permType: action.type });
      return grantPermission(store, { name: action.role, perm });
    }
    case "revoke": {
      const parts = { key: bytes(action.key), rangeEnd: bytes(action.rangeEnd) };
      return revokePermission(store, { role: action.role, ...parts });
    }
    case "authenticate": {
      const name = action.user;
      const token = authenticate(store, { name, password: "", simpleToken: "token" }, 7);
      if (typeof token !== "string") return token;
      expect(token).toBe("token.6");
      return undefined;
    }
    case "reopen":
      return undefined;
  }
}

function expectEqual(store: AuthStore, storage: MemoryAuthStorage, model: Model): void {
  expect(store.enabled).toBe(model.enabled);
  expect(store.revision).toBe(model.revision);
  expect(storage.enabled).toBe(model.enabled);
  expect(storage.revision).toBe(model.revision);
  expect(store.userNames()).toEqual([...model.users.keys()].sort());
  expect(store.roleNames()).toEqual([...model.roles.keys()].sort());
  for (const [name, { roles, password }] of model.users) {
    expect(store.user(name)?.roles).toEqual(roles);
    expect(latin1FromBytes(storage.users.get(name)?.password ?? bytes("none"))).toBe(password);
    expect(storage.users.get(name)?.roles).toEqual(roles);
  }
  for (const [name, permissions] of model.roles) {
    const stored = storage.roles.get(name)?.permissions.map((permission) => ({
      type: permission.permType,
      key: latin1FromBytes(permission.key),
      rangeEnd: latin1FromBytes(permission.rangeEnd),
    }));
    expect(stored).toEqual(permissions);
  }
}

function expectEqualRights(store: AuthStore, model: Model): void {
  for (const username of ["root", "alice", "bob", "mallory"]) {
    const caller = { username, revision: store.revision };
    for (const asked of ["a", "b", "bb", "c", "d"]) {
      const readable = !model.enabled || model.permits(username, asked, "read");
      const writable = !model.enabled || model.permits(username, asked, "write");
      const read = store.checkRange(caller, bytes(asked), bytes(""));
      expect(read, `${username} reads ${asked}`).toBe(
        readable ? undefined : Errors.PermissionDenied,
      );
      expect(store.checkPut(caller, bytes(asked)), `${username} writes ${asked}`).toBe(
        writable ? undefined : Errors.PermissionDenied,
      );
    }
    const isAdmin = model.users.get(username)?.roles.includes("root");
    const refused = isAdmin === undefined ? Errors.UserNotFound : Errors.PermissionDenied;
    const expected = !model.enabled || isAdmin === true ? undefined : refused;
    expect(store.checkAdmin(caller)).toBe(expected);
  }
  const old = { username: "root", revision: store.revision - 1 };
  const tooOld = old.revision === 0 ? Errors.UserEmpty : Errors.AuthOldRevision;
  expect(store.checkPut(old, bytes("a"))).toBe(model.enabled ? tooOld : undefined);
}

test(
  "users, roles and rights are as in the model, in every life",
  () => {
    let accepted = 0;
    let enabledLives = 0;
    fc.assert(
      fc.property(fc.boolean(), fc.array(action, { maxLength: 60 }), (isSetUp, random) => {
        const actions = isSetUp ? [...SET_UP, ...random] : random;
        const storage = new MemoryAuthStorage();
        let store = openAuthStore(storage);
        const model = new Model();
        for (const next of actions) {
          if (next.do === "reopen") store = openAuthStore(storage);
          const refused = model.act(next);
          expect(act(store, next), JSON.stringify(next)).toBe(refused);
          if (refused === undefined) accepted++;
          expectEqual(store, storage, model);
          expectEqualRights(store, model);
        }
        if (model.enabled) enabledLives++;
      }),
      { numRuns: RUNS },
    );
    expect(accepted).toBeGreaterThan(10 * RUNS);
    expect(enabledLives).toBeGreaterThan(RUNS / 20);
  },
  60_000 + 200 * RUNS,
);
