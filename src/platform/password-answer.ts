/**
 * Passwords hashed and compared, at once: tens of milliseconds each.
 *
 * Hashes are made as Go makes them ("$2a$"), so that members of either kind have the same form in the log.
 */
import { randomBytes } from "node:crypto";
import { compareSync, encodeBase64, hashSync } from "bcryptjs";
import type { PasswordAnswer, PasswordQuestion } from "./password-message.ts";

const SALT_BYTES = 16;

export function answerTo({ id, password, task }: PasswordQuestion): PasswordAnswer {
  if (task.kind === "compare") return { id, isSame: isSame(password, task.hash) };
  const cost = String(task.cost).padStart(2, "0");
  const salt = `$2a$${cost}$${encodeBase64(randomBytes(SALT_BYTES), SALT_BYTES)}`;
  return { id, hash: hashSync(password, salt) };
}

function isSame(password: string, hash: string): boolean {
  try {
    return compareSync(password, hash);
  } catch {
    // Text that has the length of a hash, and is none.
    return false;
  }
}
