/**
 * What is found in a database file, in every form: one row of numbers.
 *
 * Source: etcd etcdutl/etcdutl/printer.go and its like; etcdctl prints the same.
 */
import type { KeyValueHash } from "../mvcc/kv-hash.ts";
import type { DatabaseStatus } from "../snapshot/database-status.ts";
import { humanBytes } from "../stdx/humanize.ts";
import { asciiTable } from "./ascii-table.ts";
import { type OutputForm, unsupported } from "./output-form.ts";

interface Column {
  readonly heading: string;
  readonly cell: string;
  /** Names of the number in the forms "fields" and "json". */
  readonly field: string;
  readonly member: string;
  /** A text is in quotes already. */
  readonly value: number | bigint | string;
}

/** `snapshot status` in the form. A form that does not have it ends the tool. */
export function databaseStatusText(form: OutputForm, status: DatabaseStatus): string {
  const { hash, revision, totalKeys, totalBytes, version } = status;
  const columns = [
    column("hash", hash.toString(16), "Hash", "hash", hash),
    column("revision", String(revision), "Revision", "revision", revision),
    column("total keys", String(totalKeys), "Keys", "totalKey", totalKeys),
    column("total size", humanBytes(totalBytes), "Size", "totalSize", totalBytes),
  ];
  // As 3.6 shows it; of a file that has none, what 3.5 shows is all there is.
  if (version !== undefined) {
    const quoted = `"${version}"`;
    columns.push({ ...column("version", version, "Version", "version", 0), value: quoted });
  }
  return rowText(form, columns);
}

/** `hashkv` in the form. A form that does not have it ends the tool. */
export function fileHashText(form: OutputForm, found: KeyValueHash): string {
  const { hash, revision, compactRevision } = found;
  return rowText(form, [
    column("hash", String(hash), "Hash", "hash", hash),
    column("hash revision", String(revision), "Hash revision", "hashRevision", revision),
    column(
      "compact revision",
      String(compactRevision),
      "Compact revision",
      "compactRevision",
      compactRevision,
    ),
  ]);
}

function column(
  heading: string,
  cell: string,
  field: string,
  member: string,
  value: number | bigint,
): Column {
  return { heading, cell, field, member, value };
}

function rowText(form: OutputForm, columns: readonly Column[]): string {
  const cells = columns.map(({ cell }) => cell);
  switch (form) {
    case "simple":
      return `${cells.join(", ")}\n`;
    case "fields":
      return columns.map(({ field, value }) => `"${field}" : ${value}\n`).join("");
    case "json":
      return `{${columns.map(({ member, value }) => `"${member}":${value}`).join(",")}}\n`;
    case "table":
      return asciiTable(
        columns.map(({ heading }) => heading),
        [cells],
      );
    case "protobuf":
      return unsupported(form);
  }
}
