/**
 * One record of comma-separated values, as list flags hold them; refusals word for word as Go's.
 *
 * Source: Go encoding/csv (RFC 4180, strict quotes).
 */
const BARE_QUOTE = 'bare " in non-quoted-field';
const BAD_QUOTE = 'extraneous or missing " in quoted-field';

/** The fields of the first record of `text`, or the reason why it is refused. */
export function parseCsvRecord(text: string): string[] | string {
  const record = text.replace(/^(?:\r?\n)+/, "");
  if (record === "") return "EOF";
  const fields: string[] = [];
  for (let at = 0; ; ) {
    const field = record[at] === '"' ? quotedField(record, at) : plainField(record, at);
    if (typeof field === "string") return field;
    fields.push(field.value);
    if (record[field.end] !== ",") return fields;
    at = field.end + 1;
  }
}

interface Field {
  readonly value: string;
  /** Offset of the comma or line break after it, or the length of the record. */
  readonly end: number;
}

function plainField(record: string, start: number): Field | string {
  const value = /[^,\n]*/y;
  value.lastIndex = start;
  const found = value.exec(record)?.[0] ?? "";
  const quote = found.indexOf('"');
  if (quote >= 0) return refusal(record, start + quote, BARE_QUOTE);
  return { value: found.replace(/\r$/, ""), end: start + found.length };
}

function quotedField(record: string, start: number): Field | string {
  let value = "";
  for (let at = start + 1; ; at++) {
    const quote = record.indexOf('"', at);
    if (quote < 0) return refusal(record, record.length, BAD_QUOTE);
    value += record.slice(at, quote);
    const next = record[quote + 1];
    if (next === '"') {
      value += '"';
      at = quote + 1;
      continue;
    }
    const isEnd = next === undefined || next === "," || /^\r?\n/.test(record.slice(quote + 1));
    return isEnd ? { value, end: quote + 1 } : refusal(record, quote, BAD_QUOTE);
  }
}

function refusal(record: string, at: number, reason: string): string {
  const line = record.slice(0, at).split("\n").length;
  const column = at - record.lastIndexOf("\n", at - 1);
  const start = line === 1 ? "" : "record on line 1; ";
  return `${start}parse error on line ${line}, column ${column}: ${reason}`;
}

/** `fields` as one record, without the line break. */
export function csvRecord(fields: readonly string[]): string {
  return fields.map(quoteField).join(",");
}

function quoteField(field: string): string {
  const needsQuotes = field === "\\." || /[,"\r\n]/.test(field) || /^[\t\v\f ]/.test(field);
  return needsQuotes ? `"${field.replaceAll('"', '""')}"` : field;
}
