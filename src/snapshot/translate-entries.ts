/**
 * The entries of a log for a backup: those that say who is in the cluster become empty ones, so that terms and
 * indexes stay what they are.
 *
 * Source: etcd etcdutl/etcdutl/backup_command.go (translateWAL; 3.5).
 */
import type { Log } from "../ports/log.ts";
import { EMPTY_BYTES } from "../stdx/bytes.ts";
import { decodeRequest, InternalRaftRequestOperationField } from "../wire/gen/raft-internal.ts";
import type { Request } from "../wire/gen/raft-internal.ts";
import { type Entry, EntryType } from "../wire/gen/raft.ts";
import { splitInternalRequest } from "../wire/internal-request.ts";
import { WireError } from "../wire/wire-error.ts";

const FIELDS = InternalRaftRequestOperationField;

/** Where members published their attributes in the v2 API. */
const MEMBER_ATTRIBUTES = /\/0\/members\/[0-9a-fA-F]{1,16}\/attributes/;

/** Without `withV3` requests of the v3 API become empty entries, too. Throws `WireError` on illegal entries. */
export function translateEntries(entries: readonly Entry[], withV3: boolean, log: Log): Entry[] {
  return entries.map((entry) => (isKept(entry, withV3, log) ? entry : emptied(entry)));
}

function isKept(entry: Entry, withV3: boolean, log: Log): boolean {
  if (entry.type === EntryType.EntryConfChange) {
    log.info("ignoring EntryConfChange raft entry");
    return false;
  }
  const { v2, isMemberAttributes, hasHeader } = requestsOf(entry.data ?? EMPTY_BYTES);
  if (v2?.method === "PUT" && MEMBER_ATTRIBUTES.test(v2.path)) {
    const fields = { entry: entryText(entry), "v2Req.Path": v2.path };
    log.info("ignoring member attribute update on", fields);
    return false;
  }
  if (isMemberAttributes) {
    log.info("ignoring cluster_member_attr_set");
    return false;
  }
  if (withV3 || !hasHeader) return true;
  log.info("ignoring v3 raft entry");
  return false;
}

/** What a leader appends when it is elected, too: an entry that changes nothing. */
function emptied({ term, index }: Entry): Entry {
  return { type: EntryType.EntryNormal, term, index, data: undefined };
}

/** What an entry asks for. */
export interface EntryRequests {
  /** A request of the v2 API. */
  readonly v2: Request | undefined;
  readonly isMemberAttributes: boolean;
  /** Requests of the v3 API have one. */
  readonly hasHeader: boolean;
}

/** Takes the content of an entry apart. Throws `WireError`. */
export function requestsOf(data: Uint8Array): EntryRequests {
  const parts = partsOf(data);
  if (parts === undefined) {
    return { v2: decodeRequest(data), isMemberAttributes: false, hasHeader: false };
  }
  return {
    v2: parts.field === FIELDS.v2 ? decodeRequest(parts.body) : undefined,
    isMemberAttributes: parts.field === FIELDS.clusterMemberAttrSet,
    hasHeader: parts.header !== undefined,
  };
}

/** `undefined` for a request of the v2 API, which stands in the entry as it is. */
function partsOf(data: Uint8Array): ReturnType<typeof splitInternalRequest> | undefined {
  try {
    return splitInternalRequest(data);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/** An entry as protobuf prints it in one line. */
function entryText({ term, index, data }: Entry): string {
  let escaped = "";
  for (const byte of data ?? EMPTY_BYTES) escaped += ESCAPES[byte] ?? plainOrOctal(byte);
  return `Term:${term} Index:${index} Data:"${escaped}" `;
}

const ESCAPES: Readonly<Record<number, string>> = {
  9: "\\t",
  10: "\\n",
  13: "\\r",
  34: '\\"',
  92: "\\\\",
};

function plainOrOctal(byte: number): string {
  const isPrintable = byte >= 0x20 && byte < 0x7f;
  return isPrintable ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`;
}
