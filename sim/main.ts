/**
 * The simulator as a program.
 *
 *   npm run sim                                  what once failed, then new seeds for a minute
 *   npm run sim -- --minutes 30                  for half an hour
 *   npm run sim -- --seeds 1..10000 --jobs 2     these seeds, two at a time
 *   npm run sim -- --seed 7 --trace              one seed, with everything that happens
 *   npm run sim -- --seed 7 --plan '{"members":3}'   with parts of its plan replaced
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { installPlatformBytes } from "../src/platform/native-bytes.ts";
import { commandFor, planFrom } from "./command-line.ts";
import type { SeedPlan } from "./plan.ts";
import { planOfRegression, REGRESSIONS } from "./regressions.ts";
import { runSeed, type SeedReport } from "./run-seed.ts";
import { shrink } from "./shrink.ts";
import { Summary } from "./summary.ts";

/** Failures after which a run ends: the next ones would be the same. */
const FAILURES_MAX = 5;

const PROGRESS_INTERVAL_MS = 10_000;

interface Finished {
  readonly report: Omit<SeedReport, "failure"> & { readonly failure: Failure | undefined };
  readonly cpuMs: number;
}

interface Failure {
  readonly rule: string;
  readonly message: string;
}

installPlatformBytes();
const { values: options } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    minutes: { type: "string" },
    jobs: { type: "string", default: "1" },
    plan: { type: "string", default: "{}" },
    trace: { type: "boolean", default: false },
    "no-shrink": { type: "boolean", default: false },
    worker: { type: "boolean", default: false },
  },
});

if (options.worker) work();
else if (options.seed !== undefined) await one(Number(options.seed));
else await many();

/** Runs one seed, and shows it. */
async function one(seed: number): Promise<void> {
  const plan = planFrom(seed, options.plan);
  console.log(JSON.stringify(plan));
  const print = (line: string): void => console.log(line);
  const { report, cpuMs } = await timed(plan, options.trace ? print : undefined);
  const summary = new Summary();
  summary.add({ ...report, failure: undefined }, cpuMs);
  for (const line of summary.lines()) console.log(line);
  console.log(`digest ${report.digest}`);
  if (report.failure === undefined) return;
  console.log(report.failure.message);
  process.exitCode = 1;
}

/** Runs what once failed, then many seeds. */
async function many(): Promise<void> {
  const summary = new Summary();
  const failures: { plan: SeedPlan; failure: Failure; atMs: number }[] = [];
  const take = (plan: SeedPlan, { report, cpuMs }: Finished): void => {
    summary.add({ ...report, failure: undefined }, cpuMs);
    if (report.failure === undefined) return;
    failures.push({ plan, failure: report.failure, atMs: report.simulatedMs });
    console.log(`seed ${plan.seed} fails: ${report.failure.message}`);
    console.log(`  again: ${commandFor(plan)}`);
  };
  for (const plan of REGRESSIONS.map(planOfRegression)) {
    take(plan, await timed(plan));
  }
  const plans = plansToRun(() => failures.length < FAILURES_MAX);
  const started = performance.now();
  let printed = started;
  await eachPlan(plans, (plan, finished) => {
    take(plan, finished);
    if (performance.now() - printed < PROGRESS_INTERVAL_MS) return;
    printed = performance.now();
    const seconds = ((printed - started) / 1000).toFixed(0);
    console.log(
      `${seconds} s: seed ${plan.seed}, ${summary.seeds} done, ${failures.length} failed`,
    );
  });
  for (const line of summary.lines()) console.log(line);
  if (failures.length === 0) return;
  process.exitCode = 1;
  if (!options["no-shrink"]) for (const failed of failures) await showSmallest(failed);
}

function* plansToRun(mayGoOn: () => boolean): Generator<SeedPlan> {
  const range = /^(\d+)\.\.(\d+)$/.exec(options.seeds ?? "");
  const from = range === null ? Math.floor(Math.random() * 1e9) : Number(range[1]);
  const to = range === null ? Number.MAX_SAFE_INTEGER : Number(range[2]);
  const minutes = options.minutes ?? (range === null ? "1" : "Infinity");
  const endMs = performance.now() + Number(minutes) * 60_000;
  for (let seed = from; seed <= to && performance.now() < endMs && mayGoOn(); seed++) {
    yield planFrom(seed, options.plan);
  }
}

async function eachPlan(
  plans: Iterator<SeedPlan>,
  finished: (plan: SeedPlan, result: Finished) => void,
): Promise<void> {
  const jobs = Number(options.jobs);
  if (jobs > 1) {
    await Promise.all(Array.from({ length: jobs }, () => runInChild(plans, finished)));
    return;
  }
  for (let next = plans.next(); next.done !== true; next = plans.next()) {
    finished(next.value, await timed(next.value));
  }
}

/** Has a process of its own run one plan after the other. */
function runInChild(
  plans: Iterator<SeedPlan>,
  finished: (plan: SeedPlan, result: Finished) => void,
): Promise<void> {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), ["--worker"]);
  return new Promise((resolve, reject) => {
    let plan: SeedPlan | undefined;
    const next = (): void => {
      const taken = plans.next();
      plan = taken.done === true ? undefined : taken.value;
      if (plan === undefined) child.kill();
      else child.send(plan);
    };
    child.on("message", (result) => {
      if (plan !== undefined) finished(plan, result as Finished);
      next();
    });
    child.on("exit", (code) => {
      if (plan === undefined) resolve();
      else reject(new Error(`A worker ended with ${code} at seed ${plan.seed}`));
    });
    next();
  });
}

/** As a child: runs the plans that come. */
function work(): void {
  process.on("message", (plan) => {
    timed(plan as SeedPlan).then(
      (finished) => process.send?.(finished),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}

async function timed(plan: SeedPlan, print?: (line: string) => void): Promise<Finished> {
  const before = process.cpuUsage();
  const { failure, ...report } = await runSeed(plan, print === undefined ? {} : { print });
  const { user, system } = process.cpuUsage(before);
  const told = failure === undefined ? undefined : { rule: failure.rule, message: failure.message };
  return { report: { ...report, failure: told }, cpuMs: (user + system) / 1000 };
}

async function showSmallest(failed: {
  readonly plan: SeedPlan;
  readonly failure: Failure;
  readonly atMs: number;
}): Promise<void> {
  const { plan, failure, atMs } = failed;
  console.log(`\nseed ${plan.seed}: looking for a smaller way to break "${failure.rule}"`);
  const smallest = await shrink(plan, { rule: failure.rule, atMs }, async (candidate) => {
    const { report } = await timed(candidate);
    if (report.failure === undefined) return undefined;
    return { rule: report.failure.rule, atMs: report.simulatedMs };
  });
  const { report } = await timed(smallest);
  console.log(`  ${report.failure?.message}`);
  console.log(`  ${commandFor(smallest)} --trace`);
}
