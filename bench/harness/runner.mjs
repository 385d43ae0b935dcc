/** Runs kinds of benchmarks: both servers in turn, round after round, and the tables at the end of each. */
import { KINDS } from "../kinds/index.mjs";
import { startCluster } from "./clusters.mjs";
import { removeOldRuns, removeRuns, runFolder } from "./folders.mjs";
import { candidates, startServer } from "./servers.mjs";
import { machineText, summarise, tableOf, writeReadme } from "./tables.mjs";

/**
 * @typedef {object} Options
 * @property {number} seconds
 * @property {number} rounds
 * @property {string[]} only
 * @property {boolean} quick
 * @property {number} failovers
 * @property {boolean} json
 * @property {boolean} readme
 * @property {boolean} rebuild
 * @property {string} [server]
 * @property {string} [profile]
 */

/** @param {Options} options @returns {Promise<boolean>} whether everything was measured */
export async function runKinds(options) {
  removeOldRuns();
  process.on("exit", removeRuns);
  const servers = candidates(options.profile).filter(
    ({ name }) => options.server === undefined || options.server === name,
  );
  const kinds = KINDS.map((kind) => ({ kind, rows: rowsOf(kind, options.only) }));
  const chosen = kinds.filter(({ rows }) => rows.length > 0);
  if (chosen.length === 0 || servers.length === 0) {
    const names = KINDS.map(({ name }) => name).join(", ");
    throw new Error(`Nothing has that name; there are the kinds ${names}`);
  }
  let complete = true;
  for (const { kind, rows } of chosen) {
    const results = new Map(rows.map((row) => [row, {}]));
    for (let round = 1; round <= options.rounds; round++) {
      for (const candidate of servers) {
        complete = (await runOnce(kind, candidate, results, round, options)) && complete;
      }
    }
    print(kind, results, options);
  }
  return complete;
}

/** The rows of a kind that were asked for: all when it is named itself. */
function rowsOf(kind, wanted) {
  const named = (name) => wanted.some((text) => name.includes(text));
  return named(kind.name) ? kind.rows : kind.rows.filter(named);
}

/** One round on one server. A failure is told, and leaves its figures out. */
async function runOnce(kind, candidate, results, round, options) {
  const running = new Set();
  const begin = async ({ folder = runFolder(candidate.name), args, healthPort } = {}) => {
    const server = await startServer(candidate, folder, args, healthPort);
    running.add(server);
    return server;
  };
  const beginCluster = async () => {
    const cluster = await startCluster(candidate);
    running.add(cluster);
    return cluster;
  };
  const end = async (server) => {
    await server.stop();
    running.delete(server);
    server.removeData();
  };
  const log = (text) =>
    process.stderr.write(`round ${round}  ${candidate.name.padEnd(8)} ${kind.name}: ${text}\n`);
  try {
    await kind.measure({
      candidate,
      seconds: options.seconds,
      quick: options.quick,
      rebuild: options.rebuild && round === 1,
      failovers: options.failovers,
      startServer: begin,
      startCluster: beginCluster,
      stopServer: end,
      wants: (row) => results.has(row),
      record(row, figures) {
        log(`${row}: ${describe(kind, figures)}`);
        const servers = results.get(row);
        if (servers !== undefined) (servers[candidate.name] ??= []).push(figures);
      },
    });
    return true;
  } catch (error) {
    log(`failed: ${error instanceof Error ? error.stack : String(error)}`);
    for (const server of running) process.stderr.write(`${server.lastLog()}\n`);
    return false;
  } finally {
    for (const server of running) await end(server);
  }
}

function describe(kind, figures) {
  return kind.columns
    .map(({ field, title, digits }) => `${title} ${figures[field]?.toFixed(digits)}`)
    .join(", ");
}

function print(kind, results, options) {
  const summary = summarise(kind.columns, results);
  if (options.json) {
    console.log(JSON.stringify({ kind: kind.name, rows: summary }, null, 2));
    return;
  }
  const command =
    `npm run bench -- --only ${kind.name} --seconds ${options.seconds} --rounds ${options.rounds}` +
    (options.quick ? " --quick" : "");
  const text = [
    `### ${kind.title}`,
    `${kind.about(options)} Median of ${options.rounds} rounds; ${machineText()}`,
    `\`${command}\``,
    tableOf(kind.columns, summary),
  ].join("\n\n");
  console.log(`\n${text}\n`);
  if (!options.readme) return;
  const isWhole =
    summary.length === kind.rows.length && summary.every((row) => row.real && row.ours);
  if (isWhole) writeReadme(kind.name, text);
  else
    process.stderr.write(`README.md keeps its table of ${kind.name}: this one is not complete\n`);
}
