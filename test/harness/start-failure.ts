/** Our server where it cannot start: what it says, and what it leaves alone. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import path from "node:path";
import { OUR_ETCD } from "./our-etcd.ts";
import { runProgram } from "./processes.ts";

/** How a start ended. */
export interface StartEnd {
  readonly code: number;
  /** What lines of level warn and above say: the message, and the error behind it. */
  readonly complaints: readonly string[];
  readonly output: string;
}

const TIMEOUT_MS = 60_000;

/** What every member is told that has not asked for anything else. */
const ALWAYS_SAID = /^Running http and grpc server on single port|^simple token is not crypto/;

/** Runs our server on `dataDir` to its end; `flags` come last and win. */
export async function runToFailure(
  dataDir: string,
  flags: readonly string[] = [],
): Promise<StartEnd> {
  const [file, ...words] = OUR_ETCD;
  const args = [
    ...words,
    `--data-dir=${dataDir}`,
    "--listen-client-urls=http://127.0.0.1:0",
    "--advertise-client-urls=http://127.0.0.1:1",
    "--listen-peer-urls=http://127.0.0.1:0",
    ...flags,
  ];
  const environment = { PATH: process.env["PATH"] ?? "" };
  const result = await runProgram(file, args, { environment, timeoutMs: TIMEOUT_MS });
  const output = `${result.stdout.toString()}${result.stderr.toString()}`;
  return { code: result.code, complaints: complaintsOf(output), output };
}

function complaintsOf(output: string): string[] {
  const complaints: string[] = [];
  for (const line of output.split("\n").filter((text) => text !== "")) {
    if (!line.startsWith("{")) {
      complaints.push(line);
      continue;
    }
    const { level, msg, error } = JSON.parse(line) as Record<string, string>;
    if (ALWAYS_SAID.test(msg)) continue;
    if (level !== "info" && level !== "debug") complaints.push(`${level}: ${msg}: ${error}`);
  }
  return complaints;
}

/** Every file at or below a path, with a hash of its content; folders end in a slash. */
export function imageOf(folder: string): Record<string, string> {
  if (!fs.existsSync(folder)) return {};
  if (!fs.statSync(folder).isDirectory()) return { "": fs.readFileSync(folder, "latin1") };
  const image: Record<string, string> = {};
  const visit = (at: string): void => {
    for (const entry of fs.readdirSync(path.join(folder, at), { withFileTypes: true })) {
      const name = path.join(at, entry.name);
      if (entry.isDirectory()) {
        image[`${name}/`] = "";
        visit(name);
      } else {
        const bytes = fs.readFileSync(path.join(folder, name));
        image[name] = createHash("sha1").update(bytes).digest("hex");
      }
    }
  };
  visit("");
  return image;
}
