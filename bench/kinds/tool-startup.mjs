/** How long programs take that have next to nothing to do, and how long a server takes until it serves. */
import fs from "node:fs";
import path from "node:path";
import { runFolder } from "../harness/folders.mjs";
import { processCpuSeconds } from "../harness/process-figures.mjs";
import { measureRuns } from "../harness/short-programs.mjs";

const ROOT = path.join(import.meta.dirname, "../..");
const RUNS = 20;
const QUICK_RUNS = 3;
/** Starts of a server in a round: of one figure each, so the least of them is taken. */
const STARTS = 5;
const QUICK_STARTS = 2;

const GET = "etcdctl get";
const TOOLS = new Map([
  [GET, ["etcdctl", "get", "key"]],
  ["etcdctl version", ["etcdctl", "version"]],
  ["etcdutl version", ["etcdutl", "version"]],
  ["etcd --version", ["etcd", "--version"]],
]);
const FRESH = "etcd, first start to healthy";
const AGAIN = "etcd, restart to healthy";

export const toolStartup = {
  name: "tool-startup",
  title: "Start of the programs",
  about: ({ quick }) =>
    `Of ${quick ? QUICK_RUNS : RUNS} runs of a program, one after the other, the shortest time and the mean CPU; of a server the shortest of ` +
    `${quick ? QUICK_STARTS : STARTS} starts. What an empty program takes, \`true\` there and an empty file for ` +
    "Node.js here, is in the time and in the CPU, and not in the last figure: no program of ours can take less.",
  columns: [
    { field: "wallMs", title: "time ms", digits: 0 },
    { field: "cpuMs", title: "CPU ms", digits: 0 },
    { field: "ownCpuMs", title: "of it above an empty program ms", digits: 0 },
  ],
  rows: [...TOOLS.keys(), FRESH, AGAIN],

  async measure({ candidate, quick, startServer, stopServer, wants, record }) {
    // Node 20 reads these certificates at every start, before it looks at the program.
    delete process.env["NODE_EXTRA_CA_CERTS"];
    const runs = quick ? QUICK_RUNS : RUNS;
    const server = await startServer();
    const environment = { ETCDCTL_ENDPOINTS: `127.0.0.1:${server.port}` };
    const empty = await measureRuns(emptyProgram(candidate, server.folder), runs);
    const beyond = ({ wallMs, cpuMs }) => ({ wallMs, cpuMs, ownCpuMs: cpuMs - empty.cpuMs });
    for (const [row, words] of TOOLS) {
      if (!wants(row)) continue;
      record(row, beyond(await measureRuns(toolCommand(candidate, words), runs, environment)));
    }
    await stopServer(server);
    if (!wants(FRESH) && !wants(AGAIN)) return;
    const fresh = [];
    const again = [];
    for (let start = 0; start < (quick ? QUICK_STARTS : STARTS); start++) {
      const folder = runFolder(candidate.name);
      const first = await startServer({ folder });
      fresh.push(figuresOf(first));
      await first.stop();
      const second = await startServer({ folder });
      again.push(figuresOf(second));
      await stopServer(second);
    }
    if (wants(FRESH)) record(FRESH, beyond(shortest(fresh)));
    if (wants(AGAIN)) record(AGAIN, beyond(shortest(again)));
  },
};

function emptyProgram({ name }, folder) {
  if (name === "etcd") return ["true"];
  const file = path.join(folder, "empty.cjs");
  fs.writeFileSync(file, "");
  return [process.execPath, file];
}

function toolCommand({ name, program }, [tool, ...words]) {
  return name === "etcd"
    ? [path.join(path.dirname(program), tool), ...words]
    : [process.execPath, path.join(ROOT, "dist/bin", `${tool}.cjs`), ...words];
}

function figuresOf({ pid, startSeconds }) {
  return { wallMs: startSeconds * 1000, cpuMs: processCpuSeconds(pid) * 1000 };
}

function shortest(starts) {
  return starts.toSorted((a, b) => a.wallMs - b.wallMs)[0];
}
