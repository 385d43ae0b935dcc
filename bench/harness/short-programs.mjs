/** Programs that are over before anybody could look at them in /proc: many runs by one shell, which adds their times up. */
import { startChild } from "./children.mjs";

/** Prints nothing of the program; then what the shell counted for its children, user and system. */
const LOOP = 'runs=$1; shift; for i in $(seq "$runs"); do "$@" >/dev/null || exit 1; done; times';

/** The mean of `runs` runs of `command`, after two that do not count. @returns {Promise<{ wallMs: number, cpuMs: number }>} */
export async function meanOfRuns(command, runs, environment = {}) {
  await loop(command, 2, environment);
  const startMs = performance.now();
  const counted = await loop(command, runs, environment);
  const wallMs = (performance.now() - startMs) / runs;
  return { wallMs, cpuMs: (childSeconds(counted) * 1000) / runs };
}

function loop(command, runs, environment) {
  const child = startChild("sh", ["-c", LOOP, "sh", String(runs), ...command], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`Failed: ${command.join(" ")}`));
    });
  });
}

/** The second line of `times`: "0m1.250s 0m0.310s". */
function childSeconds(output) {
  const [, line = ""] = output.trim().split("\n");
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  );
}
