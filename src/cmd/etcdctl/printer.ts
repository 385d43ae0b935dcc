/**
 * The forms in which answers are printed (`--write-out`). One module a form, loaded when it is asked for.
 *
 * Source: etcd etcdctl/ctlv3/command/printer.go.
 */
import type {
  DeleteRangeResponse,
  MemberListResponse,
  PutResponse,
  RangeResponse,
  StatusResponse,
  TxnResponse,
} from "../../wire/gen/rpc.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";

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

/** Prints answers. A form that a printer does not have ends the tool with "not supported". */
export interface Printer {
  readonly form: OutputForm;
  get(response: RangeResponse, valuesOnly: boolean): void;
  put(response: PutResponse): void;
  delete(response: DeleteRangeResponse): void;
  txn(response: TxnResponse): void;
  memberList(response: MemberListResponse): void;
  endpointHealth(list: readonly EndpointHealth[]): void;
  endpointStatus(list: readonly EndpointStatus[]): void;
}

export type OutputForm = "simple" | "fields" | "json" | "protobuf" | "table";

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
  switch (name) {
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
    default:
      throw new ToolExit(ExitCode.BAD_FEATURE, "unsupported output format");
  }
}

/** What a printer does with an answer that its form does not have. */
export function unsupported(form: OutputForm): never {
  throw new ToolExit(ExitCode.BAD_FEATURE, `${form} not supported as output format`);
}
