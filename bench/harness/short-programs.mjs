/**
 * Programs that are over before anybody could look at them in /proc. Each run is timed here; the CPU is that of as many runs
 * by a shell, which counts its children.
 */
import { startChild } from "./children.mjs";

/** Prints nothing of the program; then what the shell counted for its children, user and system. */
const LOOP = 'runs=$1; shift; for i in $(seq "$runs"); do "$@" >/dev/null || exit 1; done; times';

/**
 * Of `runs` runs of `command`, after two that do not count: the shortest time, because on a busy machine the others are about
 * the machine, and the mean of the CPU.
 * @returns {Promise<{ wallMs: number, cpuMs: number }>}
 */
export async function measureRuns(command, runs, environment = {}) {
  await loop(command, 2, environment);
  let wallMs = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run++)
    wallMs = Math.min(wallMs, await timeOf(command, environment));
  return { wallMs, cpuMs: (childSeconds(await loop(command, runs, environment)) * 1000) / runs };
}

/** One run of `command`, time and CPU. @returns {Promise<{ wallMs: number, cpuMs: number }>} */
export async function measureOnce(command) {
  const startMs = performance.now();
  const counted = await loop(command, 1, {});
  return { wallMs: performance.now() - startMs, cpuMs: childSeconds(counted) * 1000 };
}

/** Milliseconds from before the start of `command` to its end. @returns {Promise<number>} */
function timeOf([program, ...words], environment) {
  const startMs = performance.now();
  const child = startChild(program, words, {
    env: { ...process.env, ...environment },
    stdio: "ignore",
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => resolve(performance.now() - startMs));
  });
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
