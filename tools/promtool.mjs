/**
 * Where promtool is, for whoever checks alert rules: the folder named by the variable PROMTOOL, or `.promtool/` at
 * the top of the repository (see install-promtool.mjs).
 */
import { execFileSync } from "node:child_process";
import path from "node:path";

/** Where install-promtool.mjs puts it. */
export const PROMTOOL_FOLDER = path.join(import.meta.dirname, "..", ".promtool");

/**
 * The path of promtool, or undefined when this machine has none.
 * @returns {string | undefined}
 */
export function findPromtool() {
  const named = process.env["PROMTOOL"];
  const folder = named !== undefined && named !== "" ? path.resolve(named) : PROMTOOL_FOLDER;
  const program = path.join(folder, "promtool");
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return program;
  } catch {
    return undefined;
  }
}
