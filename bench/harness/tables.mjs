/** Figures as tables: for each row the real etcd, this one, and the ratio of the two. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const README = path.join(import.meta.dirname, "../../README.md");

/**
 * @typedef {object} Column
 * @property {string} field   of the figures
 * @property {string} title   with its unit
 * @property {number} digits  behind the point
 * @property {"max"} [over]   the worst round is shown instead of the median
 */

/** One figure of all rounds. */
function combine(rounds, { field, over }) {
  const sorted = rounds.map((figures) => figures[field]).sort((a, b) => a - b);
  return over === "max" ? sorted[sorted.length - 1] : sorted[Math.floor(sorted.length / 2)];
}

/** @param {Map<string, Record<string, object[]>>} results the rounds of each server, by row */
export function summarise(columns, results) {
  const figuresOf = (rounds) =>
    rounds && Object.fromEntries(columns.map((column) => [column.field, combine(rounds, column)]));
  return [...results].map(([name, servers]) => ({
    name,
    real: figuresOf(servers["etcd"]),
    ours: figuresOf(servers["etcd-ts"]),
  }));
}

/** @param {Column[]} columns */
export function tableOf(columns, summary) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const cellsOf = (figures) =>
    columns.map(({ field, digits }) => numberText(figures?.[field], digits));
  const lines = [
    line(["load", "", ...columns.map(({ title }) => title)]),
    `|---|---|${columns.map(() => "--:|").join("")}`,
  ];
  for (const { name, real, ours } of summary) {
    lines.push(line([name, "etcd 3.5", ...cellsOf(real)]), line(["", "etcd-ts", ...cellsOf(ours)]));
    const ratios = columns.map(({ field }) => ratioText(real?.[field], ours?.[field]));
    lines.push(line(["", "ratio", ...ratios]));
  }
  return lines.join("\n");
}

function numberText(value, digits) {
  return value === undefined || Number.isNaN(value) ? "–" : value.toFixed(digits);
}

function ratioText(real, ours) {
  const ratio = ours / real;
  return Number.isFinite(ratio) ? `**${ratio.toFixed(2)}**` : "–";
}

/** The machine, for whoever reads the figures elsewhere. */
export function machineText() {
  const { length, 0: first } = os.cpus();
  return `${length} cores (${first?.model.trim()}), shared with the load; Node ${process.version}.`;
}

/** Puts `text` between the markers of `name` in README.md. */
export function writeReadme(name, text) {
  const start = `<!-- numbers ${name}: written by the benchmark -->`;
  const end = `<!-- end of numbers ${name} -->`;
  const readme = fs.readFileSync(README, "utf8");
  const from = readme.indexOf(start);
  const to = readme.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`README.md has no place for the numbers of ${name}`);
  fs.writeFileSync(README, `${readme.slice(0, from)}${start}\n\n${text}\n\n${readme.slice(to)}`);
}
