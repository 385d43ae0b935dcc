/**
 * Scripts of entries on users, roles and keys, applied one after the other to a state of its own:
 *
 * ```
 * as alice            who makes what follows; `rev=` is as of which revision of users and roles
 * put key=a lease=7   an entry; its answer, then what the log says and what becomes of tokens
 * reopen              the state as the database alone has it
 * stored              items of the auth buckets, as hex
 * ```
 * `\0` in a key is the byte 0.
 */
import { MemoryLog } from "../../sim/memory-log.ts";
import type { Applier } from "../../src/apply/applier.ts";
import type { ApplyResult } from "../../src/apply/result.ts";
import { type AuthInfo, requestHeaderOf } from "../../src/auth/auth-info.ts";
import type { TokenTable } from "../../src/auth/token-table.ts";
import { EtcdError } from "../../src/errors/etcd-error.ts";
import { base64FromBytes } from "../../src/stdx/base64.ts";
import {
  bytesFromLatin1,
  bytesFromUtf8,
  hexFromBytes,
  utf8FromBytes,
} from "../../src/stdx/bytes.ts";
import { PermissionType } from "../../src/wire/gen/auth.ts";
import {
  createInternalRaftRequest,
  encodeInternalRaftRequest,
  type InternalRaftRequestOperation,
} from "../../src/wire/gen/raft-internal.ts";
import { EntryType } from "../../src/wire/gen/raft.ts";
import {
  createAuthUserAddRequest,
  createDeleteRangeRequest,
  createLeaseGrantRequest,
  createPutRequest,
} from "../../src/wire/gen/rpc.ts";
import { closeApplier, freshDisk, openApplier } from "./applied-state.ts";
import type { Directive } from "./datadriven.ts";

const TERM = 1;
const AUTH_BUCKETS = ["auth", "authRoles", "authUsers"] as const;

/** Answers the directives of one script. */
export function createAuthScript(): (directive: Directive) => string {
  const state = new ScriptState();
  return (directive) => state.answer(directive);
}

class ScriptState {
  readonly #disk = freshDisk();
  readonly #log = new MemoryLog();
  readonly #notes: string[] = [];
  readonly #tokens: TokenTable = {
    assign: (token, username) => void this.#notes.push(`token ${token} for ${username}`),
    invalidateUser: (username) => void this.#notes.push(`no tokens for ${username}`),
    invalidateAll: () => void this.#notes.push("no tokens"),
  };
  #applier: Applier;
  #index = 0;
  #caller: AuthInfo | undefined;

  constructor() {
    this.#applier = this.#open();
  }

  answer(directive: Directive): string {
    const { command } = directive;
    const name = directive.args[0]?.key ?? "";
    const first = name === '""' ? "" : name;
    switch (command) {
      case "as":
        return this.#beCaller(first, new Arguments(directive));
      case "reopen":
        this.#reopen();
        return this.#summary();
      case "stored":
        return this.#stored();
      default:
        return this.#apply(operationOf(command, first, new Arguments(directive)));
    }
  }

  #open(): Applier {
    const applier = openApplier(this.#disk, this.#log, this.#tokens);
    this.#log.lines.length = 0;
    return applier;
  }

  #reopen(): void {
    closeApplier(this.#disk, this.#applier);
    this.#applier = this.#open();
  }

  #beCaller(username: string, args: Arguments): string {
    const { revision } = this.#applier.auth;
    const asked = args.number("rev", revision);
    this.#caller = username === "nobody" ? undefined : { username, revision: asked };
    return "";
  }

  #apply(operation: InternalRaftRequestOperation): string {
    this.#log.lines.length = 0;
    this.#notes.length = 0;
    const index = ++this.#index;
    const wasCurrent = this.#caller?.revision === this.#applier.auth.revision;
    const header = requestHeaderOf(BigInt(index), this.#caller);
    const data = encodeInternalRaftRequest(createInternalRaftRequest({ header, operation }));
    const entry = { type: EntryType.EntryNormal, term: TERM, index, data };
    const { result } = this.#applier.apply(entry, data, 0);
    const lines = this.#log.lines.map(({ level, message, fields }) => {
      const shown = Object.keys(fields).length === 0 ? "" : ` ${JSON.stringify(fields)}`;
      return `${level}: ${message}${shown}`;
    });
    // Whoever changes something gets a new token.
    const { revision } = this.#applier.auth;
    if (this.#caller !== undefined && wasCurrent) this.#caller = { ...this.#caller, revision };
    return [`${textOf(result)} (revision ${revision})`, ...lines, ...this.#notes].join("\n");
  }

  #summary(): string {
    const { auth } = this.#applier;
    const state = auth.enabled ? "enabled" : "disabled";
    const users = auth.userNames().map((name) => `${name}:${auth.user(name)?.roles.join("+")}`);
    return `${state}, revision ${auth.revision}, users ${users.join(" ")}, roles ${auth.roleNames().join(" ")}`;
  }

  #stored(): string {
    const lines: string[] = [];
    for (const bucket of AUTH_BUCKETS) {
      this.#applier.backend.forEach(bucket, (key, value) => {
        lines.push(`${bucket} ${utf8FromBytes(key)} = ${hexFromBytes(value)}`);
      });
    }
    return lines.join("\n");
  }
}

function textOf(result: ApplyResult | EtcdError): string {
  if (result instanceof EtcdError) return `code ${result.code}: ${result.message}`;
  switch (result.kind) {
    case "authenticate":
      return `token ${result.response.token}`;
    case "authStatus":
      return `${result.response.enabled ? "enabled" : "disabled"} at ${result.response.authRevision}`;
    case "authUserGet":
    case "authRoleList":
      return `roles: ${result.response.roles.join(" ")}`;
    case "authUserList":
      return `users: ${result.response.users.join(" ")}`;
    case "authRoleGet":
      return `permissions: ${result.response.perm
        .map(({ permType, key, rangeEnd }) => {
          const name = Object.keys(PermissionType)[permType] ?? String(permType);
          return `${name} ${JSON.stringify(utf8FromBytes(key))}-${JSON.stringify(utf8FromBytes(rangeEnd))}`;
        })
        .join(", ")}`;
    default:
      return "ok";
  }
}

class Arguments {
  readonly #directive: Directive;

  constructor(directive: Directive) {
    this.#directive = directive;
  }

  has(key: string): boolean {
    return this.#directive.args.some((argument) => argument.key === key);
  }

  text(key: string): string {
    return this.#directive.args.find((argument) => argument.key === key)?.values[0] ?? "";
  }

  number(key: string, otherwise: number): number {
    return this.has(key) ? Number(this.text(key)) : otherwise;
  }

  bytes(key: string): Uint8Array {
    return bytesFromLatin1(this.text(key).replaceAll("\\0", "\0"));
  }

  range() {
    return { key: this.bytes("key"), rangeEnd: this.bytes("end") };
  }
}

function operationOf(
  command: string,
  first: string,
  args: Arguments,
): InternalRaftRequestOperation {
  const onUsers = userOperationOf(command, first, args) ?? roleOperationOf(command, first, args);
  if (onUsers !== undefined) return onUsers;
  switch (command) {
    case "put": {
      const lease = BigInt(args.number("lease", 0));
      const value = createPutRequest({
        key: args.bytes("key"),
        lease,
        prevKv: args.has("prev-kv"),
      });
      return { case: "put", value };
    }
    case "delete": {
      const value = createDeleteRangeRequest({ ...args.range(), prevKv: args.has("prev-kv") });
      return { case: "deleteRange", value };
    }
    case "grant-lease": {
      const value = createLeaseGrantRequest({ id: BigInt(first), ttl: 100 });
      return { case: "leaseGrant", value };
    }
    case "revoke-lease":
      return { case: "leaseRevoke", value: { id: BigInt(first) } };
    default:
      throw new Error(`Cannot do ${command}`);
  }
}

function userOperationOf(
  command: string,
  name: string,
  args: Arguments,
): InternalRaftRequestOperation | undefined {
  const hashedPassword = args.has("hash")
    ? args.text("hash")
    : base64FromBytes(bytesFromUtf8(`hash of ${name}`));
  switch (command) {
    case "enable":
      return { case: "authEnable", value: {} };
    case "disable":
      return { case: "authDisable", value: {} };
    case "status":
      return { case: "authStatus", value: {} };
    case "authenticate":
      return { case: "authenticate", value: { name, password: "", simpleToken: "secret" } };
    case "user-add": {
      const options = args.has("no-password") ? { noPassword: true } : undefined;
      const value = createAuthUserAddRequest({ name, hashedPassword, options });
      return { case: "authUserAdd", value };
    }
    case "user-delete":
      return { case: "authUserDelete", value: { name } };
    case "user-password":
      return { case: "authUserChangePassword", value: { name, password: "", hashedPassword } };
    case "user-grant":
      return { case: "authUserGrantRole", value: { user: name, role: args.text("role") } };
    case "user-revoke":
      return { case: "authUserRevokeRole", value: { name, role: args.text("role") } };
    case "user-get":
      return { case: "authUserGet", value: { name } };
    case "user-list":
      return { case: "authUserList", value: {} };
    default:
      return undefined;
  }
}

function roleOperationOf(
  command: string,
  name: string,
  args: Arguments,
): InternalRaftRequestOperation | undefined {
  switch (command) {
    case "role-add":
      return { case: "authRoleAdd", value: { name } };
    case "role-delete":
      return { case: "authRoleDelete", value: { role: name } };
    case "role-get":
      return { case: "authRoleGet", value: { role: name } };
    case "role-list":
      return { case: "authRoleList", value: {} };
    case "role-grant": {
      if (!args.has("type")) {
        return { case: "authRoleGrantPermission", value: { name, perm: undefined } };
      }
      const permType = Object.keys(PermissionType).indexOf(args.text("type"));
      const perm = { permType, ...args.range() };
      return { case: "authRoleGrantPermission", value: { name, perm } };
    }
    case "role-revoke":
      return { case: "authRoleRevokePermission", value: { role: name, ...args.range() } };
    default:
      return undefined;
  }
}
