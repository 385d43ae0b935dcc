/**
 * The default form: what a person or a shell script reads.
 *
 * Source: etcd etcdctl/ctlv3/command/printer_simple.go.
 */
import { hexFromBytes, latin1FromBytes } from "../../stdx/bytes.ts";
import type { KeyValue } from "../../wire/gen/kv.ts";
import { AlarmType } from "../../wire/gen/rpc.ts";
import type {
  AlarmResponse,
  DeleteRangeResponse,
  MemberAddResponse,
  MemberListResponse,
  MemberPromoteResponse,
  MemberRemoveResponse,
  MemberUpdateResponse,
  PutResponse,
  RangeResponse,
  ResponseHeader,
  TxnResponse,
} from "../../wire/gen/rpc.ts";
import type {
  EndpointHash,
  EndpointHealth,
  EndpointStatus,
  Printer,
  PrinterOutput,
} from "./printer.ts";
import { alarmTypeName, hashRows, memberRows, statusRows } from "./rows.ts";

/** Digits of an id, with blanks in front of those that it does not have. */
const ID_WIDTH = 16;

export class SimplePrinter implements Printer {
  readonly form = "simple";
  readonly #output: PrinterOutput;
  readonly #isHex: boolean;

  constructor(output: PrinterOutput, isHex: boolean) {
    this.#output = output;
    this.#isHex = isHex;
  }

  get(response: RangeResponse, valuesOnly: boolean): void {
    // One write for all: a big answer must not become a system call per line.
    this.#output.out(response.kvs.map((kv) => this.#keyValue(kv, valuesOnly)).join(""));
  }

  put(response: PutResponse): void {
    const previous = response.prevKv === undefined ? "" : this.#keyValue(response.prevKv, false);
    this.#output.out(`OK\n${previous}`);
  }

  delete(response: DeleteRangeResponse): void {
    const previous = response.prevKvs.map((kv) => this.#keyValue(kv, false));
    this.#output.out(`${response.deleted}\n${previous.join("")}`);
  }

  txn(response: TxnResponse): void {
    this.#output.out(response.succeeded ? "SUCCESS\n" : "FAILURE\n");
    for (const { response: answer } of response.responses) {
      this.#output.out("\n");
      switch (answer?.case) {
        case "responseRange":
          this.get(answer.value, false);
          break;
        case "responsePut":
          this.put(answer.value);
          break;
        case "responseDeleteRange":
          this.delete(answer.value);
          break;
        default:
          this.#output.out("unexpected response\n");
      }
    }
  }

  memberList(response: MemberListResponse): void {
    this.#rows(memberRows(response));
  }

  memberAdd({ header, member }: MemberAddResponse): void {
    this.#memberChange(member?.id ?? 0n, "added to", header);
  }

  memberRemove(id: bigint, { header }: MemberRemoveResponse): void {
    this.#memberChange(id, "removed from", header);
  }

  memberUpdate(id: bigint, { header }: MemberUpdateResponse): void {
    this.#memberChange(id, "updated in", header);
  }

  memberPromote(id: bigint, { header }: MemberPromoteResponse): void {
    this.#memberChange(id, "promoted in", header);
  }

  endpointHealth(list: readonly EndpointHealth[]): void {
    for (const { endpoint, took, error } of list) {
      if (error === "") {
        const text = "is healthy: successfully committed proposal: took =";
        this.#output.out(`${endpoint} ${text} ${took}\n`);
      } else {
        this.#output.error(`${endpoint} is unhealthy: failed to commit proposal: ${error}\n`);
      }
    }
  }

  endpointStatus(list: readonly EndpointStatus[]): void {
    this.#rows(statusRows(list));
  }

  endpointHashKv(list: readonly EndpointHash[]): void {
    this.#rows(hashRows(list));
  }

  alarms({ alarms }: AlarmResponse): void {
    // As Go prints the message of an alarm, with a blank behind each field.
    for (const { memberId, alarm } of alarms) {
      const member = memberId === 0n ? "" : `memberID:${memberId} `;
      const kind = alarm === AlarmType.NONE ? "" : `alarm:${alarmTypeName(alarm)} `;
      this.#output.out(`${member}${kind}\n`);
    }
  }

  moveLeader(leaderId: bigint, targetId: bigint): void {
    const [from, to] = [leaderId, targetId].map((id) => id.toString(16));
    this.#output.out(`Leadership transferred from ${from} to ${to}\n`);
  }

  #memberChange(id: bigint, what: string, header: ResponseHeader | undefined): void {
    const [member, cluster] = [id, header?.clusterId ?? 0n].map((each) =>
      each.toString(16).padStart(ID_WIDTH),
    );
    this.#output.out(`Member ${member} ${what} cluster ${cluster}\n`);
  }

  #rows(rows: readonly (readonly string[])[]): void {
    for (const row of rows) this.#output.out(`${row.join(", ")}\n`);
  }

  #keyValue(kv: KeyValue, valuesOnly: boolean): string {
    return keyValueText(kv, this.#isHex, valuesOnly);
  }
}

/** A line with the key, unless only values are wanted, and one with the value. */
export function keyValueText(kv: KeyValue, isHex: boolean, valuesOnly: boolean): string {
  const value = `${shownBytes(kv.value, isHex)}\n`;
  return valuesOnly ? value : `${shownBytes(kv.key, isHex)}\n${value}`;
}

function shownBytes(bytes: Uint8Array, isHex: boolean): string {
  if (!isHex) return latin1FromBytes(bytes);
  return hexFromBytes(bytes).replaceAll(/../g, "\\x$&");
}
