/** Makes the programs of what is in src/ before the tests run them: what they test must not be older than the tests. */
import { execFileSync } from "node:child_process";
import path from "node:path";

export function setup(): void {
  const script = path.join(import.meta.dirname, "..", "..", "tools", "bundle.mjs");
  execFileSync(process.execPath, [script], { stdio: "inherit" });
}
