/**
 * The report of a load for the dashboards of Kubernetes: a file for each.
 *
 * Source: etcd pkg/report/perfdash.go (3.7).
 */
import fs from "node:fs";
import path from "node:path";
import { byteString, textOf } from "../byte-text.ts";
import type { LoadFigures } from "./latency-report.ts";
import type { BenchmarkSession } from "./session.ts";

const FOLDER = "_artifacts";

/** Writes the file of what was called `name`, and returns the line that says where it is; a byte string. */
export function writePerfdash(
  { io, clock }: BenchmarkSession,
  name: string,
  figures: LoadFigures,
): string {
  const named = io.environment.find((variable) => variable.name === "ARTIFACTS")?.value ?? "";
  const folder = named === "" ? FOLDER : textOf(named);
  const time = new Date(clock.wallMs()).toISOString().replace(/\.\d+Z$/, "Z");
  const file = path.join(folder, `EtcdAPI_benchmark_${name}_${time}.json`);
  try {
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(file, perfdashText(name, figures));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return byteString(`Error writing to file: ${error.message}\n`);
  }
  return byteString(`Successfully created a JSON perf report at ${file}\n`);
}

/** Milliseconds within which half, 90 and 99 of a hundred calls were answered; 0 where there were too few to tell. */
export function perfdashText(name: string, { percentiles }: LoadFigures): string {
  const millisecondsOf = (wanted: number): number => {
    const seconds = percentiles.find(({ percent }) => percent === wanted)?.seconds ?? 0;
    return Math.round(seconds * 1000 * 10_000) / 10_000;
  };
  const data = {
    Perc50: millisecondsOf(50),
    Perc90: millisecondsOf(90),
    Perc99: millisecondsOf(99),
  };
  const item = { data, labels: { Operation: name.toUpperCase() }, unit: "ms" };
  return JSON.stringify({ version: "v1", dataItems: [item] }, undefined, 2);
}
