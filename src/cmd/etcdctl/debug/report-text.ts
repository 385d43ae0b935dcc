/** The report for people: the verdict first, then what to do, then the numbers. Returns byte strings. */
import { asciiTable } from "../../ascii-table.ts";
import { byteString } from "../../byte-text.ts";
import type { Assessment } from "./assessment.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { Verdict } from "./problem.ts";
import { certificateRows, loadRows, type Rows, stateRows } from "./report-rows.ts";

const VERDICT_TEXTS: Readonly<Record<Verdict, string>> = {
  healthy: "HEALTHY: nothing needs to be done",
  degraded: "DEGRADED: it works, and something wants a look soon",
  critical: "CRITICAL: it does not work as it should, or not much longer",
  "no answer": "NO ANSWER: nothing is known of this cluster",
};

/** Columns of a line of text; longer ones are broken. */
const LINE_COLUMNS = 100;

/** The report; `isBoxed` draws its tables with lines. */
export function reportText(
  cluster: ClusterView,
  { verdict, problems }: Assessment,
  isBoxed: boolean,
): string {
  const draw = isBoxed ? boxed : aligned;
  const parts = [`${VERDICT_TEXTS[verdict]}\n${summaryOf(cluster)}\n`];
  const items = problems.map(({ severity, about, text, todo }, i) => {
    const number = `${i + 1}.`.padStart(3);
    const head = `${number} ${severity.toUpperCase()} ${about}: ${text}.`;
    return `${wrapped(head, "    ")}\n${wrapped(`    To do: ${todo}.`, "           ")}\n`;
  });
  if (items.length > 0) parts.push(items.join(""));
  for (const rows of [stateRows(cluster), loadRows(cluster), certificateRows(cluster)]) {
    if (rows.rows.length > 0) parts.push(draw(rows));
  }
  return byteString(parts.join("\n"));
}

function summaryOf(cluster: ClusterView): string {
  const time = new Date(cluster.atMs).toISOString();
  const { answering, voters, votersAnswering, leaderId, endpoints } = cluster;
  if (answering.length === 0) return `${endpoints.length} endpoint(s) asked at ${time}`;
  const id = answering[0].status?.header?.clusterId.toString(16) ?? "";
  const leader = leaderId === 0n ? "no leader" : `leader ${cluster.memberName(leaderId)}`;
  const term = cluster.newest("raftTerm");
  return `cluster ${id} at ${time}: ${votersAnswering} of ${voters.length} voting members answer, ${leader}, term ${term}, revision ${cluster.newest("revision")}`;
}

function aligned({ headings, rows }: Rows): string {
  const table = [headings.map((heading) => heading.toUpperCase()), ...rows];
  const widths = headings.map((_, i) => Math.max(...table.map((row) => row[i].length)));
  const lines = table.map((row) => row.map((cell, i) => cell.padEnd(widths[i])).join("  "));
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

function boxed({ headings, rows }: Rows): string {
  const table = asciiTable(
    headings.map(byteString),
    rows.map((row) => row.map(byteString)),
  );
  // The table is a byte string already; what is around it becomes one afterwards.
  return Buffer.from(table, "latin1").toString("utf8");
}

function wrapped(text: string, indent: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/(?<=\S) /)) {
    if (line !== "" && line.length + 1 + word.length > LINE_COLUMNS) {
      lines.push(line);
      line = indent + word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}
