/**
 * The forms in which answers are printed (`--write-out`). One module a form, loaded when it is asked for.
 *
 * Source: etcd etcdctl/ctlv3/command/printer.go.
 */
import type {
  AlarmResponse,
  DeleteRangeResponse,
  HashKVResponse,
  MemberAddResponse,
  MemberListResponse,
  MemberPromoteResponse,
  MemberRemoveResponse,
  MemberUpdateResponse,
  MoveLeaderResponse,
  PutResponse,
  RangeResponse,
  StatusResponse,
  TxnResponse,
} from "../../wire/gen/rpc.ts";
import { type OutputForm, outputForm } from "../output-form.ts";

/** What was found about the health of one endpoint. Texts are byte strings. */
export interface EndpointHealth {
  readonly endpoint: string;
  readonly isHealthy: boolean;
  /** How long it took, as Go prints durations; empty where no request was made. */
  readonly took: string;
  /** Empty when all is well. */
  readonly error: string;
}

/** What one endpoint says of itself. */
export interface EndpointStatus {
  readonly endpoint: string;
  readonly status: StatusResponse;
}

/** The hash of the keys of one endpoint. */
export interface EndpointHash {
  readonly endpoint: string;
  readonly hashKv: HashKVResponse;
}

/** Prints answers. A form that a printer does not have ends the tool with "not supported". */
export interface Printer {
  readonly form: OutputForm;
  get(response: RangeResponse, valuesOnly: boolean): void;
  put(response: PutResponse): void;
  delete(response: DeleteRangeResponse): void;
  txn(response: TxnResponse): void;
  memberList(response: MemberListResponse): void;
  memberAdd(response: MemberAddResponse): void;
  memberRemove(id: bigint, response: MemberRemoveResponse): void;
  memberUpdate(id: bigint, response: MemberUpdateResponse): void;
  memberPromote(id: bigint, response: MemberPromoteResponse): void;
  endpointHealth(list: readonly EndpointHealth[]): void;
  endpointStatus(list: readonly EndpointStatus[]): void;
  endpointHashKv(list: readonly EndpointHash[]): void;
  alarms(response: AlarmResponse): void;
  /** Who gave the leadership to whom. */
  moveLeader(leaderId: bigint, targetId: bigint, response: MoveLeaderResponse): void;
}

/** Where a printer prints; texts are byte strings. */
export interface PrinterOutput {
  out(text: string): void;
  error(text: string): void;
}

/** The printer of the form that `name` names; an unknown name ends the tool. */
export async function openPrinter(
  name: string,
  isHex: boolean,
  output: PrinterOutput,
): Promise<Printer> {
  switch (outputForm(name)) {
    case "simple":
      return new (await import("./print-simple.ts")).SimplePrinter(output, isHex);
    case "fields":
      return new (await import("./print-fields.ts")).FieldsPrinter(output);
    case "json":
      return new (await import("./print-json.ts")).JsonPrinter(output, isHex);
    case "protobuf":
      return new (await import("./print-protobuf.ts")).ProtobufPrinter(output);
    case "table":
      return new (await import("./print-table.ts")).TablePrinter(output);
  }
}
