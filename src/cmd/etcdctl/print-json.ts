/**
 * The JSON form: the answers as Go's encoding/json prints the protobuf structs of etcd, with their field
 * names, 64-bit numbers as numbers and bytes in base64.
 *
 * Source: etcd etcdctl/ctlv3/command/printer_json.go; json tags of api/etcdserverpb and api/mvccpb.
 */
import { goJsonString } from "../../stdx/json.ts";
import type { KeyValue } from "../../wire/gen/kv.ts";
import type {
  AlarmResponse,
  DeleteRangeResponse,
  HashKVResponse,
  Member,
  MemberAddResponse,
  MemberListResponse,
  MemberPromoteResponse,
  MemberRemoveResponse,
  MemberUpdateResponse,
  MoveLeaderResponse,
  PutResponse,
  RangeResponse,
  ResponseHeader,
  ResponseOp,
  StatusResponse,
  TxnResponse,
} from "../../wire/gen/rpc.ts";
import { byteString, textOf } from "../byte-text.ts";
import { GoJsonObject } from "./go-json.ts";
import type {
  EndpointHash,
  EndpointHealth,
  EndpointStatus,
  Printer,
  PrinterOutput,
} from "./printer.ts";

export class JsonPrinter implements Printer {
  readonly form = "json";
  readonly #output: PrinterOutput;
  readonly #isHex: boolean;

  constructor(output: PrinterOutput, isHex: boolean) {
    this.#output = output;
    this.#isHex = isHex;
  }

  get(response: RangeResponse): void {
    this.#print(rangeJson(response));
  }

  put(response: PutResponse): void {
    this.#print(putJson(response));
  }

  delete(response: DeleteRangeResponse): void {
    this.#print(deleteJson(response));
  }

  txn(response: TxnResponse): void {
    this.#print(txnJson(response));
  }

  memberList(response: MemberListResponse): void {
    this.#print(this.#isHex ? hexMemberListJson(response) : memberListJson(response));
  }

  memberAdd({ header, member, members }: MemberAddResponse): void {
    const object = new GoJsonObject().raw("header", headerJson(header));
    if (member !== undefined) object.raw("member", memberJson(member));
    this.#print(object.list("members", members.map(memberJson)).toString());
  }

  memberRemove(_id: bigint, response: MemberRemoveResponse): void {
    this.#print(memberListJson(response));
  }

  memberUpdate(_id: bigint, response: MemberUpdateResponse): void {
    this.#print(memberListJson(response));
  }

  memberPromote(_id: bigint, response: MemberPromoteResponse): void {
    this.#print(memberListJson(response));
  }

  endpointHealth(list: readonly EndpointHealth[]): void {
    const items = list.map(({ endpoint, isHealthy, took, error }) =>
      new GoJsonObject()
        .raw("endpoint", goJsonString(textOf(endpoint)))
        .raw("health", String(isHealthy))
        .raw("took", goJsonString(textOf(took)))
        .text("error", textOf(error))
        .toString(),
    );
    this.#print(`[${items.join(",")}]`);
  }

  endpointStatus(list: readonly EndpointStatus[]): void {
    const items = list.map(({ endpoint, status }) =>
      new GoJsonObject()
        .raw("Endpoint", goJsonString(textOf(endpoint)))
        .raw("Status", statusJson(status))
        .toString(),
    );
    this.#print(`[${items.join(",")}]`);
  }

  endpointHashKv(list: readonly EndpointHash[]): void {
    const items = list.map(({ endpoint, hashKv }) =>
      new GoJsonObject()
        .raw("Endpoint", goJsonString(textOf(endpoint)))
        .raw("HashKV", hashKvJson(hashKv))
        .toString(),
    );
    this.#print(`[${items.join(",")}]`);
  }

  alarms({ header, alarms }: AlarmResponse): void {
    const items = alarms.map(({ memberId, alarm }) =>
      new GoJsonObject().integer("memberID", memberId).integer("alarm", alarm).toString(),
    );
    const json = new GoJsonObject().raw("header", headerJson(header)).list("alarms", items);
    this.#print(json.toString());
  }

  moveLeader(_leaderId: bigint, _targetId: bigint, { header }: MoveLeaderResponse): void {
    this.#print(new GoJsonObject().raw("header", headerJson(header)).toString());
  }

  /** `json` is ordinary text. */
  #print(json: string): void {
    this.#output.out(`${byteString(json)}\n`);
  }
}

/** Adds the members of a header to `object`, as Go does where a header is embedded. */
export function addHeader(object: GoJsonObject, header: ResponseHeader | undefined): GoJsonObject {
  if (header === undefined) return object;
  return object
    .integer("cluster_id", header.clusterId)
    .integer("member_id", header.memberId)
    .integer("revision", header.revision)
    .integer("raft_term", header.raftTerm);
}

export function headerJson(header: ResponseHeader | undefined): string | undefined {
  return header === undefined ? undefined : addHeader(new GoJsonObject(), header).toString();
}

export function keyValueJson(kv: KeyValue): string {
  return new GoJsonObject()
    .bytes("key", kv.key)
    .integer("create_revision", kv.createRevision)
    .integer("mod_revision", kv.modRevision)
    .integer("version", kv.version)
    .bytes("value", kv.value)
    .integer("lease", kv.lease)
    .toString();
}

function rangeJson(response: RangeResponse): string {
  return new GoJsonObject()
    .raw("header", headerJson(response.header))
    .list("kvs", response.kvs.map(keyValueJson))
    .flag("more", response.more)
    .integer("count", response.count)
    .toString();
}

function putJson({ header, prevKv }: PutResponse): string {
  return new GoJsonObject()
    .raw("header", headerJson(header))
    .raw("prev_kv", prevKv === undefined ? undefined : keyValueJson(prevKv))
    .toString();
}

function deleteJson(response: DeleteRangeResponse): string {
  return new GoJsonObject()
    .raw("header", headerJson(response.header))
    .integer("deleted", response.deleted)
    .list("prev_kvs", response.prevKvs.map(keyValueJson))
    .toString();
}

function txnJson(response: TxnResponse): string {
  return new GoJsonObject()
    .raw("header", headerJson(response.header))
    .flag("succeeded", response.succeeded)
    .list("responses", response.responses.map(responseOpJson))
    .toString();
}

/** The one field is an interface value in Go: its name is the Go name, what is inside is a struct. */
function responseOpJson({ response }: ResponseOp): string {
  const answer = new GoJsonObject();
  switch (response?.case) {
    case "responseRange":
      answer.raw("response_range", rangeJson(response.value));
      break;
    case "responsePut":
      answer.raw("response_put", putJson(response.value));
      break;
    case "responseDeleteRange":
      answer.raw("response_delete_range", deleteJson(response.value));
      break;
    case "responseTxn":
      answer.raw("response_txn", txnJson(response.value));
      break;
    default:
      return '{"Response":null}';
  }
  return new GoJsonObject().raw("Response", answer.toString()).toString();
}

function memberJson(member: Member): string {
  return new GoJsonObject()
    .integer("ID", member.id)
    .text("name", member.name)
    .texts("peerURLs", member.peerUrls)
    .texts("clientURLs", member.clientUrls)
    .flag("isLearner", member.isLearner)
    .toString();
}

function memberListJson({ header, members }: MemberListResponse): string {
  return new GoJsonObject()
    .raw("header", headerJson(header))
    .list("members", members.map(memberJson))
    .toString();
}

/** Built by hand upstream, and so different: hex ids as texts, "clientURLS", no revision, no isLearner. */
function hexMemberListJson({ header, members }: MemberListResponse): string {
  const ids = `"cluster_id":"${hex(header?.clusterId)}","member_id":"${hex(header?.memberId)}"`;
  const items = members.map(
    (member) =>
      `{"ID":"${hex(member.id)}","name":"${member.name}","peerURLs":${urlsJson(member.peerUrls)}` +
      `,"clientURLS":${urlsJson(member.clientUrls)}}`,
  );
  const list = items.length === 0 ? "" : `,"members":[${items.join(",")}]`;
  return `{"header":{${ids},"raft_term":${header?.raftTerm ?? 0}}${list}}`;
}

function hex(id: bigint | undefined): string {
  return (id ?? 0n).toString(16);
}

/** A Go slice that was never set is null. */
function urlsJson(urls: readonly string[]): string {
  return urls.length === 0 ? "null" : `[${urls.map(goJsonString).join(",")}]`;
}

function statusJson(status: StatusResponse): string {
  return new GoJsonObject()
    .raw("header", headerJson(status.header))
    .text("version", status.version)
    .integer("dbSize", status.dbSize)
    .integer("leader", status.leader)
    .integer("raftIndex", status.raftIndex)
    .integer("raftTerm", status.raftTerm)
    .integer("raftAppliedIndex", status.raftAppliedIndex)
    .texts("errors", status.errors)
    .integer("dbSizeInUse", status.dbSizeInUse)
    .flag("isLearner", status.isLearner)
    .toString();
}

function hashKvJson(response: HashKVResponse): string {
  return new GoJsonObject()
    .raw("header", headerJson(response.header))
    .integer("hash", response.hash)
    .integer("compact_revision", response.compactRevision)
    .toString();
}
