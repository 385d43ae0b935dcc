/**
 * Answers of watches in every form.
 *
 * Source: etcd etcdctl/ctlv3/command/printer_{simple,fields,json,protobuf,table}.go (Watch).
 */
import { latin1FromBytes } from "../../stdx/bytes.ts";
import { type Event, EventType } from "../../wire/gen/kv.ts";
import {
  createResponseHeader,
  createWatchResponse,
  encodeWatchResponse,
  type WatchResponse,
} from "../../wire/gen/rpc.ts";
import { type OutputForm, unsupported } from "../output-form.ts";
import { GoJsonObject } from "./go-json.ts";
import { FieldLines } from "./print-fields.ts";
import { headerJson, keyValueJson } from "./print-json.ts";
import { keyValueText } from "./print-simple.ts";
import type { PrinterOutput } from "./printer.ts";

/** `PUT` or `DELETE`. */
export function eventTypeName({ type }: Event): string {
  return type === EventType.DELETE ? "DELETE" : "PUT";
}

/** Prints one answer; `undefined` stands for the end of a watch that no server had accepted. */
export type WatchPrinter = (response: WatchResponse | undefined) => void;

/** The printer of `form`. */
export function watchPrinter(
  form: OutputForm,
  isHex: boolean,
  output: PrinterOutput,
): WatchPrinter {
  switch (form) {
    case "simple":
      return (response) => output.out(simpleText(response?.events ?? [], isHex));
    case "fields":
      return (response) => output.out(fieldsText(response));
    case "json":
      return (response) => output.out(`${watchJson(response)}\n`);
    case "protobuf":
      return (response) => output.out(latin1FromBytes(encodeWatchResponse(shownPart(response))));
    case "table":
      return () => unsupported("table");
  }
}

function simpleText(events: readonly Event[], isHex: boolean): string {
  return events
    .map((event) => {
      const { kv, prevKv } = event;
      const before = prevKv === undefined ? "" : keyValueText(prevKv, isHex, false);
      const now = kv === undefined ? "" : keyValueText(kv, isHex, false);
      return `${eventTypeName(event)}\n${before}${now}`;
    })
    .join("");
}

function fieldsText(response: WatchResponse | undefined): string {
  const lines = new FieldLines().header(response?.header);
  for (const event of response?.events ?? []) {
    lines.value("Type", eventTypeName(event));
    if (event.prevKv !== undefined) lines.keyValue("Prev", event.prevKv);
    if (event.kv !== undefined) lines.keyValue("", event.kv);
  }
  return lines.text;
}

function watchJson(response: WatchResponse | undefined): string {
  const events = response === undefined ? "null" : `[${response.events.map(eventJson).join(",")}]`;
  return new GoJsonObject()
    .raw("Header", headerJson(response?.header ?? createResponseHeader()))
    .raw("Events", events)
    .anyInteger("CompactRevision", response?.compactRevision ?? 0)
    .raw("Canceled", String(response?.canceled ?? true))
    .raw("Created", "false")
    .toString();
}

function eventJson({ type, kv, prevKv }: Event): string {
  return new GoJsonObject()
    .integer("type", type)
    .raw("kv", kv === undefined ? undefined : keyValueJson(kv))
    .raw("prev_kv", prevKv === undefined ? undefined : keyValueJson(prevKv))
    .toString();
}

/** What the tool's own form of an answer has: the id of the watch and the reason are not in it. */
function shownPart(response: WatchResponse | undefined): WatchResponse {
  const { header, events = [], compactRevision = 0, canceled = true } = response ?? {};
  return createWatchResponse({
    header: header ?? createResponseHeader(),
    events,
    compactRevision,
    canceled,
  });
}
