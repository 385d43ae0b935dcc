/**
 * Aligns columns with tabs, the way the help pages of the tools are laid out: a column reaches to the next
 * tab stop after its widest cell.
 *
 * Cells end in a tab, the text after the last tab of a line belongs to no column, and a column is a run of
 * adjacent lines that all have it.
 *
 * Source: Go text/tabwriter with minwidth 0, tabwidth 8, padding 1, padchar '\t'.
 */
const TAB_WIDTH = 8;
const PADDING = 1;

/** `text` with every cell padded by tabs. */
export function alignWithTabs(text: string): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const layout = new Layout(lines);
  layout.block(0, lines.length, []);
  return layout.output.join("\n");
}

class Layout {
  readonly output: string[] = [];
  readonly #lines: readonly (readonly string[])[];

  constructor(lines: readonly (readonly string[])[]) {
    this.#lines = lines;
  }

  /** Lays out lines [from, to), whose first columns have `widths`: finds the blocks of the next column. */
  block(from: number, to: number, widths: readonly number[]): void {
    const column = widths.length;
    let written = from;
    let line = from;
    while (line < to) {
      if (!this.#hasCell(line, column)) {
        line++;
        continue;
      }
      this.#write(written, line, widths);
      const start = line;
      let width = 0;
      for (; line < to && this.#hasCell(line, column); line++) {
        width = Math.max(width, cellWidth(this.#lines[line][column]) + PADDING);
      }
      this.block(start, line, [...widths, width]);
      written = line;
    }
    this.#write(written, to, widths);
  }

  #hasCell(line: number, column: number): boolean {
    return column < this.#lines[line].length - 1;
  }

  #write(from: number, to: number, widths: readonly number[]): void {
    for (const cells of this.#lines.slice(from, to)) {
      const padded = cells.map((cell, i) =>
        i < widths.length ? cell + tabs(cell, widths[i]) : cell,
      );
      this.output.push(padded.join(""));
    }
  }
}

function tabs(cell: string, width: number): string {
  const reached = Math.ceil(width / TAB_WIDTH) * TAB_WIDTH;
  return "\t".repeat(Math.ceil((reached - cellWidth(cell)) / TAB_WIDTH));
}

function cellWidth(cell: string): number {
  return cell.length;
}
