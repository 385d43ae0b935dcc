/**
 * The table form, which only lists have.
 *
 * Source: etcd etcdctl/ctlv3/command/printer_table.go.
 */
import type { MemberListResponse } from "../../wire/gen/rpc.ts";
import { asciiTable } from "../ascii-table.ts";
import { unsupported } from "../output-form.ts";
import type {
  EndpointHash,
  EndpointHealth,
  EndpointStatus,
  Printer,
  PrinterOutput,
} from "./printer.ts";
import {
  HASH_HEADINGS,
  hashRows,
  HEALTH_HEADINGS,
  healthRows,
  MEMBER_HEADINGS,
  memberRows,
  STATUS_HEADINGS,
  statusRows,
} from "./rows.ts";

export class TablePrinter implements Printer {
  readonly form = "table";
  readonly #output: PrinterOutput;

  constructor(output: PrinterOutput) {
    this.#output = output;
  }

  get(): void {
    unsupported("table");
  }

  put(): void {
    unsupported("table");
  }

  delete(): void {
    unsupported("table");
  }

  txn(): void {
    unsupported("table");
  }

  memberList(response: MemberListResponse): void {
    this.#output.out(asciiTable(MEMBER_HEADINGS, memberRows(response)));
  }

  memberAdd(): void {
    unsupported("table");
  }

  memberRemove(): void {
    unsupported("table");
  }

  memberUpdate(): void {
    unsupported("table");
  }

  memberPromote(): void {
    unsupported("table");
  }

  endpointHealth(list: readonly EndpointHealth[]): void {
    this.#output.out(asciiTable(HEALTH_HEADINGS, healthRows(list)));
  }

  endpointStatus(list: readonly EndpointStatus[]): void {
    this.#output.out(asciiTable(STATUS_HEADINGS, statusRows(list)));
  }

  endpointHashKv(list: readonly EndpointHash[]): void {
    this.#output.out(asciiTable(HASH_HEADINGS, hashRows(list)));
  }

  alarms(): void {
    unsupported("table");
  }

  moveLeader(): void {
    unsupported("table");
  }
}
