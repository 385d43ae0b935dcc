/**
 * bcrypt in threads of their own: it takes tens of milliseconds, which the event loop does not have, and the
 * pool of threads that syncs the log to the disk must not be behind it either. Threads start when there is
 * something to do for them.
 */
import { createHmac, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { PasswordWorkers, SecretDigest } from "../ports/passwords.ts";
import { latin1FromBytes, bytesFromLatin1 } from "../stdx/bytes.ts";
import { PASSWORD_THREAD_RETRY_MS, PASSWORD_THREADS_MAX } from "./limits.ts";
import type { PasswordAnswer, PasswordQuestion } from "./password-message.ts";

/** Whoever waits for an answer. */
type OnAnswer = (answer: PasswordAnswer) => void;

/** A thread and the questions that it has not answered. */
interface Thread {
  readonly worker: Worker;
  readonly open: Map<number, { readonly question: PasswordQuestion; readonly onAnswer: OnAnswer }>;
}

/**
 * Threads that run `script`, which is built from `bcrypt-worker.ts`. `onFailure` is told why one has broken down;
 * another takes its place a moment later, and is asked what that one was. Without a file to run, as in a program
 * that was bundled into one, `onFailure` is told that, and the thread that calls does the work itself.
 */
export function createPasswordWorkers(
  script: URL | undefined,
  onFailure: (reason: Error) => void,
): PasswordWorkers {
  if (script === undefined || !existsSync(script)) return workOnThisThread(onFailure);
  const count = Math.max(1, Math.min(PASSWORD_THREADS_MAX, availableParallelism() >> 1));
  const threads: Thread[] = [];
  let isClosed = false;

  const start = (): Thread => {
    const thread: Thread = { worker: new Worker(script), open: new Map() };
    // A process that has nothing else to do ends.
    thread.worker.unref();
    thread.worker.on("message", (answer: PasswordAnswer) => {
      const asked = thread.open.get(answer.id);
      thread.open.delete(answer.id);
      asked?.onAnswer(answer);
    });
    thread.worker.on("error", onFailure);
    thread.worker.on("exit", () => {
      if (isClosed) return;
      // Not at once: what cannot run would be started again and again.
      setTimeout(() => {
        threads.splice(threads.indexOf(thread), 1);
        for (const { question, onAnswer } of thread.open.values()) put(question, onAnswer);
      }, PASSWORD_THREAD_RETRY_MS).unref();
    });
    threads.push(thread);
    return thread;
  };

  const put = (question: PasswordQuestion, onAnswer: OnAnswer): void => {
    if (isClosed) return;
    const idle = threads.find(({ open }) => open.size === 0);
    const thread = idle ?? (threads.length < count ? start() : threads[question.id % count]);
    thread.open.set(question.id, { question, onAnswer });
    thread.worker.postMessage(question);
  };

  const close = (): void => {
    isClosed = true;
    for (const { worker } of threads) void worker.terminate();
  };
  return askersOf(count, put, close);
}

/** One after the other, and everything else has its turn between two of them. */
function workOnThisThread(onFailure: (reason: Error) => void): PasswordWorkers {
  let before: Promise<void> | undefined;
  let isClosed = false;
  const put = (question: PasswordQuestion, onAnswer: OnAnswer): void => {
    if (before === undefined) {
      onFailure(new Error("there is no script for threads: passwords hold up everything else"));
      before = Promise.resolve();
    }
    before = before.then(async () => {
      const { answerTo } = await import("./password-answer.ts");
      await new Promise(setImmediate);
      if (!isClosed) onAnswer(answerTo(question));
    });
  };
  const close = (): void => {
    isClosed = true;
  };
  return askersOf(1, put, close);
}

/** The port over something that takes questions. */
function askersOf(
  count: number,
  put: (question: PasswordQuestion, onAnswer: OnAnswer) => void,
  close: () => void,
): PasswordWorkers {
  let nextId = 0;
  return {
    count,
    hash: (password, cost, done) =>
      put({ id: nextId++, password, task: { kind: "hash", cost } }, (answer) => {
        if ("hash" in answer) done(bytesFromLatin1(answer.hash));
      }),
    compare: (password, hash, done) => {
      const task = { kind: "compare", hash: latin1FromBytes(hash) } as const;
      put({ id: nextId++, password, task }, (answer) => {
        if ("isSame" in answer) done(answer.isSame);
      });
    },
    close,
  };
}

/** A digest under a key that is made here and known nowhere else: HMAC with SHA-256. */
export function createSecretDigest(): SecretDigest {
  const key = randomBytes(32);
  return (parts) => {
    const mac = createHmac("sha256", key);
    for (const part of parts) {
      // The length in front keeps parts apart.
      mac.update(`${part.length}:`).update(part);
    }
    return mac.digest();
  };
}
