/** The end of a tool's process. */
import process from "node:process";

/** What Node ends with when it waits for nothing any more and the program is not done. */
const UNFINISHED = 13;

/** Ends the process with the code that `run` comes to. Open sockets and timers do not keep it. */
export function endWith(run: Promise<number>): void {
  process.exitCode = UNFINISHED;
  void run.then((code) => process.exit(code));
}
