/**
 * The box that `--write-out=table` draws: upper-case centred headings, right-aligned cells, long cells
 * broken into lines between words.
 *
 * Source: olekukonko/tablewriter 0.0.5 with the options that etcd's tools set.
 */
import { bytesFromLatin1, utf8FromBytes } from "../stdx/bytes.ts";

/** Cells wider than this are wrapped, unless one word alone is wider. */
const CELL_WIDTH_MAX = 30;

/** What a line longer than allowed adds to the cost of a way to break a cell. */
const OVERLONG_COST = 100_000;

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
const WIDTHLESS = /[\p{Mn}\p{Me}\p{Cf}\p{Cc}]/u;

/** Draws the table, ending in a line break. Texts are byte strings (UTF-8, one character per byte). */
export function asciiTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const head = headings.map((text) => wrap(heading(text)));
  const body = rows.map((row) => row.map(wrap));
  const widths = headings.map((_, column) =>
    Math.max(...[head, ...body].map((row) => row[column].width)),
  );
  const rule = `+${widths.map((width) => "-".repeat(width + 2)).join("+")}+\n`;
  const drawn = body.map((row) => drawRow(row, widths, padLeft, "  "));
  return rule + drawRow(head, widths, padBoth, "") + rule + drawn.join("") + rule;
}

/** A cell broken into lines, and the least width of its column. */
interface Cell {
  readonly lines: readonly string[];
  readonly width: number;
}

type Pad = (text: string, width: number) => string;

function drawRow(
  cells: readonly Cell[],
  widths: readonly number[],
  pad: Pad,
  missing: string,
): string {
  let drawn = "";
  const height = Math.max(...cells.map((cell) => cell.lines.length));
  for (let line = 0; line < height; line++) {
    const parts = cells.map(
      ({ lines }, column) => ` ${pad(lines[line] ?? missing, widths[column])} `,
    );
    drawn += `|${parts.join("|")}|\n`;
  }
  return drawn;
}

function padLeft(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - displayWidth(text))) + text;
}

function padBoth(text: string, width: number): string {
  const gap = Math.max(0, width - displayWidth(text));
  const left = Math.floor(gap / 2);
  return " ".repeat(left) + text + " ".repeat(gap - left);
}

/** A heading shows underscores and dots (outside of numbers) as spaces. All headings are ASCII. */
function heading(text: string): string {
  return text.replaceAll("_", " ").trim().toUpperCase();
}

/** Breaks the text of one cell so that its lines are as even as they can be within the width. */
function wrap(text: string): Cell {
  const wanted = Math.max(...text.split("\n").map(displayWidth));
  const words = text.replaceAll("\n", " ").split(" ");
  const widths = words.map(displayWidth);
  const limit = Math.max(Math.min(wanted, CELL_WIDTH_MAX), ...widths);
  const lines = breakLines(words, widths, limit);
  return {
    lines,
    width: Math.max(Math.min(wanted, CELL_WIDTH_MAX), ...lines.map(displayWidth)),
  };
}

/** Least raggedness: the sum over all lines but the last of the squared distance to `limit`. O(words^2). */
function breakLines(words: readonly string[], widths: readonly number[], limit: number): string[] {
  const count = words.length;
  // best[i] is the least cost of the lines from word i on, next[i] the word that begins the second line.
  const best: number[] = Array.from({ length: count + 1 }, () => 0);
  const next: number[] = Array.from({ length: count + 1 }, () => count);
  for (let first = count - 1; first >= 0; first--) {
    best[first] = Number.POSITIVE_INFINITY;
    let width = -1;
    for (let last = first; last < count; last++) {
      width += 1 + widths[last];
      const isTail = last === count - 1;
      if (isTail && width <= limit) {
        best[first] = 0;
        next[first] = count;
      } else if (!isTail) {
        const cost = (limit - width) ** 2 + best[last + 1] + (width > limit ? OVERLONG_COST : 0);
        if (cost < best[first]) {
          best[first] = cost;
          next[first] = last + 1;
        }
      }
    }
  }
  const lines: string[] = [];
  for (let at = 0; at < count; at = next[at]) lines.push(words.slice(at, next[at]).join(" "));
  return lines;
}

/** Columns that `text` takes on a terminal. */
function displayWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of utf8FromBytes(bytesFromLatin1(text))) {
    if (!WIDTHLESS.test(character)) width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}
