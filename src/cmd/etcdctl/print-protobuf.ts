/**
 * The protobuf form: the answer's own bytes, and nothing after them.
 *
 * Source: etcd etcdctl/ctlv3/command/printer_protobuf.go.
 */
import { latin1FromBytes } from "../../stdx/bytes.ts";
import {
  type AlarmResponse,
  type DeleteRangeResponse,
  encodeAlarmResponse,
  encodeDeleteRangeResponse,
  encodeMemberAddResponse,
  encodeMemberListResponse,
  encodeMemberPromoteResponse,
  encodeMemberRemoveResponse,
  encodeMemberUpdateResponse,
  encodeMoveLeaderResponse,
  encodePutResponse,
  encodeRangeResponse,
  encodeTxnResponse,
  type MemberAddResponse,
  type MemberListResponse,
  type MemberPromoteResponse,
  type MemberRemoveResponse,
  type MemberUpdateResponse,
  type MoveLeaderResponse,
  type PutResponse,
  type RangeResponse,
  type TxnResponse,
} from "../../wire/gen/rpc.ts";
import { unsupported } from "../output-form.ts";
import type { Printer, PrinterOutput } from "./printer.ts";

export class ProtobufPrinter implements Printer {
  readonly form = "protobuf";
  readonly #output: PrinterOutput;

  constructor(output: PrinterOutput) {
    this.#output = output;
  }

  get(response: RangeResponse): void {
    this.#print(encodeRangeResponse(response));
  }

  put(response: PutResponse): void {
    this.#print(encodePutResponse(response));
  }

  delete(response: DeleteRangeResponse): void {
    this.#print(encodeDeleteRangeResponse(response));
  }

  txn(response: TxnResponse): void {
    this.#print(encodeTxnResponse(response));
  }

  memberList(response: MemberListResponse): void {
    this.#print(encodeMemberListResponse(response));
  }

  memberAdd(response: MemberAddResponse): void {
    this.#print(encodeMemberAddResponse(response));
  }

  memberRemove(_id: bigint, response: MemberRemoveResponse): void {
    this.#print(encodeMemberRemoveResponse(response));
  }

  memberUpdate(_id: bigint, response: MemberUpdateResponse): void {
    this.#print(encodeMemberUpdateResponse(response));
  }

  memberPromote(_id: bigint, response: MemberPromoteResponse): void {
    this.#print(encodeMemberPromoteResponse(response));
  }

  endpointHealth(): void {
    unsupported("protobuf");
  }

  endpointStatus(): void {
    unsupported("protobuf");
  }

  endpointHashKv(): void {
    unsupported("protobuf");
  }

  alarms(response: AlarmResponse): void {
    this.#print(encodeAlarmResponse(response));
  }

  moveLeader(_leaderId: bigint, _targetId: bigint, response: MoveLeaderResponse): void {
    this.#print(encodeMoveLeaderResponse(response));
  }

  #print(bytes: Uint8Array): void {
    this.#output.out(latin1FromBytes(bytes));
  }
}
