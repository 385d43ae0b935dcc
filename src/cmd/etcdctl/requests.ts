/**
 * From the words of a get, put or del to the request they mean; the same for a command and for a line of a
 * transaction. A wrong word ends the tool.
 *
 * Source: etcd etcdctl/ctlv3/command/{get,put,del}_command.go; client/v3/op.go (ranges, sorting).
 */
import { bytesFromLatin1, concatBytes, EMPTY_BYTES, latin1FromBytes } from "../../stdx/bytes.ts";
import { GoNumberError, parseGoInt64 } from "../../stdx/go-number.ts";
import { goQuote } from "../../stdx/go-quote.ts";
import {
  createDeleteRangeRequest,
  createPutRequest,
  createRangeRequest,
  type DeleteRangeRequest,
  type PutRequest,
  type RangeRequest,
  SortOrder,
  SortTarget,
} from "../../wire/gen/rpc.ts";
import { type KeyRange, prefixRange, ZERO_BYTE } from "../key-prefix.ts";
import type { FlagSet } from "../pflag.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import type { ToolIo } from "../tool-io.ts";

/** The key that is before all keys, and the range end that is behind all keys. */

/** Bytes read at once from standard input. */
const INPUT_CHUNK_BYTES = 65_536;

function badArguments(message: string): ToolExit {
  return new ToolExit(ExitCode.BAD_ARGUMENTS, message);
}

/** What get and del have in common: a key, a key and an end, a prefix, or everything from a key on. */
function keyRange(flags: FlagSet, args: readonly string[]): KeyRange {
  const isPrefix = flags.getBool("prefix");
  const isFromKey = flags.getBool("from-key");
  const key = bytesFromLatin1(args[0]);
  if (args.length > 1 && (isPrefix || isFromKey)) {
    throw badArguments(
      "too many arguments, only accept one argument when `--prefix` or `--from-key` is set",
    );
  }
  if (!isPrefix && !isFromKey) {
    return { key, rangeEnd: args.length > 1 ? bytesFromLatin1(args[1]) : EMPTY_BYTES };
  }
  if (isPrefix) return prefixRange(key);
  return { key: key.length === 0 ? ZERO_BYTE : key, rangeEnd: ZERO_BYTE };
}

const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

/** A 64-bit integer as a number; what lies beyond ±(2^53-1) becomes that bound, where no revision ever is. */
export function safeNumber(value: bigint): number {
  if (value > SAFE_MAX) return Number.MAX_SAFE_INTEGER;
  return value < -SAFE_MAX ? -Number.MAX_SAFE_INTEGER : Number(value);
}

const PREFIX_AND_FROM_KEY =
  "`--prefix` and `--from-key` cannot be set at the same time, choose one";

const SORT_ORDERS: ReadonlyMap<string, SortOrder> = new Map([
  ["", SortOrder.NONE],
  ["ASCEND", SortOrder.ASCEND],
  ["DESCEND", SortOrder.DESCEND],
]);

const SORT_TARGETS: ReadonlyMap<string, SortTarget> = new Map([
  ["", SortTarget.KEY],
  ["CREATE", SortTarget.CREATE],
  ["KEY", SortTarget.KEY],
  ["MODIFY", SortTarget.MOD],
  ["VALUE", SortTarget.VALUE],
  ["VERSION", SortTarget.VERSION],
]);

export function rangeRequest(flags: FlagSet, args: readonly string[]): RangeRequest {
  if (args.length === 0) {
    throw badArguments(
      "get command needs one argument as key and an optional argument as range_end",
    );
  }
  if (flags.getBool("prefix") && flags.getBool("from-key")) throw badArguments(PREFIX_AND_FROM_KEY);
  const keysOnly = flags.getBool("keys-only");
  const countOnly = flags.getBool("count-only");
  if (keysOnly && countOnly) {
    throw badArguments(
      "`--keys-only` and `--count-only` cannot be set at the same time, choose one",
    );
  }
  const serializable = isSerializable(flags);
  if (flags.getBool("stream")) {
    const message =
      "--stream uses the call RangeStream of etcd 3.7, which this release does not have; without it the answer is the same";
    throw new ToolExit(ExitCode.BAD_FEATURE, message);
  }
  const { key, rangeEnd } = keyRange(flags, args);
  const order = flags.getString("order");
  const sortOrder = SORT_ORDERS.get(order.toUpperCase());
  if (sortOrder === undefined) {
    throw new ToolExit(ExitCode.BAD_FEATURE, `bad sort order ${order}`);
  }
  const target = flags.getString("sort-by");
  const sortTarget = SORT_TARGETS.get(target.toUpperCase());
  if (sortTarget === undefined) {
    throw new ToolExit(ExitCode.BAD_FEATURE, `bad sort target ${target}`);
  }
  // Ascending by key is how a range comes anyway; asking for it would make the server sort everything.
  const isNatural = sortTarget === SortTarget.KEY && sortOrder === SortOrder.ASCEND;
  return createRangeRequest({
    key,
    rangeEnd,
    limit: safeNumber(flags.getInteger("limit")),
    revision: Math.max(0, safeNumber(flags.getInteger("rev"))),
    sortOrder: isNatural ? SortOrder.NONE : sortOrder,
    sortTarget,
    serializable,
    keysOnly,
    countOnly,
    minCreateRevision: revisionBound(flags, "min-create-rev"),
    maxCreateRevision: revisionBound(flags, "max-create-rev"),
    minModRevision: revisionBound(flags, "min-mod-rev"),
    maxModRevision: revisionBound(flags, "max-mod-rev"),
  });
}

/** What `--consistency` says; anything but its two letters ends the tool. */
export function isSerializable(flags: FlagSet): boolean {
  const consistency = flags.getString("consistency");
  if (consistency === "s" || consistency === "l") return consistency === "s";
  const message = `unknown consistency flag ${goQuote(consistency)}`;
  throw new ToolExit(ExitCode.BAD_FEATURE, message);
}

/** None when it is 0 or below. */
function revisionBound(flags: FlagSet, name: string): number {
  return Math.max(0, safeNumber(flags.getInteger(name)));
}

export function deleteRequest(
  flags: FlagSet,
  args: readonly string[],
  io: ToolIo,
): DeleteRangeRequest {
  if (args.length === 0 || args.length > 2) {
    throw badArguments(
      "del command needs one argument as key and an optional argument as range_end",
    );
  }
  if (flags.getBool("prefix") && flags.getBool("from-key")) throw badArguments(PREFIX_AND_FROM_KEY);
  const { key, rangeEnd } = keyRange(flags, args);
  if (args.length > 1 && !flags.getBool("range")) {
    io.error(
      "In etcd v3.6, the operation will be suspended for a few seconds to provide the user time to verify range.\n",
    );
  }
  return createDeleteRangeRequest({ key, rangeEnd, prevKv: flags.getBool("prev-kv") });
}

const PUT_NEEDS = "put command needs 1 argument and input from stdin or 2 arguments";

export function putRequest(flags: FlagSet, args: readonly string[], io: ToolIo): PutRequest {
  if (args.length === 0) throw badArguments(PUT_NEEDS);
  const ignoreValue = flags.getBool("ignore-value");
  if (ignoreValue && args.length > 1) {
    throw badArguments("put command needs only 1 argument when 'ignore-value' is set");
  }
  const value = ignoreValue ? "" : (args[1] ?? readAll(io));
  if (!ignoreValue && args.length < 2 && value === "") throw badArguments(PUT_NEEDS);
  const lease = parseGoInt64(flags.getString("lease"), 16);
  if (lease instanceof GoNumberError) {
    throw badArguments(`bad lease ID (${lease.message}), expecting ID in Hex`);
  }
  return createPutRequest({
    key: bytesFromLatin1(args[0]),
    value: bytesFromLatin1(value),
    lease,
    prevKv: flags.getBool("prev-kv"),
    ignoreValue,
    ignoreLease: flags.getBool("ignore-lease"),
  });
}

function readAll(io: ToolIo): string {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = io.read(INPUT_CHUNK_BYTES);
    if (chunk.length === 0) return latin1FromBytes(concatBytes(chunks));
    chunks.push(chunk);
  }
}
