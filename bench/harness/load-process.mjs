/** Loads run in processes of their own, so that what they cost is not charged to a server or to each other. */
import path from "node:path";
import readline from "node:readline";
import { startChild, untilEnded } from "./children.mjs";

const FOLDER = path.join(import.meta.dirname, "../loads");

/** Milliseconds that a load may take, beside the time it was asked to run. */
const LOAD_TIMEOUT_MS = 120_000;

/** A load that takes orders while it runs. See client/report.mjs for its side. */
export class LoadProcess {
  #name;
  #child;
  #lines;

  /** @param {string} name a file of loads/, without its ending */
  constructor(name, orders) {
    this.#name = name;
    const file = path.join(FOLDER, `${name}.mjs`);
    this.#child = startChild(process.execPath, [file, JSON.stringify(orders)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    // What is written to a load that has just ended is lost; its last words say why.
    this.#child.stdin.on("error", () => {});
    this.#lines = readline.createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  order(message) {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  /** The next thing it says. */
  async answer(timeoutMs = LOAD_TIMEOUT_MS) {
    const late = setTimeout(() => this.#child.kill("SIGKILL"), timeoutMs);
    const { value, done } = await this.#lines.next();
    clearTimeout(late);
    if (done) throw new Error(`The load ${this.#name} ended without a figure`);
    const answer = JSON.parse(value);
    if (answer.failure !== undefined) throw new Error(`${this.#name}: ${answer.failure}`);
    return answer;
  }

  async stop() {
    this.#child.kill("SIGKILL");
    await untilEnded(this.#child, 1000);
  }
}

/** Runs a load to its end; returns its figures. */
export async function runLoad(name, orders, timeoutMs = LOAD_TIMEOUT_MS) {
  const load = new LoadProcess(name, orders);
  try {
    return await load.answer(timeoutMs);
  } finally {
    await load.stop();
  }
}
