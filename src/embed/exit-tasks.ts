/**
 * What is left to do for members that still run when the process ends, because the program did not stop them:
 * little, and without waiting. There is one listener for all of them, while there are any.
 */
const tasks = new Set<() => void>();

/** Has `task` run when the process ends before the function that is returned was called. */
export function atExit(task: () => void): () => void {
  // One of its own, so that the same function may be given twice.
  const entry = (): void => task();
  if (tasks.size === 0) process.on("exit", runAll);
  tasks.add(entry);
  return () => {
    tasks.delete(entry);
    if (tasks.size === 0) process.off("exit", runAll);
  };
}

function runAll(): void {
  for (const task of tasks) {
    try {
      task();
    } catch {
      // The process ends anyway, and the other members have something to leave in order, too.
    }
  }
}
