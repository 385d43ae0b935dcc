/** The thread in which passwords are hashed and compared: one job after the other. */
import { parentPort } from "node:worker_threads";
import { answerTo } from "./password-answer.ts";
import type { PasswordQuestion } from "./password-message.ts";

parentPort?.on("message", (question: PasswordQuestion) => {
  parentPort?.postMessage(answerTo(question));
});
