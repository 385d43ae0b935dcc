/** What a person on a terminal is told once the server serves. Scripts and services see nothing of it. */
import type { ServerConfig } from "../server/config/config.ts";

export function greet(config: ServerConfig, ports: readonly number[]): void {
  if (!process.stderr.isTTY) return;
  const endpoint = config.listenClientUrls.at(0)?.text ?? `port ${ports[0]}`;
  const option = endpoint === "http://localhost:2379" ? "" : ` --endpoints ${endpoint}`;
  process.stderr.write(
    `\netcd is serving on ${endpoint}, its data is in ${config.dataDir}. In another terminal:\n\n` +
      `  npx etcdctl${option} put greeting "hello"\n` +
      `  npx etcdctl${option} get greeting\n\n` +
      "Ctrl-C stops it; the data stays.\n\n",
  );
}
