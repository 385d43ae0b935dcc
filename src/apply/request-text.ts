/**
 * Requests as text for the log, in the form of etcd's: protobuf text on one line, with the sizes of values in
 * place of the values.
 *
 * Source: etcd api/etcdserverpb/raft_internal_stringer.go; gogo/protobuf text format, compact.
 */
import type { AuthInfo } from "../auth/auth-info.ts";
import { bytesFromUtf8 } from "../stdx/bytes.ts";
import type { InternalRaftRequestOperation } from "../wire/gen/raft-internal.ts";
import {
  type Compare,
  CompareResult,
  CompareTarget,
  type DeleteRangeRequest,
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  SortOrder,
  SortTarget,
  type TxnRequest,
} from "../wire/gen/rpc.ts";

/** `operation` of the entry with request id `id`, which `caller` has asked for. */
export function operationText(
  id: bigint,
  operation: InternalRaftRequestOperation,
  caller: AuthInfo = NOBODY,
): string {
  const username = bytes("username", bytesFromUtf8(caller.username));
  const revision = scalar("auth_revision", caller.revision);
  const header = `header:<ID:${id} ${username}${revision}> `;
  switch (operation.case) {
    case "put":
      return `${header}put:<${putText(operation.value)}>`;
    case "txn":
      return `${header}txn:<${txnText(operation.value)}>`;
    case "deleteRange":
      return `${header}delete_range:<${deleteRangeText(operation.value)}> `;
    case "compaction": {
      const { revision, physical } = operation.value;
      return `${header}compaction:<${scalar("revision", revision)}${flag("physical", physical)}> `;
    }
    case "leaseGrant": {
      const { id: lease, ttl } = operation.value;
      return `${header}lease_grant:<ttl:${ttl}-second id:${leaseText(lease)}>`;
    }
    case "leaseRevoke":
      return `${header}lease_revoke:<id:${leaseText(operation.value.id)}>`;
    case "leaseCheckpoint": {
      const checkpoints = operation.value.checkpoints.map(
        ({ id: lease, remainingTtl }) =>
          `checkpoints:<${scalar("ID", lease)}${scalar("remaining_TTL", remainingTtl)}> `,
      );
      return `${header}lease_checkpoint:<${checkpoints.join("")}> `;
    }
    default:
      return `${header}${snakeCase(operation.case)}:<${namesText(operation.value)}> `;
  }
}

const NOBODY: AuthInfo = { username: "", revision: 0 };

/** Names of users and roles in a request about them; nothing else, as there are passwords in some. */
function namesText(request: object): string {
  let text = "";
  for (const field of ["name", "user", "role"]) {
    const value: unknown = Reflect.get(request, field);
    if (typeof value === "string") text += bytes(field, bytesFromUtf8(value));
  }
  return text;
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A read. */
export function rangeText(request: RangeRequest): string {
  return (
    bytes("key", request.key) +
    bytes("range_end", request.rangeEnd) +
    scalar("limit", request.limit) +
    scalar("revision", request.revision) +
    named("sort_order", SortOrder, request.sortOrder) +
    named("sort_target", SortTarget, request.sortTarget) +
    flag("serializable", request.serializable) +
    flag("keys_only", request.keysOnly) +
    flag("count_only", request.countOnly) +
    scalar("min_mod_revision", request.minModRevision) +
    scalar("max_mod_revision", request.maxModRevision) +
    scalar("min_create_revision", request.minCreateRevision) +
    scalar("max_create_revision", request.maxCreateRevision)
  );
}

/** A transaction without its values. */
export function txnText({ compare, success, failure }: TxnRequest): string {
  const compares = compare.map(compareText).join(" ");
  return (
    `compare:<${compares}> success:<${success.map(requestOpText).join(" ")}> ` +
    `failure:<${failure.map(requestOpText).join(" ")}>`
  );
}

/** A put without its value. */
export function putText(request: PutRequest): string {
  return (
    bytes("key", request.key) +
    scalar("value_size", request.value.length) +
    scalar("lease", request.lease) +
    flag("prev_kv", request.prevKv) +
    flag("ignore_value", request.ignoreValue) +
    flag("ignore_lease", request.ignoreLease)
  );
}

/** A deletion. */
export function deleteRangeText({ key, rangeEnd, prevKv }: DeleteRangeRequest): string {
  return bytes("key", key) + bytes("range_end", rangeEnd) + flag("prev_kv", prevKv);
}

function requestOpText({ request }: RequestOp): string {
  switch (request?.case) {
    case "requestPut":
      return `request_put:<${putText(request.value)}>`;
    case "requestTxn":
      return `request_txn:<${txnText(request.value)}>`;
    case "requestRange":
      return `request_range:<${rangeText(request.value)}> `;
    case "requestDeleteRange":
      return `request_delete_range:<${deleteRangeText(request.value)}> `;
    default:
      return "";
  }
}

function compareText({ result, target, key, rangeEnd, targetUnion }: Compare): string {
  const head =
    named("result", CompareResult, result) +
    named("target", CompareTarget, target) +
    bytes("key", key);
  return `${head}${targetText(targetUnion)}${bytes("range_end", rangeEnd)}`;
}

/** What is compared with; shown also when it is 0, because it was chosen. */
function targetText(target: Compare["targetUnion"]): string {
  switch (target?.case) {
    case "value":
      return scalar("value_size", target.value.length);
    case "version":
      return `version:${target.value} `;
    case "createRevision":
      return `create_revision:${target.value} `;
    case "modRevision":
      return `mod_revision:${target.value} `;
    case "lease":
      return `lease:${target.value} `;
    default:
      return "";
  }
}

/** As Go's %016x: a sign counts among the 16 characters. */
function leaseText(id: bigint): string {
  return id < 0n ? `-${(-id).toString(16).padStart(15, "0")}` : id.toString(16).padStart(16, "0");
}

function scalar(name: string, value: number | bigint): string {
  return value === 0 || value === 0n ? "" : `${name}:${value} `;
}

function flag(name: string, value: boolean): string {
  return value ? `${name}:true ` : "";
}

function bytes(name: string, value: Uint8Array): string {
  return value.length === 0 ? "" : `${name}:${quote(value)} `;
}

function named(name: string, values: Readonly<Record<string, number>>, value: number): string {
  if (value === 0) return "";
  const found = Object.entries(values).find(([, number]) => number === value);
  return `${name}:${found?.[0] ?? value} `;
}

/** As C writes a string: what is not printable in octal. */
function quote(value: Uint8Array): string {
  let text = '"';
  for (const byte of value) {
    const special = ESCAPES.get(byte);
    if (special !== undefined) text += special;
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else text += `\\${byte.toString(8).padStart(3, "0")}`;
  }
  return `${text}"`;
}

const ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x0a, "\\n"],
  [0x0d, "\\r"],
  [0x09, "\\t"],
  [0x22, '\\"'],
  [0x5c, "\\\\"],
]);
