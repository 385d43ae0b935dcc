/**
 * What the audit log tells of a request: names, keys, ids and revisions, method by method. What is not named
 * here is not told: values, passwords and tokens have no way into a line.
 */
import { base64FromBytes } from "../../stdx/base64.ts";
import { equalBytes, bytesFromUtf8, utf8FromBytes } from "../../stdx/bytes.ts";
import type { JsonValue } from "../../stdx/json.ts";
import { type Permission, PermissionType } from "../../wire/gen/auth.ts";
import {
  type Compare,
  CompareResult,
  CompareTarget,
  type RequestOp,
  type TxnRequest,
} from "../../wire/gen/rpc.ts";
import { AUDIT_KEY_BYTES_MAX, AUDIT_TXN_PARTS_MAX } from "../limits.ts";

/** Members of one line, in order. */
export type AuditFields = Record<string, JsonValue>;

/** `name` and the key as text, or `name_base64` where it is none; the first bytes of a long one, and its length. */
export function keyField(name: string, key: Uint8Array): AuditFields {
  if (key.length === 0) return {};
  const shown = key.subarray(0, AUDIT_KEY_BYTES_MAX);
  const rest = shown.length < key.length ? { [`${name}_bytes`]: key.length } : {};
  const text = utf8FromBytes(shown);
  // A NUL, which "every key from here on" has, is not for reading either.
  const isText = !text.includes("\0") && equalBytes(bytesFromUtf8(text), shown);
  return isText
    ? { [name]: text, ...rest }
    : { [`${name}_base64`]: base64FromBytes(shown), ...rest };
}

/** A key, and the end of its range where it has one. */
export function rangeFields(range: {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}): AuditFields {
  return { ...keyField("key", range.key), ...keyField("range_end", range.rangeEnd) };
}

/** A lease as etcdctl shows it; nothing for none. */
export function leaseField(lease: bigint): AuditFields {
  return lease === 0n ? {} : { lease: BigInt.asUintN(64, lease).toString(16) };
}

/** An id of a member, alarm or the like in hexadecimal. */
export function idField(name: string, id: bigint): AuditFields {
  return { [name]: id.toString(16) };
}

/** A name or number, where it is not the one that means nothing. */
export function given(name: string, value: string | number | boolean): AuditFields {
  return value === "" || value === 0 || value === false ? {} : { [name]: value };
}

/** What is compared, and what is done in either case. */
export function txnFields(txn: TxnRequest): AuditFields {
  const budget = { left: AUDIT_TXN_PARTS_MAX, over: 0 };
  return { txn: txnSummary(txn, budget), ...given("txn_parts_left_out", budget.over) };
}

/** How many parts of a transaction, with those inside of it, may still be told. */
interface Budget {
  left: number;
  over: number;
}

function txnSummary({ compare, success, failure }: TxnRequest, budget: Budget): AuditFields {
  return {
    compare: within(compare, budget, compareFields),
    success: within(success, budget, (op) => operationFields(op, budget)),
    failure: within(failure, budget, (op) => operationFields(op, budget)),
  };
}

function within<T>(
  parts: readonly T[],
  budget: Budget,
  fieldsOf: (part: T) => AuditFields,
): AuditFields[] {
  const told: AuditFields[] = [];
  for (const part of parts) {
    if (budget.left === 0) {
      budget.over++;
      continue;
    }
    budget.left--;
    told.push(fieldsOf(part));
  }
  return told;
}

function compareFields(compare: Compare): AuditFields {
  return {
    ...rangeFields(compare),
    target: nameOf(CompareTarget, compare.target),
    result: nameOf(CompareResult, compare.result),
  };
}

function operationFields({ request }: RequestOp, budget: Budget): AuditFields {
  switch (request?.case) {
    case "requestPut":
      return {
        op: "put",
        ...keyField("key", request.value.key),
        ...leaseField(request.value.lease),
      };
    case "requestRange":
      return { op: "range", ...rangeFields(request.value) };
    case "requestDeleteRange":
      return { op: "delete_range", ...rangeFields(request.value) };
    case "requestTxn":
      return { op: "txn", ...txnSummary(request.value, budget) };
    default:
      return { op: "none" };
  }
}

export function permissionFields(permission: Permission | undefined): AuditFields {
  if (permission === undefined) return {};
  return { permission: nameOf(PermissionType, permission.permType), ...rangeFields(permission) };
}

/** The name of a value of a protobuf enumeration, or its number where it has none. */
export function nameOf(values: Readonly<Record<string, number>>, value: number): string {
  return Object.entries(values).find(([, number]) => number === value)?.[0] ?? String(value);
}
