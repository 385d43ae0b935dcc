/** What a person on a terminal is told beside the log. Scripts and services see nothing of it. */
import type { ServerConfig } from "../server/config/config.ts";

/** Once the server serves: where, and what to type next. */
export function greet(config: ServerConfig, ports: readonly number[]): void {
  const endpoint = config.listenClientUrls.at(0)?.text ?? `port ${ports[0]}`;
  const option = endpoint === "http://localhost:2379" ? "" : ` --endpoints ${endpoint}`;
  // Started by npm, the programs are npm's to find; else they are where this one is.
  const etcdctl = process.env["npm_command"] === undefined ? "etcdctl" : "npx etcdctl";
  tell(
    `\netcd is serving on ${endpoint}, its data is in ${config.dataDir}. In another terminal:\n\n` +
      `  ${etcdctl}${option} put greeting "hello"\n` +
      `  ${etcdctl}${option} get greeting\n\n` +
      "Ctrl-C stops it; the data stays.\n\n",
  );
}

/** Once it has stopped as it was told to. */
export function bidFarewell(config: ServerConfig): void {
  tell(`\netcd has stopped; its data is in ${config.dataDir}.\n`);
}

function tell(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(text);
}
