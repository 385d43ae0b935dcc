/**
 * The fields form: one line a field, names in quotes, texts as Go string literals.
 *
 * Source: etcd etcdctl/ctlv3/command/printer_fields.go.
 */
import { latin1FromBytes } from "../../stdx/bytes.ts";
import { goQuote } from "../../stdx/go-quote.ts";
import type { KeyValue } from "../../wire/gen/kv.ts";
import type {
  AlarmResponse,
  DeleteRangeResponse,
  MemberListResponse,
  PutResponse,
  RangeResponse,
  ResponseHeader,
  TxnResponse,
} from "../../wire/gen/rpc.ts";
import { createResponseHeader } from "../../wire/gen/rpc.ts";
import { byteString } from "../byte-text.ts";
import { unsupported } from "../output-form.ts";
import type {
  EndpointHash,
  EndpointHealth,
  EndpointStatus,
  Printer,
  PrinterOutput,
} from "./printer.ts";
import { alarmTypeName } from "./rows.ts";

/** The lines of one answer, gathered into one write. */
export class FieldLines {
  text = "";

  /** A value as it is. */
  value(name: string, value: string | number | bigint | boolean): this {
    this.text += `"${name}" : ${value}\n`;
    return this;
  }

  /** A byte string in quotes. */
  quoted(name: string, value: string): this {
    return this.value(name, goQuote(value));
  }

  blank(): this {
    this.text += "\n";
    return this;
  }

  header(header: ResponseHeader | undefined): this {
    const { clusterId, memberId, revision, raftTerm } = header ?? createResponseHeader();
    return this.value("ClusterID", clusterId)
      .value("MemberID", memberId)
      .value("Revision", revision)
      .value("RaftTerm", raftTerm);
  }

  keyValue(prefix: string, kv: KeyValue): this {
    return this.quoted(`${prefix}Key`, latin1FromBytes(kv.key))
      .value(`${prefix}CreateRevision`, kv.createRevision)
      .value(`${prefix}ModRevision`, kv.modRevision)
      .value(`${prefix}Version`, kv.version)
      .quoted(`${prefix}Value`, latin1FromBytes(kv.value))
      .value(`${prefix}Lease`, kv.lease);
  }

  range(response: RangeResponse): this {
    this.header(response.header);
    for (const kv of response.kvs) this.keyValue("", kv);
    return this.value("More", response.more).value("Count", response.count);
  }

  put(response: PutResponse): this {
    this.header(response.header);
    return response.prevKv === undefined ? this : this.keyValue("Prev", response.prevKv);
  }

  delete(response: DeleteRangeResponse): this {
    this.header(response.header).value("Deleted", response.deleted);
    for (const kv of response.prevKvs) this.keyValue("Prev", kv);
    return this;
  }
}

export class FieldsPrinter implements Printer {
  readonly form = "fields";
  readonly #output: PrinterOutput;

  constructor(output: PrinterOutput) {
    this.#output = output;
  }

  get(response: RangeResponse): void {
    this.#print(new FieldLines().range(response));
  }

  put(response: PutResponse): void {
    this.#print(new FieldLines().put(response));
  }

  delete(response: DeleteRangeResponse): void {
    this.#print(new FieldLines().delete(response));
  }

  txn(response: TxnResponse): void {
    const lines = new FieldLines().header(response.header).value("Succeeded", response.succeeded);
    for (const { response: answer } of response.responses) {
      switch (answer?.case) {
        case "responseRange":
          lines.range(answer.value);
          break;
        case "responsePut":
          lines.put(answer.value);
          break;
        case "responseDeleteRange":
          lines.delete(answer.value);
          break;
        default:
          lines.quoted("Unknown", "");
      }
    }
    this.#print(lines);
  }

  memberList(response: MemberListResponse): void {
    const lines = new FieldLines().header(response.header);
    for (const member of response.members) {
      lines.value("ID", member.id).quoted("Name", byteString(member.name));
      for (const url of member.peerUrls) lines.quoted("PeerURL", byteString(url));
      for (const url of member.clientUrls) lines.quoted("ClientURL", byteString(url));
      lines.value("IsLearner", member.isLearner).blank();
    }
    this.#print(lines);
  }

  memberAdd(): void {
    unsupported("fields");
  }

  memberRemove(): void {
    unsupported("fields");
  }

  memberUpdate(): void {
    unsupported("fields");
  }

  memberPromote(): void {
    unsupported("fields");
  }

  endpointHealth(list: readonly EndpointHealth[]): void {
    const lines = new FieldLines();
    for (const { endpoint, isHealthy, took, error } of list) {
      lines.quoted("Endpoint", endpoint).value("Health", isHealthy);
      lines.value("Took", took).value("Error", error).blank();
    }
    this.#print(lines);
  }

  endpointStatus(list: readonly EndpointStatus[]): void {
    const lines = new FieldLines();
    for (const { endpoint, status } of list) {
      lines
        .header(status.header)
        .quoted("Version", byteString(status.version))
        .value("DBSize", status.dbSize)
        .value("Leader", status.leader)
        .value("IsLearner", status.isLearner)
        .value("RaftIndex", status.raftIndex)
        .value("RaftTerm", status.raftTerm)
        .value("RaftAppliedIndex", status.raftAppliedIndex)
        .value("Errors", `[${byteString(status.errors.join(" "))}]`)
        .quoted("Endpoint", endpoint)
        .blank();
    }
    this.#print(lines);
  }

  endpointHashKv(list: readonly EndpointHash[]): void {
    const lines = new FieldLines();
    for (const { endpoint, hashKv } of list) {
      lines.header(hashKv.header).quoted("Endpoint", endpoint).value("Hash", hashKv.hash).blank();
    }
    this.#print(lines);
  }

  alarms({ header, alarms }: AlarmResponse): void {
    const lines = new FieldLines();
    // Differs from etcd: what was disarmed has no header, on which etcdctl crashes in this form.
    if (header !== undefined) lines.header(header);
    for (const { memberId, alarm } of alarms) {
      lines.value("MemberID", memberId).value("AlarmType", alarmTypeName(alarm)).blank();
    }
    this.#print(lines);
  }

  moveLeader(): void {
    unsupported("fields");
  }

  #print(lines: FieldLines): void {
    this.#output.out(lines.text);
  }
}
