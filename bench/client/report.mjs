/**
 * How a load, in a process of its own, talks with the program that started it: its orders are the JSON of
 * its first argument, then one JSON line each on its input; its answers are JSON lines on its output.
 */
import readline from "node:readline";

/** What the load was asked to do. */
export const orders = JSON.parse(process.argv[2] ?? "{}");

export function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** The result, and the end. */
export function finish(figures) {
  say(figures);
  process.exit(0);
}

/** What went wrong, and the end: a figure with an error in it is none. */
export function die(reason) {
  say({ failure: String(reason) });
  process.exit(1);
}

/** For `openConnections`: a load does not outlive its connections. */
export function lost(reason) {
  die(`connection closed: ${reason === "" ? "by the server" : reason}`);
}

/** Calls `onOrder` with every later line of input; the end of input ends the load. */
export function onOrders(onOrder) {
  const lines = readline.createInterface({ input: process.stdin });
  lines.on("line", (line) => onOrder(JSON.parse(line)));
  lines.on("close", () => process.exit(1));
}

export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

process.on("uncaughtException", (error) => die(error.stack));
process.on("unhandledRejection", (error) => die(error instanceof Error ? error.stack : error));
