/** Large databases: built once for each server, kept, and copied for each run. */
import fs from "node:fs";
import path from "node:path";
import { benchFolder, copyFolder, runFolder } from "./folders.mjs";
import { runLoad } from "./load-process.mjs";
import { startServer } from "./servers.mjs";

const BUILD_TIMEOUT_MS = 900_000;

/**
 * A copy of a database of `candidate` that holds `parts`, in a folder to start a server on. Each part is
 * what the load `fill` takes: prefix, keys, count, valueBytes, perTxn.
 */
export async function copyOfDatabase(candidate, name, parts, rebuild) {
  const built = path.join(benchFolder(), `built-${candidate.name}-${name}`);
  const stamp = path.join(built, "parts");
  const wanted = JSON.stringify(parts);
  const stale = !fs.existsSync(stamp) || fs.readFileSync(stamp, "utf8") !== wanted;
  if (stale || rebuild) {
    fs.rmSync(built, { recursive: true, force: true });
    const folder = await build(candidate, parts);
    fs.writeFileSync(path.join(folder, "parts"), wanted);
    fs.renameSync(folder, built);
  }
  const copy = runFolder(candidate.name);
  copyFolder(path.join(built, "data"), path.join(copy, "data"));
  return copy;
}

async function build(candidate, parts) {
  process.stderr.write(`building a database of ${candidate.name}\n`);
  const folder = runFolder(candidate.name);
  const server = await startServer(candidate, folder);
  try {
    for (const part of parts) {
      const orders = { port: server.port, connections: 10, clients: 100, ...part };
      await runLoad("fill", orders, BUILD_TIMEOUT_MS);
    }
  } finally {
    await server.stop();
  }
  return folder;
}
